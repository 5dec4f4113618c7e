//! Payload types: the results of mutations.

use async_graphql::{Enum, ID, SimpleObject};

use crate::directory::{Applied, RecordCounts};
use crate::exchange::{made_units, second_parents};
use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::node::Node;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::scalars::Revision;
use crate::server::graphql::types::token::Token;

macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $node:ty),+ }) => {
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub(crate) struct $name {
            $($(#[$field_doc])*
            pub(crate) $field: $node,)+
            /// The revision that the change committed; the current one if nothing changed.
            pub(crate) revision: Revision,
            /// What was done to all records, also to those that the change does not name.
            pub(crate) summary: ChangeSummary,
        }
    };
}

payload!(
    /// Result of `createPerson`.
    CreatePersonPayload { /// The person after the change.
        person: Person }
);
payload!(
    /// Result of `updatePerson`.
    UpdatePersonPayload { /// The person after the change.
        person: Person }
);
payload!(
    /// Result of `createProject`.
    CreateProjectPayload { /// The project after the change.
        project: Project }
);
payload!(
    /// Result of `updateProject`.
    UpdateProjectPayload { /// The project after the change.
        project: Project }
);
payload!(
    /// Result of `createOrgUnit`.
    CreateOrgUnitPayload { /// The unit after the change.
        org_unit: OrgUnit }
);
payload!(
    /// Result of `updateOrgUnit`.
    UpdateOrgUnitPayload { /// The unit after the change.
        org_unit: OrgUnit }
);
payload!(
    /// Result of `moveOrgUnit`.
    MoveOrgUnitPayload { /// The unit after the change.
        org_unit: OrgUnit }
);
payload!(
    /// Result of `linkOrgUnits`.
    LinkOrgUnitsPayload { /// The mapping between parent and child.
        mapping: Mapping }
);
payload!(
    /// Result of `createMapping`.
    CreateMappingPayload { /// The mapping after the change.
        mapping: Mapping }
);
payload!(
    /// Result of `updateMapping`.
    UpdateMappingPayload { /// The mapping after the change.
        mapping: Mapping }
);
payload!(
    /// Result of every mutation that deletes a record.
    DeletePayload { /// The id of the deleted record, as the client sent it.
        deleted_id: ID }
);
payload!(
    /// Result of `deleteOrgUnit`.
    DeleteOrgUnitPayload { /// The id of the deleted unit, as the client sent it.
        deleted_id: ID,
        /// Records that were placed under the unit's parents.
        lifted: usize,
        /// Other units that were deleted.
        ended_units: usize,
        /// Places of people and projects that ended.
        ended_placements: usize }
);

/// Result of `updateToken`.
#[derive(SimpleObject)]
pub(crate) struct UpdateTokenPayload {
    /// The token's metadata after the change.
    pub(crate) record: Token,
    /// The revision that the change committed; the current one if nothing changed.
    pub(crate) revision: Revision,
}

/// Result of `deleteToken`.
#[derive(SimpleObject)]
pub(crate) struct DeleteTokenPayload {
    /// The token's metadata after the change.
    pub(crate) record: Token,
    /// The revision that the change committed; the current one if nothing changed.
    pub(crate) revision: Revision,
}

// Not made by the macro: these two carry the secret beside the record, which the store has no copy of.
/// Result of `createToken`.
#[derive(SimpleObject)]
pub(crate) struct CreateTokenPayload {
    /// The secret, shown only once. Send it as `Authorization: Bearer <token>`.
    pub(crate) token: String,
    /// The token's metadata.
    pub(crate) record: Token,
    /// The revision that the change committed.
    pub(crate) revision: Revision,
}

/// Result of `rotateToken`.
#[derive(SimpleObject)]
pub(crate) struct RotateTokenPayload {
    /// The new secret, shown only once. Send it as `Authorization: Bearer <token>`.
    pub(crate) token: String,
    /// The token's metadata.
    pub(crate) record: Token,
    /// The revision that the change committed.
    pub(crate) revision: Revision,
}

/// Effect of a change on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::command::Effect")]
pub(crate) enum ChangeEffect {
    /// The record was created.
    Created,
    /// The record was updated.
    Updated,
    /// The record already had these values.
    Unchanged,
    /// The record was deleted.
    Deleted,
}

/// Result of one change of `apply`.
#[derive(SimpleObject)]
pub(crate) struct ChangeResult {
    /// Effect on the record.
    pub(crate) effect: ChangeEffect,
    /// The record after all changes (in a dry run, as it would be). Null if it was deleted.
    pub(crate) node: Option<Node>,
}

/// What a change set did to all records, also to those that no change names.
#[derive(SimpleObject)]
pub(crate) struct ChangeSummary {
    /// Numbers of units.
    units: ChangeCounts,
    /// Numbers of people.
    people: ChangeCounts,
    /// Numbers of projects.
    projects: ChangeCounts,
    /// Numbers of repositories.
    repositories: ChangeCounts,
    /// Numbers of services.
    services: ChangeCounts,
    /// Numbers of mappings.
    mappings: ChangeCounts,
    /// The first 100 units that were created because a name or path led to them.
    made: Vec<String>,
    /// The number of units that were created because a name or path led to them.
    made_count: u64,
    /// The first 100 units that kept a parent and got another by a mapping, with all their parents.
    second_parents: Vec<String>,
    /// The number of units that kept a parent and got another by a mapping.
    second_parents_count: u64,
}

/// Numbers of records of one kind, by what a change set did to them.
#[derive(SimpleObject)]
struct ChangeCounts {
    /// Created records.
    created: u64,
    /// Records with a new revision.
    updated: u64,
    /// Records that got or lost a unit directly above them.
    moved: u64,
    /// Deleted records.
    ended: u64,
}

impl ChangeSummary {
    pub(crate) fn of(Applied { view, summary, .. }: &Applied) -> Self {
        let counts =
            |RecordCounts { created, updated, moved, ended }| ChangeCounts { created, updated, moved, ended };
        Self {
            units: counts(summary.units),
            people: counts(summary.people),
            projects: counts(summary.projects),
            repositories: counts(summary.repositories),
            services: counts(summary.services),
            mappings: counts(summary.mappings),
            made: made_units(view, summary),
            made_count: summary.made_count,
            second_parents: second_parents(view, summary),
            second_parents_count: summary.second_parents_count,
        }
    }
}

/// Result of `apply`.
#[derive(SimpleObject)]
pub(crate) struct ApplyPayload {
    /// One result per change, in the order of the changes.
    pub(crate) results: Vec<ChangeResult>,
    /// What was done to all records, also to those that no change names.
    pub(crate) summary: ChangeSummary,
    /// True for a dry run, which changes nothing.
    pub(crate) dry_run: bool,
    /// The revision that the changes committed; for a dry run, the revision they were checked against.
    pub(crate) revision: Revision,
}
