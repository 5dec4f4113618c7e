//! The checker itself: known histories with their verdicts, true histories with one answer changed, and a server that
//! forgets.

use crate::clients::run;
use crate::faults::Simulated;
use crate::kills;
use crate::model::{Answer, Place, Record, Request, Unit};
use crate::record::{Entry, History, Mark, SettledBy, verdict};

/// An entry of island 0 that was called and returned at these moments.
fn entry(call: u64, ret: u64, request: Request, answer: Answer) -> Entry {
    let is_done = request.is_write() && matches!(answer, Answer::Done | Answer::Person(_));
    let settled_by = if answer == Answer::Unknown { SettledBy::Restart } else { SettledBy::Answer };
    let client = format!("client {call}");
    Entry { client, island: 0, request, is_done, answer, directory: None, call, ret, settled_by }
}

fn create(name: u64) -> Request {
    Request::Create { person: 0, name, team: Some(0) }
}

fn patch(name: u64, if_revision: Option<u64>) -> Request {
    Request::Patch { person: 0, name: Some(name), team: None, if_revision }
}

fn place(team: usize) -> Request {
    Request::Patch { person: 0, name: None, team: Some(Place(Some(team))), if_revision: None }
}

const READ: Request = Request::Read { person: 0 };

fn shown(name: u64, revision: u64) -> Answer {
    let updated_at = format!("2026-11-24T00:00:00.{revision:03}Z");
    Answer::Person(Some(Record { name, team: Some(0), department: Some(0), revision, updated_at }))
}

fn people(people: u64) -> Answer {
    Answer::Totals { people, units: 0 }
}

fn killed(at: u64) -> Vec<Mark> {
    vec![Mark { at, settles: Some(SettledBy::Restart), what: "killed".to_owned() }]
}

fn is_right(entries: &[Entry], marks: &[Mark]) {
    verdict(entries, marks).unwrap();
}

/// Asserts that the history is refused, and that the counterexample has this many lines before those that led to it.
fn is_wrong(entries: &[Entry], marks: &[Mark], words: &str, lines: usize) -> String {
    let text = verdict(entries, marks).unwrap_err();
    assert!(text.contains(words), "{text}");
    let (counterexample, _) = text.split_once("the changes before").unwrap_or((&text, ""));
    assert_eq!(counterexample.lines().filter(|line| line.contains("=>")).count(), lines, "{text}");
    text
}

const NO_ORDER: &str = "no order of these operations on island 0";

#[test]
fn a_read_sees_what_was_written_before_it() {
    let mut history = vec![
        entry(0, 1, create(1), shown(1, 1)),
        entry(2, 5, patch(2, None), shown(2, 2)),
        entry(3, 6, READ, shown(1, 1)),
        entry(4, 9, READ, shown(2, 2)),
    ];
    is_right(&history, &[]);
    history.push(entry(7, 8, READ, shown(2, 2)));
    is_right(&history, &[]);
    history.push(entry(10, 11, READ, shown(1, 1)));
    is_wrong(&history, &[], NO_ORDER, 1);
}

#[test]
fn two_reads_agree_on_the_order_of_two_changes() {
    let read = |call, name| entry(call, call + 1, READ, shown(name, name));
    let changes = [
        entry(0, 1, create(1), Answer::Done),
        entry(2, 20, patch(2, None), Answer::Done),
        entry(3, 20, patch(3, None), Answer::Done),
    ];
    is_right(&[&changes[..], &[read(4, 2), read(6, 3)]].concat(), &[]);
    is_wrong(&[&changes[..], &[read(4, 2), read(6, 3), read(8, 2)]].concat(), &[], NO_ORDER, 4);
}

#[test]
fn of_two_changes_of_one_revision_only_one_is_made() {
    let first = [entry(0, 1, create(1), shown(1, 1)), entry(2, 5, patch(2, Some(1)), shown(2, 2))];
    let second = |answer| entry(3, 6, patch(3, Some(1)), answer);
    is_right(&[&first[..], &[second(Answer::Mismatch)]].concat(), &[]);
    is_wrong(&[&first[..], &[second(shown(3, 3))]].concat(), &[], NO_ORDER, 2);
}

