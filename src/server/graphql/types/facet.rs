//! Facet types: the dimensions of each kind, and the buckets with their counts.

use async_graphql::{Enum, InputType, SimpleObject};

use crate::model::level::Level;
use crate::query::facet::FacetBy;
use crate::server::graphql::plan::{FieldRequest, Planned, Writer, array};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;

// Each kind has an enum of its own, so that validation refuses a dimension which the kind does not have, such as the
// platform of a person. Levels are common to all kinds.
macro_rules! facets {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident => $by:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub(crate) enum $name {
            /// Ancestor units of type organization.
            Organization,
            /// Ancestor units of type business.
            Business,
            /// Ancestor units of type department.
            Department,
            /// Ancestor units of type group.
            Group,
            /// Ancestor units of type team.
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
    /// Facet dimensions of projects.
    ProjectFacet {
        /// Hosting platforms of their repositories.
        Platform => FacetBy::Platform,
        /// Emails of their owners.
        Owner => FacetBy::Owner,
        /// Emails of their members.
        Member => FacetBy::Member,
    }
);
facets!(
    /// Facet dimensions of people.
    PersonFacet {
        /// Ids of the projects that they are members of.
        Project => FacetBy::Project,
    }
);
facets!(
    /// Facet dimensions of units.
    OrgUnitFacet {
        /// Unit types.
        Type => FacetBy::Type,
    }
);
facets!(
    /// Facet dimensions of repositories.
    RepositoryFacet {
        /// Hosting platforms.
        Platform => FacetBy::Platform,
        /// Ids of their projects.
        Project => FacetBy::Project,
    }
);

/// A facet dimension of any kind.
// One enum for the results of all kinds, so that clients need one fragment for facets and not one for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum FacetDimension {
    /// Ancestor units of type organization.
    Organization,
    /// Ancestor units of type business.
    Business,
    /// Ancestor units of type department.
    Department,
    /// Ancestor units of type group.
    Group,
    /// Ancestor units of type team.
    Team,
    /// Hosting platforms of repositories.
    Platform,
    /// Emails of project owners.
    Owner,
    /// Emails of project members.
    Member,
    /// Project ids.
    Project,
    /// Unit types.
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

/// One facet: the values of a dimension with their counts.
#[derive(SimpleObject)]
pub(crate) struct Facet {
    /// The dimension.
    pub(crate) by: FacetDimension,
    /// The values, by descending count, then by value. Values without records are left out.
    pub(crate) buckets: Vec<Bucket>,
}

/// One facet value and its count.
#[derive(Clone, SimpleObject)]
#[graphql(name = "FacetBucket")]
pub(crate) struct Bucket {
    /// The value. For a level, the unit's name.
    pub(crate) value: Metered<String>,
    /// The unit. Null unless the dimension is a level.
    // Names are not unique among units: this tells two buckets of one name apart.
    pub(crate) unit: Option<OrgUnit>,
    /// Number of records with this value.
    pub(crate) count: u64,
}

impl Planned for Facet {
    const NAME: &'static str = "Facet";
    type Value<'r> = &'r Self;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "by" => Self::json(|facet| facet.by.to_value()),
            "buckets" => {
                let fields = field.fields::<Bucket>()?;
                Self::written(move |run, outline, facet, out| {
                    array(&facet.buckets, out, |bucket, out| fields.write(run, outline, bucket, out))
                })
            }
            _ => return None,
        })
    }
}

impl Planned for Bucket {
    const NAME: &'static str = "FacetBucket";
    type Value<'r> = &'r Self;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "value" => Self::leaf(|run, bucket, out| run.text(&bucket.value.0, out)),
            "unit" => field.entity::<OrgUnit, Self>(|_, bucket| Some(bucket.unit.as_ref()?.0.id()))?,
            "count" => Self::json(|bucket| bucket.count),
            _ => return None,
        })
    }
}
