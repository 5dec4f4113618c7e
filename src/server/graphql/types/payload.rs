//! Payload types: the results of mutations.

use async_graphql::{Enum, ID, SimpleObject};

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
payload!(
    /// Result of `updateToken`.
    UpdateTokenPayload { /// The token's metadata after the change.
        record: Token }
);
payload!(
    /// Result of `deleteToken`.
    DeleteTokenPayload { /// The token's metadata after the change.
        record: Token }
);

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

/// Result of `apply`.
#[derive(SimpleObject)]
pub(crate) struct ApplyPayload {
    /// One result per change, in the order of the changes.
    pub(crate) results: Vec<ChangeResult>,
    /// True for a dry run, which changes nothing.
    pub(crate) dry_run: bool,
    /// The revision that the changes committed; for a dry run, the revision they were checked against.
    pub(crate) revision: Revision,
}