#[test]
fn a_commit_that_two_changes_share_shows_the_second_to_both() {
    let shared = [
        entry(0, 1, create(1), shown(1, 1)),
        entry(2, 5, patch(2, None), shown(3, 2)),
        entry(3, 6, patch(3, None), shown(3, 2)),
    ];
    is_right(&shared, &[]);
    // The first cannot show the second unless that was called already.
    let apart = [
        shared[0].clone(),
        entry(2, 3, patch(2, None), shown(3, 2)),
        entry(4, 6, patch(3, None), shown(3, 2)),
    ];
    is_wrong(&apart, &[], NO_ORDER, 1);
}

#[test]
fn an_acknowledged_write_survives_a_kill_and_an_unknown_one_may() {
    let none = || entry(6, 7, READ, Answer::Person(None));
    let some = |call| entry(call, call + 1, READ, shown(1, 1));
    let lost = is_wrong(&[entry(0, 1, create(1), shown(1, 1)), none()], &killed(3), NO_ORDER, 1);
    assert!(lost.contains("create p0 named 1") && lost.contains("killed"), "{lost}");
    let unknown = entry(0, 2, create(1), Answer::Unknown);
    is_right(&[unknown.clone(), none()], &killed(3));
    is_right(&[unknown.clone(), some(6)], &killed(3));
    is_right(&[unknown.clone(), none(), some(8)], &[]);
    is_wrong(&[unknown, none(), some(8)], &killed(3), NO_ORDER, 1);
}

#[test]
fn an_unknown_write_is_settled_when_the_disk_works_again() {
    let marks = vec![Mark { at: 10, settles: Some(SettledBy::Disk), what: "it works again".to_owned() }];
    let unknown = Entry { settled_by: SettledBy::Disk, ..entry(2, 3, patch(2, None), Answer::Unknown) };
    let history = |call| {
        let reads = [(1, 4), (2, call)].map(|(name, call)| entry(call, call + 1, READ, shown(name, name)));
        [vec![entry(0, 1, create(1), Answer::Done), unknown.clone()], reads.to_vec()].concat()
    };
    is_right(&history(6), &marks);
    is_right(&history(11), &marks);
    let between = [history(6), vec![entry(11, 12, READ, shown(1, 1))]].concat();
    is_wrong(&between, &marks, NO_ORDER, 1);
    let late = [
        entry(0, 1, create(1), Answer::Done),
        unknown.clone(),
        entry(11, 12, READ, shown(1, 1)),
        entry(13, 14, READ, shown(2, 2)),
    ];
    is_wrong(&late, &marks, NO_ORDER, 1);
}

#[test]
fn a_person_who_moves_is_counted_once() {
    let count = |call, team, number| entry(call, call + 1, Request::Totals(Unit::Team(team)), people(number));
    let moves = [entry(0, 1, create(1), Answer::Done), entry(2, 20, place(1), Answer::Done)];
    is_right(&[&moves[..], &[count(4, 0, 1), count(6, 1, 1), count(8, 0, 0)]].concat(), &[]);
    is_wrong(&[&moves[..], &[count(4, 1, 1), count(6, 0, 1)]].concat(), &[], NO_ORDER, 3);
}

#[test]
fn the_people_of_a_team_move_with_it() {
    let moved = entry(2, 3, Request::Move { team: 0, to: 1 }, Answer::Done);
    let list =
        |department, found| entry(4, 5, Request::List(Unit::Department(department)), Answer::List(found));
    let Answer::Person(Some(record)) = shown(1, 1) else { unreachable!() };
    let moved_record = Record { department: Some(1), ..record.clone() };
    let history = |list| [entry(0, 1, create(1), Answer::Done), moved.clone(), list];
    is_right(&history(list(1, vec![(0, moved_record)])), &[]);
    is_right(&history(list(0, vec![])), &[]);
    is_wrong(&history(list(1, vec![])), &[], NO_ORDER, 1);
    is_wrong(&history(list(1, vec![(0, record)])), &[], NO_ORDER, 1);
}

