//! Filters and orders as GraphQL inputs, each turned into the one filter algebra of `query`.

use async_graphql::{Enum, ID, InputObject};

use crate::directory::View;
use crate::query::filter::{Field, Filter, Relation, TextTest};
use crate::query::{Order, OrderBy};
use crate::server::graphql::types::connection::AsFilter;
use crate::server::graphql::types::node::unit;
use crate::server::response::problem::Result;

/// Tests of a text; all that are given must pass.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct StringFilter {
    /// Exactly this. Emails compare without case, urls without scheme, user and `.git`.
    eq: Option<String>,
    /// One of these.
    #[graphql(name = "in")]
    any_of: Option<Vec<String>>,
    /// This somewhere in it, without case.
    contains: Option<String>,
    /// This at its beginning, without case.
    starts_with: Option<String>,
    /// True: there is none. False: there is one.
    is_null: Option<bool>,
}

impl StringFilter {
    fn on(&self, field: Field) -> Filter {
        Filter::And(self.tests().map(|test| Filter::Text(field, test)).collect())
    }

    /// As tests of a neighbour's text: one neighbour must pass them all; `isNull` asks for none at all.
    fn on_neighbour(&self, relation: Relation, field: Field) -> Filter {
        let mut filters = Vec::new();
        let tests: Vec<_> = self
            .tests()
            .filter(|test| !matches!(test, TextTest::IsNull(_)))
            .map(|test| Filter::Text(field, test))
            .collect();
        if !tests.is_empty() {
            filters.push(Filter::Related(relation, Box::new(Filter::And(tests))));
        }
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

/// The parts that every filter has, in the algebra.
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
            /// All of these match.
            and: Option<Vec<$name>>,
            /// Any of these matches.
            or: Option<Vec<$name>>,
            /// This does not match.
            not: Option<Box<$name>>,
            /// Beneath any of these units, at any depth: global ids, or any way to name a unit.
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
                $(if let Some(sub) = &self.$sub {
                    parts.push(Filter::Related($sub_relation, Box::new(sub.filter(view)?)));
                })*
                Ok(Filter::And(parts))
            }
        }
    };
}

filters! {
    /// Which people. All that is given must match; what is not given does not narrow.
    PersonFilter;
    texts {
        /// By address, without case.
        email => Field::Email,
        /// By given name.
        first_name => Field::FirstName,
        /// By family name.
        last_name => Field::LastName,
        /// By the name to show.
        display_name => Field::DisplayName,
        /// By what another system calls them.
        external_id => Field::ExternalId,
    }
    neighbours {
        /// By the id of a project that they work on.
        project => Relation::Project, Field::ProjectId;
    }
    filters {}
}

filters! {
    /// Which projects. All that is given must match; what is not given does not narrow.
    ProjectFilter;
    texts {
        /// By project id.
        project_id => Field::ProjectId,
        /// By name.
        project_name => Field::Name,
        /// By what another system calls it.
        external_id => Field::ExternalId,
        /// By the owner's email.
        owner => Field::OwnerEmail,
    }
    neighbours {
        /// By the email of a person who works on it.
        member => Relation::Member, Field::Email;
    }
    filters {
        /// By a repository of it that matches all of this.
        repository: RepositoryFilter => Relation::Repository,
        /// By a service of it that matches all of this.
        service: ServiceFilter => Relation::Service,
    }
}

filters! {
    /// Which units. All that is given must match; what is not given does not narrow.
    OrgUnitFilter;
    texts {
        /// By key.
        key => Field::Key,
        /// By name.
        name => Field::Name,
        /// By type, without case.
        #[graphql(name = "type")]
        unit_type => Field::Type,
        /// By what another system calls it.
        external_id => Field::ExternalId,
    }
    neighbours {}
    filters {}
}

filters! {
    /// Which repositories. All that is given must match; what is not given does not narrow.
    RepositoryFilter;
    texts {
        /// By name.
        name => Field::Name,
        /// By where it is hosted.
        platform => Field::Platform,
        /// By url; `eq` and `in` take any spelling of it.
        url => Field::Url,
    }
    neighbours {
        /// By the id of its project.
        project => Relation::Project, Field::ProjectId;
    }
    filters {}
}

filters! {
    /// Which services. All that is given must match; what is not given does not narrow.
    ServiceFilter;
    texts {
        /// By name.
        name => Field::Name,
        /// By what machines call it.
        identifier => Field::Identifier,
        /// By what another system calls it.
        external_id => Field::ExternalId,
    }
    neighbours {
        /// By the id of its project.
        project => Relation::Project, Field::ProjectId;
    }
    filters {}
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum OrderDirection {
    /// From the smallest to the greatest.
    Asc,
    /// From the greatest to the smallest. What has no value comes last either way.
    Desc,
}

macro_rules! orders {
    ($(#[$doc:meta])* $name:ident, $field_name:ident { $($(#[$value_doc:meta])* $value:ident => $by:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, InputObject)]
        pub(crate) struct $name {
            /// By what.
            field: $field_name,
            /// Which way.
            #[graphql(default_with = "OrderDirection::Asc")]
            direction: OrderDirection,
        }

        /// What a list can be sorted by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub(crate) enum $field_name {
            /// When the record was created.
            CreatedAt,
            /// When the record was last changed.
            UpdatedAt,
            $($(#[$value_doc])* $value,)*
        }

        impl From<$name> for Order {
            fn from(given: $name) -> Self {
                let by = match given.field {
                    $field_name::CreatedAt => OrderBy::Created,
                    $field_name::UpdatedAt => OrderBy::Updated,
                    $($field_name::$value => OrderBy::Field($by),)*
                };
                Order { by, descending: given.direction == OrderDirection::Desc }
            }
        }
    };
}

orders!(
    /// The order of people. Equal ones are told apart by email.
    PersonOrder, PersonOrderField {
        /// The address.
        Email => Field::Email,
        /// The given name.
        FirstName => Field::FirstName,
        /// The family name.
        LastName => Field::LastName,
        /// Display name.
        DisplayName => Field::DisplayName,
        /// Their id in an external system.
        ExternalId => Field::ExternalId,
    }
);
orders!(
    /// The order of projects. Equal ones are told apart by project id.
    ProjectOrder, ProjectOrderField {
        /// The project id.
        ProjectId => Field::ProjectId,
        /// The name.
        ProjectName => Field::Name,
        /// Its id in an external system.
        ExternalId => Field::ExternalId,
        /// The owner's email.
        Owner => Field::OwnerEmail,
    }
);
orders!(
    /// The order of units. Equal ones are told apart by key.
    OrgUnitOrder, OrgUnitOrderField {
        /// The key.
        Key => Field::Key,
        /// The name.
        Name => Field::Name,
        /// The type.
        Type => Field::Type,
        /// Its id in an external system.
        ExternalId => Field::ExternalId,
    }
);
orders!(
    /// The order of repositories. Equal ones are told apart by project and url.
    RepositoryOrder, RepositoryOrderField {
        /// The name.
        Name => Field::Name,
        /// Where it is hosted.
        Platform => Field::Platform,
        /// Where it is.
        Url => Field::Url,
    }
);
