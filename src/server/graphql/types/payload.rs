//! What mutations answer.

use async_graphql::{Enum, ID, SimpleObject};

use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::node::Node;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::scalars::Revision;
use crate::server::graphql::types::token::Token;

macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $node:ty }) => {
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub(crate) struct $name {
            $(#[$field_doc])*
            pub(crate) $field: $node,
            /// The revision that the change made, or found.
            pub(crate) revision: Revision,
        }
    };
}

payload!(
    /// The person that was made.
    CreatePersonPayload { /// As it is now.
        person: Person }
);
payload!(
    /// The person that was changed.
    UpdatePersonPayload { /// As it is now.
        person: Person }
);
payload!(
    /// The project that was made.
    CreateProjectPayload { /// As it is now.
        project: Project }
);
payload!(
    /// The project that was changed.
    UpdateProjectPayload { /// As it is now.
        project: Project }
);
payload!(
    /// The unit that was made.
    CreateOrgUnitPayload { /// As it is now.
        org_unit: OrgUnit }
);
payload!(
    /// The unit that was changed.
    UpdateOrgUnitPayload { /// As it is now.
        org_unit: OrgUnit }
);
payload!(
    /// The unit that was moved.
    MoveOrgUnitPayload { /// As it is now.
        org_unit: OrgUnit }
);
payload!(
    /// The mapping that puts one unit beneath another.
    LinkOrgUnitsPayload { /// As it is now.
        mapping: Mapping }
);
payload!(
    /// The mapping that was made.
    CreateMappingPayload { /// As it is now.
        mapping: Mapping }
);
payload!(
    /// The mapping that was changed.
    UpdateMappingPayload { /// As it is now.
        mapping: Mapping }
);
payload!(
    /// The record that was ended.
    DeletePayload { /// The id that was given.
        deleted_id: ID }
);
payload!(
    /// The token that was changed.
    UpdateTokenPayload { /// As it is now.
        record: Token }
);
payload!(
    /// The token that was revoked.
    DeleteTokenPayload { /// As it is now.
        record: Token }
);

/// The token that was made.
#[derive(SimpleObject)]
pub(crate) struct CreateTokenPayload {
    /// The secret, shown this once: send it as `Authorization: Bearer <token>`.
    pub(crate) token: String,
    /// What the directory keeps of it.
    pub(crate) record: Token,
    /// The revision that the change made.
    pub(crate) revision: Revision,
}

/// The token that took the place of another.
#[derive(SimpleObject)]
pub(crate) struct RotateTokenPayload {
    /// The new secret, shown this once: send it as `Authorization: Bearer <token>`.
    pub(crate) token: String,
    /// What the directory keeps of it.
    pub(crate) record: Token,
    /// The revision that the change made.
    pub(crate) revision: Revision,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::command::Effect")]
pub(crate) enum ChangeEffect {
    /// It was made.
    Created,
    /// It changed.
    Updated,
    /// It was already so.
    Unchanged,
    /// It was ended.
    Deleted,
}

/// What one change did.
#[derive(SimpleObject)]
pub(crate) struct ChangeResult {
    /// What became of the record.
    pub(crate) effect: ChangeEffect,
    /// The record as it is now, or for a dry run as it would be; null when it was ended.
    pub(crate) node: Option<Node>,
}

/// What a set of changes did, or for a dry run would do.
#[derive(SimpleObject)]
pub(crate) struct ApplyPayload {
    /// For each change, in order.
    pub(crate) results: Vec<ChangeResult>,
    /// Whether nothing was changed because this was a dry run.
    pub(crate) dry_run: bool,
    /// The revision that the changes made; of a dry run, the one they were tried against.
    pub(crate) revision: Revision,
}