#[test]
fn revisions_and_moments_never_go_back() {
    let at = |call, name, revision| entry(call, call + 1, READ, shown(name, revision));
    let create = entry(0, 1, create(1), Answer::Done);
    let seen = |directory, entry| Entry { directory: Some(directory), ..entry };
    is_right(&[create.clone(), seen(7, at(2, 1, 1)), seen(7, at(4, 1, 1))], &[]);
    is_wrong(
        &[create.clone(), seen(7, at(2, 1, 1)), seen(6, at(4, 1, 1))],
        &[],
        "the directory went back",
        0,
    );
    is_wrong(&[create.clone(), seen(7, at(2, 1, 1)), seen(7, at(4, 2, 1))], &[], "shows two states", 0);
    let mut earlier = shown(2, 2);
    if let Answer::Person(Some(record)) = &mut earlier {
        record.updated_at = "2026-11-23T00:00:00.000Z".to_owned();
    }
    is_wrong(&[create, at(2, 1, 1), entry(4, 5, READ, earlier)], &[], "was made at 2026-11-23", 0);
}

/// Answers of a kind that are changed, one at a time.
const SAMPLES: usize = 5;

/// A true history of a server without faults, with moments that leave a gap after each, and the last moment before
/// everything is read.
fn true_history(seed: u64) -> (Vec<Entry>, u64) {
    let history = History::default();
    let mut simulated = Simulated::start(&history, seed);
    run(&history, simulated.address(), seed, 60, |_| {});
    let end = history.moment();
    simulated.read_all(seed);
    let mut entries = history.entries();
    for entry in &mut entries {
        (entry.call, entry.ret) = (entry.call * 2, entry.ret * 2);
        if entry.settled_by == SettledBy::Restart {
            entry.ret = end * 2;
        }
    }
    (entries, end * 2)
}

/// The person and the record that a read shows.
fn read(entry: &Entry) -> Option<(usize, &Record)> {
    match (&entry.request, &entry.answer) {
        (Request::Read { person }, Answer::Person(Some(record))) => Some((*person, record)),
        _ => None,
    }
}

#[test]
fn a_true_history_with_one_false_answer_is_refused() {
    let (entries, end) = true_history(1);
    let marks = killed(end);
    println!("{:?}", verdict(&entries, &marks).unwrap());

    let mut stale = 0;
    for (at, late) in entries.iter().enumerate() {
        if stale == SAMPLES {
            break;
        }
        let Some((person, record)) = read(late) else { continue };
        let is_older = |entry: &&Entry| {
            let seen = read(entry).filter(|_| entry.island == late.island && entry.ret < late.call);
            seen.is_some_and(|(other, seen)| other == person && seen.revision < record.revision)
        };
        // The newest revision has been shown before, so that the older one is stale.
        let was_shown = entries[..at].iter().any(|entry| {
            entry.ret < late.call && read(entry).is_some_and(|(_, seen)| seen.revision == record.revision)
        });
        if let Some(older) = entries[..at].iter().rev().find(is_older).filter(|_| was_shown) {
            let mut changed = entries.clone();
            (changed[at].answer, changed[at].directory) = (older.answer.clone(), None);
            assert!(verdict(&changed, &marks).unwrap_err().contains("no order"), "{late:?}");
            stale += 1;
        }
    }
    assert!(stale > 0);

    let counts =
        entries.iter().enumerate().filter(|(_, entry)| matches!(entry.answer, Answer::Totals { .. }));
    for (at, entry) in counts.take(SAMPLES) {
        let Answer::Totals { people, units } = entry.answer else { continue };
        let mut changed = entries.clone();
        changed[at].answer = Answer::Totals { people: people + 3, units: units + 1 };
        changed[at].directory = None;
        assert!(verdict(&changed, &marks).is_err(), "{entry:?}");
    }

    for person in 0..2 {
        let mut changed = entries.clone();
        let request = Request::Patch { person, name: Some(u64::MAX), team: None, if_revision: None };
        changed.push(entry(end + 1, end + 1, request, Answer::Done));
        changed.sort_by_key(|entry| entry.call);
        let text = verdict(&changed, &marks).unwrap_err();
        assert!(text.contains("no order"), "an acknowledged write that was never made: {text}");
    }
}

#[test]
fn a_server_that_forgets_is_refused() {
    let refused = kills::history_of_a_restored_copy(1).unwrap_err();
    println!("{refused}");
    assert!(refused.contains("the directory went back"), "{refused}");
}
