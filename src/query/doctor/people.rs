//! Check for duplicate people: see [`FindingCode::PersonSpelledTwice`] for the rule.
//!
//! Each person has up to three match keys; people with a key in common are the same group. Comparing every pair would
//! be quadratic, so people are united with the first one that has the same key: linear, with one hash lookup per key.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind, Person};
use crate::model::key::Name;
use crate::model::text::fold;
use crate::query::doctor::{Finding, FindingCode, records};

/// Ignored in the local part of an email, if the external id or the name matches too.
const SEPARATORS: [char; 3] = ['.', '_', '-'];

/// What two records of the same person have in common.
#[derive(PartialEq, Eq, Hash)]
enum MatchKey<'p> {
    /// The email without a `+` suffix.
    Mailbox(Cow<'p, str>),
    /// The email without that suffix and without separators, and the external id.
    ExternalId(Cow<'p, str>, &'p str),
    /// The same email, and the first and last name.
    Names(Cow<'p, str>, [Cow<'p, str>; 2]),
}

pub(super) fn spelled_twice(view: &View) -> Vec<Finding> {
    let people: Vec<_> =
        records(view, Kind::Person).filter_map(|entity| Some((entity.id, entity.as_person()?))).collect();
    let mut groups = DisjointSets::of(people.len());
    let mut first: FxHashMap<MatchKey<'_>, usize> = FxHashMap::default();
    for (at, (_, person)) in people.iter().enumerate() {
        for key in match_keys(person) {
            groups.union(*first.entry(key).or_insert(at), at);
        }
    }
    let mut by_root: FxHashMap<usize, Vec<EntityId>> = FxHashMap::default();
    for (at, (id, _)) in people.iter().enumerate() {
        by_root.entry(groups.root(at)).or_default().push(*id);
    }
    let several = by_root.into_values().filter(|people| people.len() > 1);
    several.map(|people| Finding::of(FindingCode::PersonSpelledTwice, people)).collect()
}

fn match_keys(person: &Person) -> impl Iterator<Item = MatchKey<'_>> {
    let mailbox = mailbox(person.email.folded());
    let bare = without_separators(&mailbox);
    let external = person.external_id.as_ref().map(|id| MatchKey::ExternalId(bare.clone(), id.as_str()));
    let name = |name: &Option<Name>| name.as_ref().map(|name| fold(name.as_str()).into_owned().into());
    let names = name(&person.first_name).zip(name(&person.last_name));
    let names = names.map(|(first, last)| MatchKey::Names(bare, [first, last]));
    [Some(MatchKey::Mailbox(mailbox)), external, names].into_iter().flatten()
}

/// An email without what follows the first `+` of its local part, unless the local part begins with the `+`.
fn mailbox(email: Cow<'_, str>) -> Cow<'_, str> {
    match email.rsplit_once('@').and_then(|(local, domain)| Some((local.split_once('+')?.0, domain))) {
        Some((local, domain)) if !local.is_empty() => format!("{local}@{domain}").into(),
        _ => email,
    }
}

/// An email without separators in its local part, unless the local part consists of them.
// Then every such address would be the same empty one.
fn without_separators(email: &str) -> Cow<'static, str> {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let bare = local.replace(SEPARATORS, "");
    let local = if bare.is_empty() { local } else { &bare };
    format!("{local}@{domain}").into()
}

/// Disjoint sets (union-find) of list indexes: each element points to an earlier one of its set, the first to itself.
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn of(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// The smallest index of the set.
    // Path halving: each element that is passed then points two steps further, so later walks are short.
    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn union(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        // The smaller index becomes the root, so the root is the person created first.
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailbox_drops_the_plus_suffix() {
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
    fn separators_in_the_local_part_are_ignored() {
        for (email, expected) in [("a.da_b-c@x-y.z", "adabc@x-y.z"), ("._-@x", "._-@x"), ("a.@x", "a@x")] {
            assert_eq!(without_separators(email), expected);
        }
    }

    #[test]
    fn united_groups_share_a_root() {
        let mut groups = DisjointSets::of(6);
        for (one, other) in [(4, 5), (2, 3), (5, 2), (3, 4)] {
            groups.union(one, other);
        }
        assert_eq!((0..6).map(|at| groups.root(at)).collect::<Vec<_>>(), [0, 1, 2, 2, 2, 2]);
    }
}
