//! Random filters over values of the records, from a fixed seed.

use clade::query::{Field, Filter, Relation, TextTest};
use clade::{EntityId, Kind};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::plain_records::Plain;

pub(crate) struct Draw<'o> {
    plain: &'o Plain,
    /// The records of each kind.
    places: [Vec<usize>; Kind::ALL.len()],
    dice: StdRng,
}

impl<'o> Draw<'o> {
    pub(crate) fn new(plain: &'o Plain, seed: u64) -> Self {
        let places = Kind::ALL.map(|kind| plain.of_kind(kind).collect());
        Self { plain, places, dice: StdRng::seed_from_u64(seed) }
    }

    /// A random record of a kind.
    pub(crate) fn place(&mut self, kind: Kind) -> usize {
        *self.places[kind as usize].choose(&mut self.dice).unwrap()
    }

    /// Mostly projects, which have the most relations.
    pub(crate) fn kind(&mut self) -> Kind {
        if self.dice.random_bool(0.5) { Kind::Project } else { *Kind::ALL.choose(&mut self.dice).unwrap() }
    }

    /// A random unit that usually has descendants: the first of a level are the largest.
    pub(crate) fn unit(&mut self) -> usize {
        let large = ["corp", "b0", "b1", "d0", "d1", "g0", "g3", "t0", "t1", "t9"];
        if self.dice.random_bool(0.7) {
            self.plain.at(large.choose(&mut self.dice).unwrap())
        } else {
            self.place(Kind::OrgUnit)
        }
    }

    pub(crate) fn filter(&mut self, kind: Kind, depth: usize) -> Filter {
        if depth == 0 {
            return self.leaf(kind);
        }
        let several = |draw: &mut Self| {
            (0..draw.dice.random_range(2..4)).map(|_| draw.filter(kind, depth - 1)).collect()
        };
        match self.dice.random_range(0..8) {
            0..4 => Filter::And(several(self)),
            4..6 => Filter::Or(several(self)),
            6 => Filter::Not(Box::new(self.filter(kind, depth - 1))),
            _ => self.related(kind, depth - 1),
        }
    }

    fn related(&mut self, kind: Kind, depth: usize) -> Filter {
        let relations: &[Relation] = match kind {
            Kind::OrgUnit => return self.filter(kind, depth),
            Kind::Project => &[Relation::Member, Relation::Repository, Relation::Service],
            _ => &[Relation::Project],
        };
        let relation = *relations.choose(&mut self.dice).unwrap();
        Filter::Related(relation, Box::new(self.filter(relation.leads_to(), depth)))
    }

    fn leaf(&mut self, kind: Kind) -> Filter {
        match self.dice.random_range(0..8) {
            0 | 1 => Filter::Within(self.units()),
            2 => Filter::DirectlyIn(self.units()),
            3 => {
                let (_, text) = self.text(kind);
                Filter::AnyText(self.part(&text))
            }
            _ => {
                let (field, text) = self.text(kind);
                Filter::Text(field, self.test(kind, field, text))
            }
        }
    }

    fn units(&mut self) -> Vec<EntityId> {
        let count = self.dice.random_range(1..3);
        let plain = self.plain;
        (0..count).map(|_| plain.records[self.unit()].id).collect()
    }

    /// A random value of a record.
    fn text(&mut self, kind: Kind) -> (Field, String) {
        let at = self.place(kind);
        self.plain.records[at].texts.choose(&mut self.dice).unwrap().clone()
    }

    fn test(&mut self, kind: Kind, field: Field, text: String) -> TextTest {
        match self.dice.random_range(0..8) {
            0 => TextTest::Eq(text),
            1 => {
                let others = (0..3).map(|_| self.place(kind)).collect::<Vec<_>>();
                let others =
                    others.into_iter().filter_map(|at| self.plain.text(at, field).map(str::to_owned));
                TextTest::In(others.chain([text]).collect())
            }
            2..5 => TextTest::Contains(self.part(&text)),
            5 | 6 => {
                let length = self.dice.random_range(1..=text.chars().count().min(6));
                TextTest::StartsWith(text.chars().take(length).collect())
            }
            _ => TextTest::IsNull(self.dice.random_bool(0.5)),
        }
    }

    /// A random substring of a text, sometimes in capitals.
    fn part(&mut self, text: &str) -> String {
        let letters: Vec<char> = text.chars().collect();
        let length = self.dice.random_range(1..=letters.len().min(6));
        let start = self.dice.random_range(0..=letters.len() - length);
        let part: String = letters[start..start + length].iter().collect();
        if self.dice.random_bool(0.2) { part.to_uppercase() } else { part }
    }
}
