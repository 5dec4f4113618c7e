//! What each kind can be counted by, and the counts.

use async_graphql::{Enum, SimpleObject};

use crate::model::level::Level;
use crate::query::facet::FacetBy;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;

macro_rules! facets {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident => $by:expr,)* }) => {
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
    };
}

facets!(
    /// What projects can be counted by.
    ProjectFacet {
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
    PersonFacet {
        /// The projects that they work on.
        Project => FacetBy::Project,
    }
);
facets!(
    /// What units can be counted by.
    OrgUnitFacet {
        /// Their types.
        Type => FacetBy::Type,
    }
);
facets!(
    /// What repositories can be counted by.
    RepositoryFacet {
        /// Where they are hosted.
        Platform => FacetBy::Platform,
        /// Their projects.
        Project => FacetBy::Project,
    }
);

/// Every dimension that records of some kind can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum FacetDimension {
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
    /// Where repositories are hosted.
    Platform,
    /// The emails of owners.
    Owner,
    /// The emails of the people who work on it.
    Member,
    /// The ids of projects.
    Project,
    /// The types of units.
    Type,
}

impl From<FacetBy> for FacetDimension {
    fn from(by: FacetBy) -> Self {
        match by {
            FacetBy::Level(Level::Organization) => Self::Organization,
            FacetBy::Level(Level::Business) => Self::Business,
            FacetBy::Level(Level::Department) => Self::Department,
            FacetBy::Level(Level::Group) => Self::Group,
            FacetBy::Level(Level::Team) => Self::Team,
            FacetBy::Platform => Self::Platform,
            FacetBy::Owner => Self::Owner,
            FacetBy::Member => Self::Member,
            FacetBy::Project => Self::Project,
            FacetBy::Type => Self::Type,
        }
    }
}

/// The values of one dimension, each with its count.
#[derive(SimpleObject)]
pub(crate) struct Facet {
    /// The dimension.
    pub(crate) by: FacetDimension,
    /// The values, the most frequent first, then by value; none that nothing has.
    pub(crate) buckets: Vec<Bucket>,
}

/// One value of a dimension.
#[derive(Clone, SimpleObject)]
#[graphql(name = "FacetBucket")]
pub(crate) struct Bucket {
    /// The value: for a level, the unit's name.
    pub(crate) value: Metered<String>,
    /// The unit, for a level.
    pub(crate) unit: Option<OrgUnit>,
    /// How many records have it.
    pub(crate) count: u64,
}
