//! Tokens: kept, changed, revoked. A revoked token stays on record.

use std::sync::Arc;

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::change::Change;
use crate::model::command::{Effect, NewToken, Outcome, Subject, UpdateToken};
use crate::model::token::{Token, TokenId};

impl<'p> Plan<'p> {
    pub(super) fn create_token(&mut self, new: &NewToken) -> Result<Outcome, Error> {
        if self.view.token(&new.id).is_some() {
            return Err(Error::Duplicate { kind: "token", key: new.id.to_string(), id: None });
        }
        let token = Token {
            id: new.id.clone(),
            hash: new.hash,
            role: new.role,
            description: new.description.clone(),
            units: Vec::new(),
            expires_at: new.expires_at,
            created_at: self.moment.now,
            revoked_at: None,
            revision: self.moment.revision,
        };
        self.changes.push(Change::PutToken(Arc::new(token)));
        Ok(Outcome { subject: Subject::Token(new.id.clone()), effect: Effect::Created })
    }

    pub(super) fn update_token(&mut self, update: &UpdateToken) -> Result<Outcome, Error> {
        let before = self.known_token(&update.id)?;
        let after = Token {
            role: update.role.unwrap_or(before.role),
            description: update.description.clone().applied(before.description.clone()),
            expires_at: update.expires_at.clone().applied(before.expires_at),
            ..before.clone()
        };
        Ok(self.change_token(before, after))
    }

    pub(super) fn revoke_token(&mut self, id: &TokenId) -> Result<Outcome, Error> {
        let before = self.known_token(id)?;
        let after = Token { revoked_at: before.revoked_at.or(Some(self.moment.now)), ..before.clone() };
        Ok(self.change_token(before, after))
    }

    fn known_token(&self, id: &TokenId) -> Result<&'p Token, Error> {
        let token = self.view.token(id).map(|token| &**token);
        token.ok_or_else(|| Error::NotFound { kind: "token", reference: id.to_string() })
    }

    fn change_token(&mut self, before: &Token, after: Token) -> Outcome {
        let subject = Subject::Token(before.id.clone());
        if after == *before {
            return Outcome { subject, effect: Effect::Unchanged };
        }
        let effect = if after.revoked_at.is_some() { Effect::Deleted } else { Effect::Updated };
        let after = Token { revision: self.moment.revision, ..after };
        self.changes.push(Change::PutToken(Arc::new(after)));
        Outcome { subject, effect }
    }
}
