//! `Mutation`: the root type of all changes, each submitted to the writer as a command.
//!
//! Invariant: the role is checked before the command is read, and a payload shows the view of its own commit.

use async_graphql::{Context, Description, ID, Object};

use crate::access::Secret;
use crate::directory::{Applied, View};
use crate::model::command::{BeneathCounts, Command, Effect, Outcome, Subject};
use crate::model::token::{Role, TokenId};
use crate::server::graphql::changes;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::input::mapping::{CreateMappingInput, UpdateMappingInput};
use crate::server::graphql::input::org_unit::{
    CreateOrgUnitInput, LinkOrgUnitsInput, MoveOrgUnitInput, UpdateOrgUnitInput,
};
use crate::server::graphql::input::person::{CreatePersonInput, UpdatePersonInput};
use crate::server::graphql::input::project::{CreateProjectInput, UpdateProjectInput};
use crate::server::graphql::input::token::{CreateTokenInput, RotateTokenInput, UpdateTokenInput};
use crate::server::graphql::input::{self, AsCommand, ChangeInput, DeleteInput, DeleteOrgUnitInput};
use crate::server::graphql::types::context::caller;
use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::node::Node;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::payload::{
    ApplyPayload, ChangeResult, ChangeSummary, CreateMappingPayload, CreateOrgUnitPayload,
    CreatePersonPayload, CreateProjectPayload, CreateTokenPayload, DeleteOrgUnitPayload, DeletePayload,
    DeleteTokenPayload, LinkOrgUnitsPayload, MoveOrgUnitPayload, RotateTokenPayload, UpdateMappingPayload,
    UpdateOrgUnitPayload, UpdatePersonPayload, UpdateProjectPayload, UpdateTokenPayload,
};
use crate::server::graphql::types::scalars::Revision;
use crate::server::graphql::types::token::Token;
use crate::server::response::problem::{Problem, Result};

/// All changes to the directory. A change is on disk before its response is sent.
#[derive(Description)]
pub(crate) struct Mutation;

/// The view just after a commit, limited to the caller's scope, and the outcome of each command.
struct MutationContext {
    view: View,
    outcomes: Vec<Outcome>,
    summary: ChangeSummary,
}

impl MutationContext {
    fn new(applied: Applied) -> Self {
        let summary = ChangeSummary::of(&applied);
        Self { view: applied.view, outcomes: applied.outcomes, summary }
    }

    fn node(&self, outcome: &Outcome) -> Option<Node> {
        match &outcome.subject {
            Subject::Entity(id) => Node::at(&self.view, *id),
            Subject::Mapping(id) => {
                let mapping = self.view.mapping(id)?.clone();
                Some(Node::Mapping(Mapping { view: self.view.clone(), mapping }))
            }
            Subject::Token(_) => None,
        }
    }

    /// The record of the only command, as the type that the payload has.
    fn only<T>(&self, pick: impl Fn(Node) -> Option<T>) -> Result<T> {
        let node = self.outcomes.first().and_then(|outcome| self.node(outcome));
        node.and_then(pick).ok_or_else(Problem::written_but_not_visible)
    }

    fn token(&self) -> Result<Token> {
        match self.outcomes.first().map(|outcome| &outcome.subject) {
            Some(Subject::Token(id)) => Token::known(&self.view, id).ok_or_else(Problem::internal),
            _ => Err(Problem::internal()),
        }
    }

    fn revision(&self) -> Revision {
        Revision(self.view.revision())
    }
}

async fn write(context: &Context<'_>, role: Role, command: Result<Command>) -> Result<MutationContext> {
    let caller = caller(context)?;
    // Before the command's own error: a caller without the role learns nothing about the input.
    caller.require(role)?;
    let command = command?;
    // The slot is for computing. The writer is shared by all callers and may be busy for long, and a slot that waits
    // for it would stop other callers' heavy reads.
    Budget::of(context)?.turn.release_slot();
    Ok(MutationContext::new(caller.apply(command).await?))
}

fn person(node: Node) -> Option<crate::server::graphql::types::person::Person> {
    if let Node::Person(person) = node { Some(person) } else { None }
}

fn project(node: Node) -> Option<crate::server::graphql::types::project::Project> {
    if let Node::Project(project) = node { Some(project) } else { None }
}

fn org_unit(node: Node) -> Option<OrgUnit> {
    if let Node::OrgUnit(unit) = node { Some(unit) } else { None }
}

fn mapping(node: Node) -> Option<Mapping> {
    if let Node::Mapping(mapping) = node { Some(mapping) } else { None }
}

