//! Planning of commands on tokens: create, update, rotate, revoke.
//!
//! Invariant: a caller with a limited scope creates no token with a wider one, and does not find tokens that have one.
//! Revoked tokens stay in the store.

use std::sync::Arc;

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::change::Change;
use crate::model::command::{Effect, NewToken, Outcome, RotateToken, Subject, UpdateToken};
use crate::model::reference::UnitRef;
use crate::model::token::{Scope, Token, TokenId};

/// The maximum number of units in the scope of a token.
// The visibility of a record is checked against the closures of these units.
const UNITS_MAX: usize = 1_000;

impl<'p> Plan<'p> {
    pub(super) fn create_token(&mut self, new: &NewToken) -> Result<Outcome, Error> {
        self.require_unused(&new.id)?;
        let token = Token {
            id: new.id.clone(),
            hash: new.hash,
            role: new.role,
            description: new.description.clone(),
            scope: self.scope_of(new.units.as_deref())?,
            expires_at: new.expires_at,
            created_at: self.context.now,
            revoked_at: None,
            revision: self.context.revision,
        };
        self.changes.push(Change::PutToken(Arc::new(token)));
        Ok(Outcome::new(Subject::Token(new.id.clone()), Effect::Created))
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

    pub(super) fn rotate_token(&mut self, rotate: &RotateToken) -> Result<Outcome, Error> {
        self.require_unused(&rotate.new_id)?;
        let before = self.known_token(&rotate.id)?;
        let now = self.context.now;
        if !before.is_valid_at(now) {
            return Err(Error::invalid(
                "tokenId",
                before.id.as_str(),
                "has expired or was revoked; create a new token",
            ));
        }
        // The new token lives as long as the old one did in total, not until the old end.
        let lifetime = before.expires_at.map(|end| end.as_millis() - before.created_at.as_millis());
        let after = Token {
            id: rotate.new_id.clone(),
            hash: rotate.new_hash,
            expires_at: lifetime.map(|millis| now.later_by(millis)),
            created_at: now,
            revision: self.context.revision,
            ..before.clone()
        };
        // The old token stays valid for the overlap, but never longer than it was valid before.
        let overlap = i64::try_from(rotate.overlap.as_millis()).unwrap_or(i64::MAX);
        let end = now.later_by(overlap);
        let ended = Token {
            expires_at: Some(before.expires_at.map_or(end, |known| known.min(end))),
            ..before.clone()
        };
        self.change_token(before, ended);
        self.changes.push(Change::PutToken(Arc::new(after)));
        Ok(Outcome::new(Subject::Token(rotate.new_id.clone()), Effect::Created))
    }

    pub(super) fn revoke_token(&mut self, id: &TokenId) -> Result<Outcome, Error> {
        let before = self.known_token(id)?;
        // Revoking again keeps the first date, and so is no change.
        let after = Token { revoked_at: before.revoked_at.or(Some(self.context.now)), ..before.clone() };
        Ok(self.change_token(before, after))
    }

    /// The scope of a list of units; `None` means everything.
    fn scope_of(&self, units: Option<&[UnitRef]>) -> Result<Scope, Error> {
        let Some(references) = units else {
            if self.scope.is_limited() {
                let what = "a token without units would have access to everything".to_owned();
                return Err(Error::OutOfScope {
                    what,
                    instead: "name units within the scope of the token that you use",
                });
            }
            return Ok(Scope::Everything);
        };
        if references.is_empty() || references.len() > UNITS_MAX {
            let reason = format!(
                "must name between 1 and {UNITS_MAX} units; leave it out for a token with access to everything"
            );
            return Err(Error::invalid("units", &format!("of {}", references.len()), reason));
        }
        let mut units = Vec::with_capacity(references.len());
        for reference in references {
            let unit = self.known_unit(reference, "units")?;
            if !units.contains(&unit) {
                units.push(unit);
            }
        }
        Ok(Scope::Units(units.into()))
    }

    fn require_unused(&self, id: &TokenId) -> Result<(), Error> {
        // In the whole directory: ids are unique, and authentication finds a token by its id.
        match self.everything.token(id) {
            Some(_) => Err(Error::Duplicate { kind: "token", key: id.to_string(), id: None }),
            None => Ok(()),
        }
    }

    fn known_token(&self, id: &TokenId) -> Result<&'p Token, Error> {
        let token = self.view.token(id).map(|token| &**token);
        token.ok_or_else(|| Error::not_found("token", id.to_string()))
    }

    fn change_token(&mut self, before: &Token, after: Token) -> Outcome {
        let subject = Subject::Token(before.id.clone());
        if after == *before {
            return Outcome::new(subject, Effect::Unchanged);
        }
        let effect = if after.revoked_at.is_some() { Effect::Deleted } else { Effect::Updated };
        let after = Token { revision: self.context.revision, ..after };
        self.changes.push(Change::PutToken(Arc::new(after)));
        Outcome::new(subject, effect)
    }
}
