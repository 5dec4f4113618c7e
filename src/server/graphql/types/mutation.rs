//! `Mutation`: every change, through the one door. A payload shows the directory just after it.

use async_graphql::{Context, Description, ID, Object};

use crate::access::Secret;
use crate::directory::{Applied, View};
use crate::model::command::{Command, Effect, Outcome, Subject};
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
use crate::server::graphql::input::{self, AsCommand, ChangeInput, DeleteInput};
use crate::server::graphql::types::context::caller;
use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::node::Node;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::payload::{
    ApplyPayload, ChangeResult, CreateMappingPayload, CreateOrgUnitPayload, CreatePersonPayload,
    CreateProjectPayload, CreateTokenPayload, DeletePayload, DeleteTokenPayload, LinkOrgUnitsPayload,
    MoveOrgUnitPayload, RotateTokenPayload, UpdateMappingPayload, UpdateOrgUnitPayload, UpdatePersonPayload,
    UpdateProjectPayload, UpdateTokenPayload,
};
use crate::server::graphql::types::scalars::Revision;
use crate::server::graphql::types::token::Token;
use crate::server::response::problem::{Problem, Result};

/// Every change to the directory. Each is on disk when it is answered.
#[derive(Description)]
pub(crate) struct Mutation;

/// A caller that may change things, and what they have just done.
struct MutationContext {
    view: View,
    outcomes: Vec<Outcome>,
}

