//! Filter and sort order inputs of the schema, converted to the filter algebra of `query`.
//!
//! Invariant: an absent condition matches everything, so a filter never excludes more than it says.

use async_graphql::{Enum, ID, InputObject};

use crate::directory::View;
use crate::query::filter::{Field, Filter, Relation, TextTest};
use crate::query::{Order, OrderBy};
use crate::server::graphql::types::connection::AsFilter;
use crate::server::graphql::types::node::unit;
use crate::server::response::problem::Result;

/// Conditions on a text. All present conditions must match.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct StringFilter {
    /// Equal to this. Emails ignore case; URLs ignore scheme, user and `.git`.
    eq: Option<String>,
    /// Equal to any of these.
    #[graphql(name = "in")]
    any_of: Option<Vec<String>>,
    /// Contains this, ignoring case.
    contains: Option<String>,
    /// Starts with this, ignoring case.
    starts_with: Option<String>,
    /// True: the field has no value. False: it has one.
    is_null: Option<bool>,
}

impl StringFilter {
    fn on(&self, field: Field) -> Filter {
        Filter::And(self.tests().map(|test| Filter::Text(field, test)).collect())
    }

    /// The conditions on a text of related records: one related record must match all of them.
    fn on_neighbour(&self, relation: Relation, field: Field) -> Filter {
        let mut filters = Vec::new();
        let tests: Vec<_> = self
            .tests()
            .filter(|test| !matches!(test, TextTest::IsNull(_)))
            .map(|test| Filter::Text(field, test))
            .collect();
        // All tests go into one `Related`. One `Related` for each would also match a record with two neighbours that
        // satisfy one test each.
        if !tests.is_empty() {
            filters.push(Filter::Related(relation, Box::new(Filter::And(tests))));
        }
        // `isNull` is about the neighbours' existence: "no member", and not "a member without an email".
        if let Some(is_null) = self.is_null {
            let any = Filter::Related(relation, Box::new(Filter::All));
            filters.push(if is_null { Filter::Not(Box::new(any)) } else { any });
        }
        Filter::And(filters)
    }

    fn tests(&self) -> impl Iterator<Item = TextTest> + '_ {
        [
            self.eq.clone().map(TextTest::Eq),
            self.any_of.clone().map(TextTest::In),
            self.contains.clone().map(TextTest::Contains),
            self.starts_with.clone().map(TextTest::StartsWith),
            self.is_null.map(TextTest::IsNull),
        ]
        .into_iter()
        .flatten()
    }
}

/// Converts the conditions that all filter types have in common.
///
/// # Errors
/// A reference in `within` matches no visible unit, or several.
fn combined<F: AsFilter>(
    view: &View,
    and: Option<&[F]>,
    or: Option<&[F]>,
    not: Option<&F>,
    within: Option<&[ID]>,
) -> Result<Vec<Filter>> {
    let each = |filters: &[F]| filters.iter().map(|filter| filter.filter(view)).collect::<Result<Vec<_>>>();
    let mut parts = Vec::new();
    if let Some(and) = and {
        parts.extend(each(and)?);
    }
    if let Some(or) = or {
        // An empty `or` matches nothing, as a disjunction of no conditions does; an empty `and` matches everything.
        parts.push(Filter::Or(each(or)?));
    }
    if let Some(not) = not {
        parts.push(Filter::Not(Box::new(not.filter(view)?)));
    }
    if let Some(within) = within {
        let units: Result<Vec<_>> = within.iter().map(|id| unit(view, id)).collect();
        parts.push(Filter::Within(units?));
    }
    Ok(parts)
}

