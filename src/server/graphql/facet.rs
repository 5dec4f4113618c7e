//! What each kind can be counted by, and the counts.

use std::borrow::Cow;

use async_graphql::{Enum, InputType, Object, OutputType, SimpleObject, TypeName};

use crate::model::level::Level;
use crate::query::facet::FacetBy;
use crate::server::graphql::org_unit::OrgUnit;

macro_rules! facets {
    ($(#[$doc:meta])* $name:ident, $facet:literal { $($(#[$value_doc:meta])* $value:ident => $by:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub(crate) enum $name {
            /// The organizations above.
            Organization,
            /// The businesses above.
            Business,
            /// The departments above.
            Department,
            /// The groups above.
            Group,
            /// The teams above.
            Team,
            $($(#[$value_doc])* $value,)*
        }

        impl From<$name> for FacetBy {
            fn from(by: $name) -> Self {
                match by {
                    $name::Organization => Self::Level(Level::Organization),
                    $name::Business => Self::Level(Level::Business),
                    $name::Department => Self::Level(Level::Department),
                    $name::Group => Self::Level(Level::Group),
                    $name::Team => Self::Level(Level::Team),
                    $($name::$value => $by,)*
                }
            }
        }

        impl FacetName for $name {
            const FACET: &'static str = $facet;
        }
    };
}

facets!(
    /// What projects can be counted by.
    ProjectFacet, "ProjectFacetResult" {
        /// Where their repositories are hosted.
        Platform => FacetBy::Platform,
        /// The emails of their owners.
        Owner => FacetBy::Owner,
        /// The emails of the people who work on them.
        Member => FacetBy::Member,
    }
);
facets!(
    /// What people can be counted by.
    PersonFacet, "PersonFacetResult" {
        /// The projects that they work on.
        Project => FacetBy::Project,
    }
);
facets!(
    /// What units can be counted by.
    OrgUnitFacet, "OrgUnitFacetResult" {
        /// Their types.
        Type => FacetBy::Type,
    }
);
facets!(
    /// What repositories can be counted by.
    RepositoryFacet, "RepositoryFacetResult" {
        /// Where they are hosted.
        Platform => FacetBy::Platform,
        /// Their projects.
        Project => FacetBy::Project,
    }
);

/// What the counts by an enum are called.
pub(crate) trait FacetName: Send + Sync {
    const FACET: &'static str;
}

/// The values of one dimension.
pub(crate) struct Facet<By> {
    pub(crate) by: By,
    pub(crate) buckets: Vec<Bucket>,
}

impl<By: FacetName> TypeName for Facet<By> {
    fn type_name() -> Cow<'static, str> {
        By::FACET.into()
    }
}

/// The values of one dimension, each with its count.
#[Object(name_type)]
impl<By: FacetName + InputType + OutputType + Copy> Facet<By> {
    /// The dimension.
    async fn by(&self) -> By {
        self.by
    }

    /// The values, the most frequent first, then by value; none that nothing has.
    async fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }
}

/// One value of a dimension.
#[derive(Clone, SimpleObject)]
#[graphql(name = "FacetBucket")]
pub(crate) struct Bucket {
    /// The value: for a level, the unit's name.
    pub(crate) value: String,
    /// The unit, for a level.
    pub(crate) unit: Option<OrgUnit>,
    /// How many records have it.
    pub(crate) count: u64,
}
