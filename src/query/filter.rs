//! Filter expressions: a tree of conditions on the entities of one kind.
//!
//! Invariant: a filter from a client has passed [`Filter::checked`], so its depth is bounded and code that walks it may
//! recurse.

use crate::error::Error;
use crate::model::entity::{EntityId, Kind};

pub use crate::model::field::Field;

/// A condition on the entities of a kind.
///
/// ```
/// use clade::query::{Filter, select};
/// use clade::{CreatePerson, Directory, Kind};
///
/// let [ada, eve] = ["ada@corp.example", "eve@corp.example"].map(CreatePerson::new);
/// let view = Directory::in_memory()?.apply([ada.under("Corp/Retail"), eve.under("Corp/Web")])?.view;
/// let in_retail = Filter::Within(vec![view.org_unit("Retail")?.id()]);
/// let others = Filter::And(vec![Filter::AnyText("CORP".to_owned()), Filter::Not(Box::new(in_retail))]);
/// let found = select(&view, Kind::Person, &others);
/// assert_eq!(found.len(), 1);
/// assert!(found.contains(view.person("eve@corp.example")?.id().0));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Matches every entity.
    All,
    /// Matches if all of these match.
    And(Vec<Filter>),
    /// Matches if any of these matches.
    Or(Vec<Filter>),
    /// Matches if this does not.
    Not(Box<Filter>),
    /// Descendants of any of these units, at any depth; not these units themselves.
    Within(Vec<EntityId>),
    /// Direct children of any of these units.
    DirectlyIn(Vec<EntityId>),
    /// Entities whose text in this field passes the test.
    Text(Field, TextTest),
    /// Entities with this in any of their own texts (keys, names, email, urls), case-insensitive.
    AnyText(String),
    /// Entities with at least one neighbour along the relation that matches the filter.
    Related(Relation, Box<Filter>),
}

impl Filter {
    /// Maximum nesting depth of conditions.
    pub const MAX_DEPTH: usize = 64;
    /// Maximum number of conditions plus values in their lists.
    pub const MAX_NODES: usize = 10_000;

    /// Returns this filter if its depth and size are within the limits. Call this for every filter from a client,
    /// before anything else is done with it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] with the exceeded limit.
    pub fn checked(self) -> Result<Self, Error> {
        // An explicit stack: the depth is not known to be bounded yet, so recursion could overflow here.
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
                // The generated `Drop` recurses, so a refused filter is taken apart first.
                self.dismantle();
                Err(refusal)
            }
        }
    }

    /// Wraps the filter so that disjunctive facets never leave it out. For conditions that belong to the request
    /// itself, such as the unit whose people are listed.
    // Facets leave out conditions of `And` alone, so an `Or` with one part is opaque to them.
    #[must_use]
    pub fn always_applied(self) -> Self {
        Self::Or(vec![self])
    }

    /// The direct sub-filters.
    fn parts(&self) -> &[Self] {
        match self {
            Self::And(parts) | Self::Or(parts) => parts,
            Self::Not(part) | Self::Related(_, part) => std::slice::from_ref(part),
            Self::All | Self::Within(_) | Self::DirectlyIn(_) | Self::Text(..) | Self::AnyText(_) => &[],
        }
    }

    /// The number of values in its own lists.
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

/// A test of one text.
///
/// ```
/// use clade::query::{Field, Filter, TextTest, select};
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreateProject::new("cart", "Cart API"))?.view;
/// let count = |test| select(&view, clade::Kind::Project, &Filter::Text(Field::Name, test)).len();
/// assert_eq!(count(TextTest::StartsWith("cart".to_owned())), 1);
/// assert_eq!(count(TextTest::Eq("CART API".to_owned())), 1, "in any case");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// Equal to this: names and keys in any case, other texts exactly.
    Eq(String),
    /// Equal to one of these.
    In(Vec<String>),
    /// Contains this, without regard to case and marks.
    Contains(String),
    /// Begins with this, without regard to case and marks.
    StartsWith(String),
    /// Missing if `true`, present if `false`.
    IsNull(bool),
}

/// A relation from an entity to its neighbours.
///
/// ```
/// use clade::query::{Field, Filter, Relation, TextTest, select};
///
/// let cart = clade::CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let at_github = Filter::Text(Field::Platform, TextTest::Eq("github.com".to_owned()));
/// let has_one = Filter::Related(Relation::Repository, Box::new(at_github));
/// assert_eq!(select(&view, clade::Kind::Project, &has_one).len(), 1);
/// # Ok::<(), clade::Error>(())
/// ```
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

    /// The inverse relation, from the neighbours back to entities of `kind`; `None` if `kind` does not have this
    /// relation.
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
