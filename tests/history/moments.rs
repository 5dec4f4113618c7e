//! What holds between all answers, whatever they are about: revisions and moments never go back, and one revision shows one
//! state.

use std::collections::BTreeMap;

use clade::Directory;
use clade::model::{Revision, Timestamp};

use crate::model::{Answer, Record};
use crate::record::Entry;

/// The people that an answer shows.
fn people(entry: &Entry) -> Vec<(usize, &Record)> {
    let person = match entry.request {
        crate::model::Request::Read { person }
        | crate::model::Request::Create { person, .. }
        | crate::model::Request::Patch { person, .. } => person,
        _ => usize::MAX,
    };
    match &entry.answer {
        Answer::Person(Some(record)) => vec![(person, record)],
        Answer::List(found) => found.iter().map(|(person, record)| (*person, record)).collect(),
        _ => Vec::new(),
    }
}

/// Checks entries, sorted by call.
pub(crate) fn check(entries: &[Entry]) -> Result<(), String> {
    revisions_go_on(entries)?;
    one_revision_shows_one_state(entries)?;
    let moments = moments_of_revisions(entries)?;
    let mut before = Timestamp::from_millis(i64::MIN);
    for (revision, moment) in moments {
        if moment < before {
            return Err(format!("revision {revision} was made at {moment}, and one before it at {before}"));
        }
        before = moment;
    }
    Ok(())
}

/// No answer shows an older directory than another one that returned before it was asked for.
fn revisions_go_on(entries: &[Entry]) -> Result<(), String> {
    let mut returned: Vec<&Entry> = entries.iter().filter(|entry| entry.directory.is_some()).collect();
    let called = returned.clone();
    returned.sort_by_key(|entry| entry.ret);
    let mut returned = returned.into_iter().peekable();
    let mut newest: Option<&Entry> = None;
    for entry in called {
        while let Some(earlier) = returned.next_if(|earlier| earlier.ret < entry.call) {
            newest = newest.filter(|newest| newest.directory >= earlier.directory).or(Some(earlier));
        }
        if let Some(newest) = newest.filter(|newest| newest.directory > entry.directory) {
            return Err(format!("the directory went back\n  {newest:?}\n  {entry:?}"));
        }
    }
    Ok(())
}

/// Equal questions about one revision have equal answers, and a person has one content at each of its revisions.
fn one_revision_shows_one_state(entries: &[Entry]) -> Result<(), String> {
    let mut answers: BTreeMap<(u64, usize, String), &Entry> = BTreeMap::new();
    let mut names: BTreeMap<(usize, usize, u64), u64> = BTreeMap::new();
    for entry in entries {
        if let Some(directory) = entry.directory.filter(|_| !entry.request.is_write()) {
            let other = answers.entry((directory, entry.island, entry.request.to_string())).or_insert(entry);
            if other.answer != entry.answer {
                return Err(format!("revision {directory} shows two states\n  {other:?}\n  {entry:?}"));
            }
        }
        for (person, record) in people(entry) {
            let name = names.entry((entry.island, person, record.revision)).or_insert(record.name);
            if *name != record.name {
                let revision = record.revision;
                return Err(format!(
                    "a person has two names at revision {revision}: {name} and\n  {entry:?}"
                ));
            }
        }
    }
    Ok(())
}

/// The moment of each revision that a person was changed in.
fn moments_of_revisions(entries: &[Entry]) -> Result<BTreeMap<u64, Timestamp>, String> {
    let mut moments = BTreeMap::new();
    for entry in entries {
        for (_, Record { revision, updated_at, .. }) in people(entry) {
            let moment = Timestamp::parse(updated_at).ok_or_else(|| format!("no moment: {updated_at}"))?;
            let other = *moments.entry(*revision).or_insert(moment);
            if other != moment {
                return Err(format!("revision {revision} was made at {other} and at {moment}"));
            }
        }
    }
    Ok(moments)
}

/// Compares the change log with the answers: one entry a revision, with moments and ids that never go back.
pub(crate) fn check_log(directory: &Directory, entries: &[Entry]) -> Result<(), String> {
    let seen = moments_of_revisions(entries)?;
    let mut logged = BTreeMap::new();
    let mut last = None;
    for batch in directory.log(Revision(1)).map_err(|failure| failure.to_string())? {
        let batch = batch.map_err(|failure| failure.to_string())?;
        let this = (batch.revision, batch.at, batch.id);
        if let Some((revision, at, id)) = last
            && (Revision(batch.revision.0 - 1) != revision || batch.at < at || batch.id <= id)
        {
            return Err(format!("the log goes back from {last:?} to {this:?}"));
        }
        logged.insert(batch.revision.0, batch.at);
        last = Some(this);
    }
    let newest = entries.iter().filter_map(|entry| entry.directory).max().unwrap_or_default();
    if logged.last_key_value().is_some_and(|(revision, _)| *revision < newest) {
        return Err(format!("an answer showed revision {newest}, which is not in the log"));
    }
    for (revision, moment) in seen {
        if logged.get(&revision) != Some(&moment) {
            let other = logged.get(&revision);
            return Err(format!("revision {revision} was shown as of {moment}, and the log has {other:?}"));
        }
    }
    let findings = directory.check().map_err(|failure| failure.to_string())?.findings;
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}
