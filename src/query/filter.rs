//! The filter algebra: what a caller asks for, as a tree.
//!
//! A filter from outside has passed [`Filter::checked`], so that what walks it may recurse.

use crate::error::Error;
use crate::model::entity::{EntityId, Kind};

pub use crate::model::field::Field;

/// Which entities of a kind are asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every one.
    All,
    /// Those that all of these match.
    And(Vec<Filter>),
    /// Those that any of these matches.
    Or(Vec<Filter>),
    /// Those that this does not match.
    Not(Box<Filter>),
    /// Those beneath any of these units, at any depth. Of units: those strictly beneath.
    Within(Vec<EntityId>),
    /// Those directly in any of these units.
    DirectlyIn(Vec<EntityId>),
    /// Those with a text that passes.
    Text(Field, TextTest),
    /// Those with this in any of their own texts (keys, names, email, urls), without case.
    AnyText(String),
    /// Those with a neighbour that passes.
    Related(Relation, Box<Filter>),
}

impl Filter {
    /// How many conditions may stand inside each other.
    pub const MAX_DEPTH: usize = 64;
    /// How many conditions, and values in their lists, a filter may have altogether.
    pub const MAX_NODES: usize = 10_000;

    /// This filter, if its depth and size are within the limits. To be asked of every filter that comes from
    /// outside, before anything else is done with it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] with the limit that it breaks.
    pub fn checked(self) -> Result<Self, Error> {
        let (mut size, mut open) = (0_usize, vec![(&self, 1_usize)]);
        let mut refusal = None;
        while let Some((filter, depth)) = open.pop() {
            size = size.saturating_add(1 + filter.values());
            if depth > Self::MAX_DEPTH {
                refusal = Some(Error::TooLarge { what: "the depth of a filter", limit: Self::MAX_DEPTH });
            } else if size > Self::MAX_NODES {
                let what = "the number of conditions and values of a filter";
                refusal = Some(Error::TooLarge { what, limit: Self::MAX_NODES });
            }
            if refusal.is_some() {
                break;
            }
            open.extend(filter.parts().iter().map(|part| (part, depth + 1)));
        }
        match refusal {
            None => Ok(self),
            Some(refusal) => {
                self.dismantle();
                Err(refusal)
            }
        }
    }

    /// The same filter, as a condition that disjunctive facets keep whatever its dimension: for what belongs
    /// to the question itself, such as the unit whose people are listed.
    #[must_use]
    pub fn kept(self) -> Self {
        Self::Or(vec![self])
    }

    /// The filters directly inside this one.
    fn parts(&self) -> &[Self] {
        match self {
            Self::And(parts) | Self::Or(parts) => parts,
            Self::Not(part) | Self::Related(_, part) => std::slice::from_ref(part),
            Self::All | Self::Within(_) | Self::DirectlyIn(_) | Self::Text(..) | Self::AnyText(_) => &[],
        }
    }

    /// How many values its own lists hold.
    fn values(&self) -> usize {
        match self {
            Self::Within(units) | Self::DirectlyIn(units) => units.len(),
            Self::Text(_, TextTest::In(texts)) => texts.len(),
            _ => 0,
        }
    }

    /// Drops a filter of any depth without recursion.
    fn dismantle(self) {
        let mut open = vec![self];
        while let Some(filter) = open.pop() {
            match filter {
                Self::And(parts) | Self::Or(parts) => open.extend(parts),
                Self::Not(part) | Self::Related(_, part) => open.push(*part),
                Self::All | Self::Within(_) | Self::DirectlyIn(_) | Self::Text(..) | Self::AnyText(_) => {}
            }
        }
    }
}

/// One test of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// Exactly this.
    Eq(String),
    /// One of these.
    In(Vec<String>),
    /// This somewhere in it, without case.
    Contains(String),
    /// This at its beginning, without case.
    StartsWith(String),
    /// Not there at all, or there.
    IsNull(bool),
}

/// A way from an entity to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// From a project to the people who work on it.
    Member,
    /// From a person to the projects they work on; from an asset to its project.
    Project,
    /// From a project to its repositories.
    Repository,
    /// From a project to its services.
    Service,
}

impl Relation {
    /// The kind of the neighbours.
    #[must_use]
    pub fn leads_to(self) -> Kind {
        match self {
            Self::Member => Kind::Person,
            Self::Project => Kind::Project,
            Self::Repository => Kind::Repository,
            Self::Service => Kind::Service,
        }
    }

    /// The way back from the neighbours to entities of `kind`; none where this way does not begin at `kind`.
    pub(super) fn reversed(self, kind: Kind) -> Option<Self> {
        match (kind, self) {
            (Kind::Project, Self::Member | Self::Repository | Self::Service) => Some(Self::Project),
            (Kind::Person, Self::Project) => Some(Self::Member),
            (Kind::Repository, Self::Project) => Some(Self::Repository),
            (Kind::Service, Self::Project) => Some(Self::Service),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Filter {
        (1..depth).fold(Filter::All, |inner, _| Filter::Not(Box::new(inner)))
    }

    #[test]
    fn an_over_deep_filter_is_refused_without_overflowing_the_stack() {
        assert!(nested(Filter::MAX_DEPTH).checked().is_ok());
        let refusal = nested(Filter::MAX_DEPTH + 1).checked().unwrap_err();
        assert_eq!(refusal.code(), "too-large");
        assert!(nested(1_000_000).checked().is_err());
    }

    #[test]
    fn conditions_and_their_values_are_limited_together() {
        let units = |count| Filter::Within(vec![EntityId(1); count]);
        assert!(units(Filter::MAX_NODES - 1).checked().is_ok());
        assert!(units(Filter::MAX_NODES).checked().is_err());
        assert!(Filter::And(vec![Filter::All; Filter::MAX_NODES]).checked().is_err());
    }
}
