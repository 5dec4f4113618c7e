//! The response cache: whole answers to queries, as they were sent, for callers who would get the same bytes again.
//!
//! What must stay true: an answer depends on nothing but what is in its key. The view is, so that no answer outlives a
//! change; answers with errors are not cached, and those to mutations and subscriptions never.

use blake3::Hasher;

use crate::directory::View;
use crate::server::auth::caller::Caller;
use crate::server::cache::{Cache, Digest, SizeBytes};
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::metrics::OperationLabel;
use crate::server::response::compress::Sent;

/// What an answer usually takes, in bytes.
const USUAL: u64 = 2 << 10;

/// The answers that were given lately; none, where there is no room for any.
#[derive(Debug)]
pub(in crate::server) struct ResponseCache(Option<Cache<Cached>>);

/// An answer, and the operation that it is counted under each time it is given.
#[derive(Debug, Clone)]
pub(in crate::server) struct Cached {
    pub(in crate::server) sent: Sent,
    pub(in crate::server) operation: OperationLabel,
}

impl SizeBytes for Cached {
    fn size_bytes(&self) -> u64 {
        self.sent.size_bytes()
    }
}

/// What one answer is kept under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerKey(Digest);

impl ResponseCache {
    pub(in crate::server) fn new(room: u64) -> Self {
        Self((room > 0).then(|| Cache::new(room, USUAL)))
    }

    /// What the answer to `asked` would be kept under, of a document with this digest, for a client that takes gzip or
    /// does not.
    pub(in crate::server) fn key(
        &self,
        caller: &Caller,
        view: &View,
        document: &Digest,
        asked: &GraphqlRequest,
        gzip: bool,
    ) -> Option<AnswerKey> {
        self.0.as_ref()?;
        let mut key = Hasher::new();
        text(&mut key, &view.identity());
        text(&mut key, caller.grant().role().as_str());
        key.update(document).update(&[u8::from(gzip)]);
        match &asked.operation_name {
            Some(name) => text(key.update(&[1]), name),
            None => _ = key.update(&[0]),
        }
        // In the order in which they came: another order is another key for the same answer, which does no harm.
        serde_json::to_writer(&mut key, &asked.variables).ok()?;
        Some(AnswerKey(*key.finalize().as_bytes()))
    }

    pub(in crate::server) fn get(&self, key: AnswerKey) -> Option<Cached> {
        self.0.as_ref()?.get(&key.0)
    }

    /// Keeps an answer, if there is room for it; says what all of them then take, in bytes.
    pub(in crate::server) fn keep(&self, key: AnswerKey, answer: Cached) -> Option<u64> {
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
    use serde_json::json;

    use super::*;
    use crate::directory::Directory;
    use crate::model::CreatePerson;
    use crate::model::token::Role;
    use crate::server::graphql::execution::document::DocumentSource;

    fn asked(operation_name: Option<&str>, variables: serde_json::Value) -> GraphqlRequest {
        let serde_json::Value::Object(variables) = variables else { panic!("{variables}") };
        let document = DocumentSource::Known([0; 32]);
        GraphqlRequest { document, operation_name: operation_name.map(str::to_owned), variables }
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

        let answers = ResponseCache::new(1 << 20);
        let key = |view: &View, role, document: u8, operation, variables| {
            let caller = Caller::with_role(directory.clone(), role);
            answers.key(&caller, view, &[document; 32], &asked(operation, variables), false).unwrap().0
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
        let reader = Caller::with_role(directory.clone(), Role::Read);
        let gzip = answers.key(&reader, &view, &[0; 32], &asked(None, json!({})), true);
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
        let answers = ResponseCache::new(0);
        let reader = Caller::with_role(Directory::in_memory().unwrap(), Role::Read);
        assert!(answers.key(&reader, &reader.view(), &[0; 32], &asked(None, json!({})), false).is_none());
        let answer =
            Cached { sent: Sent::plain(b"{}".to_vec()), operation: OperationLabel::of("A", "query") };
        assert!(answers.keep(AnswerKey([0; 32]), answer).is_none());
        assert!(answers.get(AnswerKey([0; 32])).is_none());
    }
}
