//! People under two spellings of an email: the rule is told at [`FindingCode::PersonSpelledTwice`].
//!
//! A person leaves up to three marks, of which each other spelling of theirs leaves one as well. Whoever left a mark
//! first is joined by everyone who leaves it again, so that each person is looked at once.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind, Person};
use crate::model::key::{Name, fold};
use crate::query::doctor::{Finding, FindingCode, records};

/// What is left out of an email's local part where something else says who it is.
const SEPARATORS: [char; 3] = ['.', '_', '-'];

/// What people who are likely one have in common.
#[derive(PartialEq, Eq, Hash)]
enum Mark<'p> {
    /// The email without what follows a `+`.
    Mailbox(Cow<'p, str>),
    /// The email without that and separators, and the external id.
    ExternalId(Cow<'p, str>, &'p str),
    /// The same, with the first and the last name.
    Names(Cow<'p, str>, [Cow<'p, str>; 2]),
}

pub(super) fn spelled_twice(view: &View) -> Vec<Finding> {
    let people: Vec<_> =
        records(view, Kind::Person).filter_map(|entity| Some((entity.id, entity.as_person()?))).collect();
    let mut groups = Groups::of(people.len());
    let mut first: FxHashMap<Mark<'_>, usize> = FxHashMap::default();
    for (at, (_, person)) in people.iter().enumerate() {
        for mark in marks(person) {
            groups.join(*first.entry(mark).or_insert(at), at);
        }
    }
    let mut by_first: FxHashMap<usize, Vec<EntityId>> = FxHashMap::default();
    for (at, (id, _)) in people.iter().enumerate() {
        by_first.entry(groups.first(at)).or_default().push(*id);
    }
    let several = by_first.into_values().filter(|people| people.len() > 1);
    several.map(|people| Finding::of(FindingCode::PersonSpelledTwice, people)).collect()
}

fn marks(person: &Person) -> impl Iterator<Item = Mark<'_>> {
    let mailbox = mailbox(person.email.folded());
    let bare = without_separators(&mailbox);
    let external = person.external_id.as_ref().map(|id| Mark::ExternalId(bare.clone(), id.as_str()));
    let name = |name: &Option<Name>| name.as_ref().map(|name| fold(name.as_str()).into_owned().into());
    let names = name(&person.first_name).zip(name(&person.last_name));
    let names = names.map(|(first, last)| Mark::Names(bare, [first, last]));
    [Some(Mark::Mailbox(mailbox)), external, names].into_iter().flatten()
}

/// An email without what follows the first `+` of its local part, unless that begins with it.
fn mailbox(email: Cow<'_, str>) -> Cow<'_, str> {
    match email.rsplit_once('@').and_then(|(local, domain)| Some((local.split_once('+')?.0, domain))) {
        Some((local, domain)) if !local.is_empty() => format!("{local}@{domain}").into(),
        _ => email,
    }
}

/// An email without separators in its local part, unless that has nothing else.
fn without_separators(email: &str) -> Cow<'static, str> {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let bare = local.replace(SEPARATORS, "");
    let local = if bare.is_empty() { local } else { &bare };
    format!("{local}@{domain}").into()
}

/// Places in a list, in groups that are joined: each place leads to an earlier one of its group, the first to itself.
struct Groups(Vec<usize>);

impl Groups {
    fn of(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// The first of the group. What is passed on the way leads further from then on.
    fn first(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_what_comes_before_the_plus() {
        for (email, expected) in [
            ("ada@x", "ada@x"),
            ("ada+lists@x", "ada@x"),
            ("ada+a+b@x", "ada@x"),
            ("ada+@x", "ada@x"),
            ("+ada@x", "+ada@x"),
            ("ada@x+y", "ada@x+y"),
        ] {
            assert_eq!(mailbox(email.into()), expected);
        }
    }

    #[test]
    fn separators_count_for_nothing_before_the_at() {
        for (email, expected) in [("a.da_b-c@x-y.z", "adabc@x-y.z"), ("._-@x", "._-@x"), ("a.@x", "a@x")] {
            assert_eq!(without_separators(email), expected);
        }
    }

    #[test]
    fn groups_that_are_joined_have_one_first() {
        let mut groups = Groups::of(6);
        for (one, other) in [(4, 5), (2, 3), (5, 2), (3, 4)] {
            groups.join(one, other);
        }
        assert_eq!((0..6).map(|at| groups.first(at)).collect::<Vec<_>>(), [0, 1, 2, 2, 2, 2]);
    }
}
