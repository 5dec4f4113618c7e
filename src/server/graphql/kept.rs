//! Whole answers to queries, kept as they were sent, for callers who would get the same bytes again.
//!
//! What must stay true: an answer depends on nothing but what is in its key. The revision is, so that no answer
//! outlives a change; answers with errors are not kept, and those to mutations and subscriptions never.

use blake3::Hasher;

use crate::server::cache::{Cache, Digest, SizeBytes};
use crate::server::graphql::Asked;
use crate::server::metrics::Operation;
use crate::server::sent::Sent;
use crate::server::state::Caller;

/// What an answer usually takes, in bytes.
const USUAL: u64 = 2 << 10;

/// The answers that were given lately; none, where there is no room for any.
#[derive(Debug)]
pub(super) struct KeptAnswers(Option<Cache<Kept>>);

/// An answer, and the operation that it is counted under each time it is given.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) sent: Sent,
    pub(super) operation: Operation,
}

impl SizeBytes for Kept {
    fn size_bytes(&self) -> u64 {
        self.sent.size_bytes()
    }
}

/// What one answer is kept under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerKey(Digest);

impl KeptAnswers {
    pub(super) fn new(room: u64) -> Self {
        Self((room > 0).then(|| Cache::new(room, USUAL)))
    }

    /// What the answer to `asked` would be kept under, of a document with this digest, for a client that takes gzip or
    /// does not.
    pub(super) fn key(
        &self,
        caller: &Caller,
        document: &Digest,
        asked: &Asked,
        gzip: bool,
    ) -> Option<AnswerKey> {
        self.0.as_ref()?;
        let mut key = Hasher::new();
        key.update(&caller.view.revision().0.to_le_bytes());
        text(&mut key, caller.view.scope_name());
        text(&mut key, caller.grant.role().as_str());
        key.update(document).update(&[u8::from(gzip)]);
        match &asked.operation_name {
            Some(name) => text(key.update(&[1]), name),
            None => _ = key.update(&[0]),
        }
        // In the order in which they came: another order is another key for the same answer, which does no harm.
        serde_json::to_writer(&mut key, &asked.variables).ok()?;
        Some(AnswerKey(*key.finalize().as_bytes()))
    }

    pub(super) fn get(&self, key: AnswerKey) -> Option<Kept> {
        self.0.as_ref()?.get(&key.0)
    }

    /// Keeps an answer, if there is room for it; says what all of them then take, in bytes.
    pub(super) fn keep(&self, key: AnswerKey, answer: Kept) -> Option<u64> {
        let cache = self.0.as_ref()?;
        cache.keep(key.0, answer).then(|| cache.size_bytes())
    }
}

/// A text with its length, so that no two sequences of texts look the same.
fn text(key: &mut Hasher, text: &str) {
    key.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::access::{Grant, Secret};
    use crate::directory::{Directory, View};
    use crate::model::CreatePerson;
    use crate::model::entity::Revision;
    use crate::model::time::Timestamp;
    use crate::model::token::{Role, Scope, Token};
    use crate::server::graphql::Wanted;

    fn caller(view: &View, role: Role) -> Caller {
        let secret = Secret::generate();
        let now = Timestamp::from_millis(0);
        let token = Token {
            id: secret.id().clone(),
            hash: secret.hash(),
            role,
            description: None,
            scope: Scope::Everything,
            expires_at: None,
            created_at: now,
            revoked_at: None,
            revision: Revision(1),
        };
        Caller { grant: Arc::new(Grant::of(&token, &secret, now).unwrap()), view: view.clone() }
    }

    fn asked(operation_name: Option<&str>, variables: serde_json::Value) -> Asked {
        let serde_json::Value::Object(variables) = variables else { panic!("{variables}") };
        let document = Wanted::Known([0; 32]);
        Asked { document, operation_name: operation_name.map(str::to_owned), variables }
    }

    #[test]
    fn whatever_an_answer_depends_on_is_in_its_key() {
        let directory = Directory::in_memory().unwrap();
        directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Retail")).unwrap();
        let before = directory.view();
        directory.apply(CreatePerson::new("bob@corp.example").under("Corp/Web")).unwrap();
        let view = directory.view();
        let unit = |name| view.within(&[view.org_unit(name).unwrap().id()]);
        let (retail, web) = (unit("Retail"), unit("Web"));

        let answers = KeptAnswers::new(1 << 20);
        let key = |view: &View, role, document: u8, operation, variables| {
            answers.key(&caller(view, role), &[document; 32], &asked(operation, variables), false).unwrap().0
        };
        let read = |view: &View| key(view, Role::Read, 0, None, json!({}));
        let keys = [
            read(&view),
            read(&before),
            read(&retail),
            read(&web),
            key(&view, Role::Write, 0, None, json!({})),
            key(&view, Role::Admin, 0, None, json!({})),
            key(&view, Role::Read, 1, None, json!({})),
            key(&view, Role::Read, 0, Some(""), json!({})),
            key(&view, Role::Read, 0, Some("A"), json!({})),
            key(&view, Role::Read, 0, Some("A{}"), json!({})),
            key(&view, Role::Read, 0, None, json!({"a": 1})),
            key(&view, Role::Read, 0, None, json!({"a": "1"})),
            key(&view, Role::Read, 0, None, json!({"a": [1]})),
            key(&view, Role::Read, 0, None, json!({"b": 1})),
            key(&view, Role::Read, 0, None, json!({"a": null})),
        ];
        let gzip = answers.key(&caller(&view, Role::Read), &[0; 32], &asked(None, json!({})), true);
        assert_ne!(gzip.unwrap().0, keys[0]);
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one), "{at} has the key of another");
        }
        // Another token of the same role and scope gets the same.
        assert_eq!(read(&view), read(&directory.view()));
        assert_eq!(read(&retail), read(&unit("Retail")));
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let answers = KeptAnswers::new(0);
        let view = Directory::in_memory().unwrap().view();
        assert!(answers.key(&caller(&view, Role::Read), &[0; 32], &asked(None, json!({})), false).is_none());
        let answer = Kept { sent: Sent::plain(b"{}".to_vec()), operation: Operation::of("A", "query") };
        assert!(answers.keep(AnswerKey([0; 32]), answer).is_none());
        assert!(answers.get(AnswerKey([0; 32])).is_none());
    }
}