impl MutationContext {
    fn new(applied: Applied) -> Self {
        Self { view: applied.view, outcomes: applied.outcomes }
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

    fn only<T>(&self, pick: impl Fn(Node) -> Option<T>) -> Result<T> {
        let node = self.outcomes.first().and_then(|outcome| self.node(outcome));
        node.and_then(pick).ok_or_else(Problem::internal)
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
    caller.require(role)?;
    let command = command?;
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
    /// Makes a person.
    async fn create_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The person.")] input: CreatePersonInput,
    ) -> Result<CreatePersonPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreatePersonPayload { person: written.only(person)?, revision: written.revision() })
    }

    /// Changes a person.
    async fn update_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdatePersonInput,
    ) -> Result<UpdatePersonPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdatePersonPayload { person: written.only(person)?, revision: written.revision() })
    }

    /// Ends a person and the mappings that name them. The history stays.
    async fn delete_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, input::person::delete(&input)).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision() })
    }

    /// Makes a project, with its repositories and services.
    async fn create_project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The project.")] input: CreateProjectInput,
    ) -> Result<CreateProjectPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreateProjectPayload { project: written.only(project)?, revision: written.revision() })
    }

    /// Changes a project.
    async fn update_project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateProjectInput,
    ) -> Result<UpdateProjectPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdateProjectPayload { project: written.only(project)?, revision: written.revision() })
    }

    /// Ends a project, its repositories and services, and the mappings that name it. The history stays.
    async fn delete_project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, input::project::delete(&input)).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision() })
    }

    /// Makes a unit.
    async fn create_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The unit.")] input: CreateOrgUnitInput,
    ) -> Result<CreateOrgUnitPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreateOrgUnitPayload { org_unit: written.only(org_unit)?, revision: written.revision() })
    }

    /// Changes a unit.
    async fn update_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateOrgUnitInput,
    ) -> Result<UpdateOrgUnitPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdateOrgUnitPayload { org_unit: written.only(org_unit)?, revision: written.revision() })
    }

    /// Ends a unit and the mappings that name it; what was beneath it stays. The history stays.
    async fn delete_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, Ok(input::org_unit::delete(&input))).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision() })
    }

    /// Puts a unit beneath another parent, with everything beneath it.
    async fn move_org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The unit: a global id, or any way to name a unit.")] id: ID,
        #[graphql(desc = "The parent it gets.")] to: ID,
        #[graphql(desc = "The parent it loses; may be left out where it has just one, or none.")]
        from: Option<ID>,
    ) -> Result<MoveOrgUnitPayload> {
        let input = MoveOrgUnitInput { id, to, from };
        let written = write(context, Role::Write, input.command()).await?;
        Ok(MoveOrgUnitPayload { org_unit: written.only(org_unit)?, revision: written.revision() })
    }

    /// Puts one unit beneath another, and makes either where it does not exist.
    async fn link_org_units(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The two units.")] input: LinkOrgUnitsInput,
    ) -> Result<LinkOrgUnitsPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(LinkOrgUnitsPayload { mapping: written.only(mapping)?, revision: written.revision() })
    }

    /// Maps two known records onto each other.
    async fn create_mapping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The mapping.")] input: CreateMappingInput,
    ) -> Result<CreateMappingPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(CreateMappingPayload { mapping: written.only(mapping)?, revision: written.revision() })
    }

    /// Changes a mapping.
    async fn update_mapping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateMappingInput,
    ) -> Result<UpdateMappingPayload> {
        let written = write(context, Role::Write, input.command()).await?;
        Ok(UpdateMappingPayload { mapping: written.only(mapping)?, revision: written.revision() })
    }

    /// Ends a mapping. The history stays.
    async fn delete_mapping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let written = write(context, Role::Write, input::mapping::delete(&input)).await?;
        Ok(DeletePayload { deleted_id: input.id, revision: written.revision() })
    }

    /// Makes a token. Needs the role ADMIN.
    async fn create_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token.")] input: CreateTokenInput,
    ) -> Result<CreateTokenPayload> {
        let secret = Secret::generate();
        let written = write(context, Role::Admin, input.command(&secret)).await?;
        let (record, revision) = (written.token()?, written.revision());
        Ok(CreateTokenPayload { token: secret.reveal().to_owned(), record, revision })
    }

    /// Changes what a token may do and says of itself. Needs the role ADMIN.
    async fn update_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateTokenInput,
    ) -> Result<UpdateTokenPayload> {
        let written = write(context, Role::Admin, input.command()).await?;
        Ok(UpdateTokenPayload { record: written.token()?, revision: written.revision() })
    }

    /// Makes a token in place of another, with its role, units and description, and for as long as that one was made
    /// for; for a while both hold. Needs the role ADMIN.
    async fn rotate_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which, and for how long both hold.")] input: RotateTokenInput,
    ) -> Result<RotateTokenPayload> {
        let secret = Secret::generate();
        let written = write(context, Role::Admin, input.command(&secret)).await?;
        let (record, revision) = (written.token()?, written.revision());
        Ok(RotateTokenPayload { token: secret.reveal().to_owned(), record, revision })
    }

    /// Revokes a token: it is refused from now on, and stays on record. Needs the role ADMIN.
    async fn delete_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The public part: the eight characters after `clade_`.")] token_id: String,
    ) -> Result<DeleteTokenPayload> {
        let id = TokenId::parse(&token_id).map_err(Problem::from);
        let written = write(context, Role::Admin, id.map(Command::RevokeToken)).await?;
        Ok(DeleteTokenPayload { record: written.token()?, revision: written.revision() })
    }

    /// Carries out all changes or none; each sees what those before it did. At most 10,000.
    async fn apply(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The changes, in order.")] changes: Vec<ChangeInput>,
        #[graphql(desc = "Say what would happen, and change nothing.", default = false)] dry_run: bool,
    ) -> Result<ApplyPayload> {
        let caller = caller(context)?;
        caller.require(Role::Write)?;
        let turn = &Budget::of(context)?.turn;
        turn.release_slot();
        let applied = if dry_run {
            changes::try_out(turn.work(), changes).await?
        } else {
            changes::carry_out(caller, changes).await?
        };
        let written = MutationContext::new(applied);
        let result = |outcome: &Outcome| ChangeResult {
            effect: outcome.effect.into(),
            node: written.node(outcome).filter(|_| outcome.effect != Effect::Deleted),
        };
        Ok(ApplyPayload {
            results: written.outcomes.iter().map(result).collect(),
            dry_run,
            revision: written.revision(),
        })
    }
}