#[Object(use_type_description)]
impl Mutation {
    /// Creates a person.
    async fn create_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The person.")] input: CreatePersonInput,
    ) -> Result<CreatePersonPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreatePersonPayload {
            person: written.only(person)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Updates a person.
    async fn update_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdatePersonInput,
    ) -> Result<UpdatePersonPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdatePersonPayload {
            person: written.only(person)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Deletes a person and the person's mappings. History is kept.
    async fn delete_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The record to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, input::person::delete(&input)).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision(), summary: written.summary })
    }

    /// Creates a project with its repositories and services.
    async fn create_project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The project.")] input: CreateProjectInput,
    ) -> Result<CreateProjectPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreateProjectPayload {
            project: written.only(project)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Updates a project.
    async fn update_project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateProjectInput,
    ) -> Result<UpdateProjectPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdateProjectPayload {
            project: written.only(project)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Deletes a project, its repositories, services and mappings. History is kept.
    async fn delete_project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The record to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, input::project::delete(&input)).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision(), summary: written.summary })
    }

    /// Creates a unit.
    async fn create_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The unit.")] input: CreateOrgUnitInput,
    ) -> Result<CreateOrgUnitPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreateOrgUnitPayload {
            org_unit: written.only(org_unit)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Updates a unit.
    async fn update_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateOrgUnitInput,
    ) -> Result<UpdateOrgUnitPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdateOrgUnitPayload {
            org_unit: written.only(org_unit)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Deletes a unit and its mappings. Records below it are kept. History is kept.
    async fn delete_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The record to delete.")] input: DeleteOrgUnitInput,
    ) -> Result<DeleteOrgUnitPayload> {
        let written = write(context, Role::Write, Ok(input::org_unit::delete(&input))).await?;
        let revision = written.revision();
        let counts = written.outcomes.first().map(|outcome| outcome.beneath).unwrap_or_default();
        let BeneathCounts { lifted, ended_units, ended_placements } = counts;
        Ok(DeleteOrgUnitPayload {
            deleted_id: input.id,
            lifted,
            ended_units,
            ended_placements,
            revision,
            summary: written.summary,
        })
    }

    /// Moves a unit with its whole subtree to another parent.
    async fn move_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "The unit to move: a global id, or a unit's key, external id, path (`Corp/R&D`) or unique name."
        )]
        id: ID,
        #[graphql(desc = "The new parent.")] to: ID,
        #[graphql(desc = "The old parent. Required if the unit has several.")] from: Option<ID>,
    ) -> Result<MoveOrgUnitPayload> {
        let input = MoveOrgUnitInput { id, to, from };
        let written = write(context, Role::Write, input.command()).await?;
        Ok(MoveOrgUnitPayload {
            org_unit: written.only(org_unit)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Makes one unit a child of another. Creates either unit if it does not exist.
    async fn link_org_units(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The two units.")] input: LinkOrgUnitsInput,
    ) -> Result<LinkOrgUnitsPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(LinkOrgUnitsPayload {
            mapping: written.only(mapping)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Creates a mapping between two existing records.
    async fn create_mapping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The mapping.")] input: CreateMappingInput,
    ) -> Result<CreateMappingPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreateMappingPayload {
            mapping: written.only(mapping)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Updates a mapping.
    async fn update_mapping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateMappingInput,
    ) -> Result<UpdateMappingPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdateMappingPayload {
            mapping: written.only(mapping)?,
            revision: written.revision(),
            summary: written.summary,
        })
    }

    /// Deletes a mapping. History is kept.
    async fn delete_mapping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The record to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, input::mapping::delete(&input)).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision(), summary: written.summary })
    }

    /// Creates a token. Requires the role ADMIN.
    async fn create_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token.")] input: CreateTokenInput,
    ) -> Result<CreateTokenPayload> {
        // The command carries the secret's hash alone. The secret is revealed only once the commit has succeeded.
        let secret = Secret::generate();
        let written = write(context, Role::Admin, input.command(&secret)).await?;
        let (record, revision) = (written.token()?, written.revision());
        Ok(CreateTokenPayload { token: secret.reveal().to_owned(), record, revision })
    }

    /// Updates a token's role, description or expiry. Requires the role ADMIN.
    async fn update_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateTokenInput,
    ) -> Result<UpdateTokenPayload> {
        let written = write(context, Role::Admin, input.command()).await?;
        Ok(UpdateTokenPayload { record: written.token()?, revision: written.revision() })
    }

    /// Replaces a token by a new one with the same role, scope, description and lifetime. Both are valid during an
    /// overlap. Requires the role ADMIN.
    async fn rotate_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token to replace, and the overlap.")] input: RotateTokenInput,
    ) -> Result<RotateTokenPayload> {
        let secret = Secret::generate();
        let written = write(context, Role::Admin, input.command(&secret)).await?;
        let (record, revision) = (written.token()?, written.revision());
        Ok(RotateTokenPayload { token: secret.reveal().to_owned(), record, revision })
    }

    /// Revokes a token at once. Its metadata is kept. Requires the role ADMIN.
    async fn delete_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token id: the eight characters after `clade_`.")] token_id: String,
    ) -> Result<DeleteTokenPayload> {
        let id = TokenId::parse(&token_id).map_err(Problem::from);
        let written = write(context, Role::Admin, id.map(Command::RevokeToken)).await?;
        Ok(DeleteTokenPayload { record: written.token()?, revision: written.revision() })
    }

    /// Applies up to 10,000 changes atomically: all or none. Each change sees the effects of those before it.
    async fn apply(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "At most 10,000 changes, in order.")] changes: Vec<ChangeInput>,
        #[graphql(
            desc = "Validate the changes and report their effects without committing them.",
            default = false
        )]
        dry_run: bool,
        #[graphql(
            desc = "Whether names and paths of units that do not exist create them. If not, they are refused.",
            default = true
        )]
        new_units: bool,
    ) -> Result<ApplyPayload> {
        let caller = caller(context)?;
        caller.require(Role::Write)?;
        // A commit waits for the writer. A dry run takes all slots that a caller may have, and would wait for ever for
        // one that its own request holds.
        let turn = &Budget::of(context)?.turn;
        turn.release_slot();
        let applied = if dry_run {
            changes::dry_run(turn.work(), changes, new_units).await?
        } else {
            changes::commit(caller, changes, new_units).await?
        };
        let written = MutationContext::new(applied);
        // Outcomes are resolved in the final view: a record that a later change of the set deleted is null, too.
        let result = |outcome: &Outcome| ChangeResult {
            effect: outcome.effect.into(),
            node: written.node(outcome).filter(|_| outcome.effect != Effect::Deleted),
        };
        Ok(ApplyPayload {
            results: written.outcomes.iter().map(result).collect(),
            dry_run,
            revision: written.revision(),
            summary: written.summary,
        })
    }
}