// The four filter types differ in their fields alone. The macro makes each input type and its conversion from one list,
// so that a field cannot be in the schema and be ignored by the filter.
macro_rules! filters {
    (
        $(#[$doc:meta])* $name:ident;
        texts { $($(#[$text_doc:meta])* $text:ident => $field:expr,)* }
        neighbours { $($(#[$near_doc:meta])* $near:ident => $relation:expr, $near_field:expr;)* }
        filters { $($(#[$sub_doc:meta])* $sub:ident: $sub_type:ty => $sub_relation:expr,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, InputObject)]
        pub(crate) struct $name {
            /// All of these filters match.
            and: Option<Vec<$name>>,
            /// At least one of these filters matches.
            or: Option<Vec<$name>>,
            /// This filter does not match.
            not: Option<Box<$name>>,
            /// Below any of these units, at any depth. Each is a global id, or a unit's key, external id, path
            /// (`Corp/R&D`) or unique name.
            within: Option<Vec<ID>>,
            $($(#[$text_doc])* $text: Option<StringFilter>,)*
            $($(#[$near_doc])* $near: Option<StringFilter>,)*
            $($(#[$sub_doc])* $sub: Option<$sub_type>,)*
        }

        impl AsFilter for $name {
            fn filter(&self, view: &View) -> Result<Filter> {
                let (and, or) = (self.and.as_deref(), self.or.as_deref());
                let mut parts = combined(view, and, or, self.not.as_deref(), self.within.as_deref())?;
                $(parts.extend(self.$text.as_ref().map(|test| test.on($field)));)*
                $(parts.extend(self.$near.as_ref().map(|test| test.on_neighbour($relation, $near_field)));)*
                // One related record must match the whole nested filter, as in `on_neighbour`.
                $(if let Some(sub) = &self.$sub {
                    parts.push(Filter::Related($sub_relation, Box::new(sub.filter(view)?)));
                })*
                Ok(Filter::And(parts))
            }
        }
    };
}

filters! {
    /// Filter of people. All present conditions must match.
    PersonFilter;
    texts {
        /// Email, ignoring case.
        email => Field::Email,
        /// First name.
        first_name => Field::FirstName,
        /// Last name.
        last_name => Field::LastName,
        /// Display name.
        display_name => Field::DisplayName,
        /// Id in an external system.
        external_id => Field::ExternalId,
    }
    neighbours {
        /// Id of a project that the person is a member of.
        project => Relation::Project, Field::ProjectId;
    }
    filters {}
}

filters! {
    /// Filter of projects. All present conditions must match.
    ProjectFilter;
    texts {
        /// Project id.
        project_id => Field::ProjectId,
        /// Project name.
        project_name => Field::Name,
        /// Id in an external system.
        external_id => Field::ExternalId,
        /// The owner's email.
        owner => Field::OwnerEmail,
    }
    neighbours {
        /// Email of a member.
        member => Relation::Member, Field::Email;
    }
    filters {
        /// At least one repository of the project matches this filter.
        repository: RepositoryFilter => Relation::Repository,
        /// At least one service of the project matches this filter.
        service: ServiceFilter => Relation::Service,
    }
}

filters! {
    /// Filter of units. All present conditions must match.
    OrgUnitFilter;
    texts {
        /// Key.
        key => Field::Key,
        /// Name.
        name => Field::Name,
        /// Unit type, ignoring case.
        #[graphql(name = "type")]
        unit_type => Field::Type,
        /// Id in an external system.
        external_id => Field::ExternalId,
    }
    neighbours {}
    filters {}
}

filters! {
    /// Filter of repositories. All present conditions must match.
    RepositoryFilter;
    texts {
        /// Name.
        name => Field::Name,
        /// Hosting platform, such as `github.com`.
        platform => Field::Platform,
        /// URL. `eq` and `in` match any spelling.
        url => Field::Url,
    }
    neighbours {
        /// Id of the project that it belongs to.
        project => Relation::Project, Field::ProjectId;
    }
    filters {}
}

filters! {
    /// Filter of services. All present conditions must match.
    ServiceFilter;
    texts {
        /// Name.
        name => Field::Name,
        /// Technical identifier.
        identifier => Field::Identifier,
        /// Id in an external system.
        external_id => Field::ExternalId,
    }
    neighbours {
        /// Id of the project that it belongs to.
        project => Relation::Project, Field::ProjectId;
    }
    filters {}
}

/// Sort direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum OrderDirection {
    /// Ascending. Records without a value come last.
    Asc,
    /// Descending. Records without a value come last here, too.
    Desc,
}

// Each type has its own enum of sort fields, so that validation refuses fields which the type does not have.
macro_rules! orders {
    ($(#[$doc:meta])* $name:ident, $field_name:ident { $($(#[$value_doc:meta])* $value:ident => $by:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, InputObject)]
        pub(crate) struct $name {
            /// Field to sort by.
            field: $field_name,
            /// Sort direction. Default: ascending.
            #[graphql(default_with = "OrderDirection::Asc")]
            direction: OrderDirection,
        }

        /// Sort field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub(crate) enum $field_name {
            /// Creation time.
            CreatedAt,
            /// Time of the last change.
            UpdatedAt,
            $($(#[$value_doc])* $value,)*
        }

        impl From<$name> for Order {
            fn from(input: $name) -> Self {
                let by = match input.field {
                    $field_name::CreatedAt => OrderBy::Created,
                    $field_name::UpdatedAt => OrderBy::Updated,
                    $($field_name::$value => OrderBy::Field($by),)*
                };
                Order { by, descending: input.direction == OrderDirection::Desc }
            }
        }
    };
}

orders!(
    /// Sort order of people. Ties are broken by email.
    PersonOrder, PersonOrderField {
        /// Email.
        Email => Field::Email,
        /// First name.
        FirstName => Field::FirstName,
        /// Last name.
        LastName => Field::LastName,
        /// Display name.
        DisplayName => Field::DisplayName,
        /// Id in an external system.
        ExternalId => Field::ExternalId,
    }
);
orders!(
    /// Sort order of projects. Ties are broken by project id.
    ProjectOrder, ProjectOrderField {
        /// Project id.
        ProjectId => Field::ProjectId,
        /// Project name.
        ProjectName => Field::Name,
        /// Id in an external system.
        ExternalId => Field::ExternalId,
        /// Email of the owner.
        Owner => Field::OwnerEmail,
    }
);
orders!(
    /// Sort order of units. Ties are broken by key.
    OrgUnitOrder, OrgUnitOrderField {
        /// Key.
        Key => Field::Key,
        /// Name.
        Name => Field::Name,
        /// Unit type.
        Type => Field::Type,
        /// Id in an external system.
        ExternalId => Field::ExternalId,
    }
);
orders!(
    /// Sort order of repositories. Ties are broken by project and URL.
    RepositoryOrder, RepositoryOrderField {
        /// Name.
        Name => Field::Name,
        /// Hosting platform.
        Platform => Field::Platform,
        /// URL.
        Url => Field::Url,
    }
);
