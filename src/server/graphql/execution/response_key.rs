//! The key of a GraphQL response in the response cache.

use crate::directory::View;
use crate::server::auth::caller::Caller;
use crate::server::cache::Digest;
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::response_cache::{ResponseCache, ResponseKey, text};

/// The key of the response to `request`, whose document has the digest `document`. None if caching is disabled.
pub(in crate::server) fn key(
    cache: &ResponseCache,
    caller: &Caller,
    view: &View,
    document: &Digest,
    request: &GraphqlRequest,
    gzip: bool,
) -> Option<ResponseKey> {
    cache.key(view, "graphql", |key| {
        // Some fields are errors for a lesser role.
        text(key, caller.grant().role().as_str());
        // Compressed and plain bodies are separate entries, so that a hit sends bytes without compressing them again.
        key.update(document).update(&[u8::from(gzip)]);
        match &request.operation_name {
            // A marker byte tells an absent name from an empty one.
            Some(name) => text(key.update(&[1]), name),
            None => _ = key.update(&[0]),
        }
        // Hashed in the client's order. Sorting would cost more than the second entry that another order makes.
        // Last in the key, so JSON needs no length before it.
        serde_json::to_writer(key, &request.variables).ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::Directory;
    use crate::model::CreatePerson;
    use crate::model::token::Role;
    use crate::server::graphql::execution::document::DocumentSource;

    fn request(operation_name: Option<&str>, variables: serde_json::Value) -> GraphqlRequest {
        let serde_json::Value::Object(variables) = variables else { panic!("{variables}") };
        let document = DocumentSource::Hash([0; 32]);
        GraphqlRequest { document, operation_name: operation_name.map(str::to_owned), variables }
    }

    #[test]
    fn the_key_contains_everything_that_a_response_depends_on() {
        let directory = Directory::in_memory().unwrap();
        directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Retail")).unwrap();
        let before = directory.view();
        directory.apply(CreatePerson::new("bob@corp.example").under("Corp/Web")).unwrap();
        let view = directory.view();
        let unit = |name| view.within(&[view.org_unit(name).unwrap().id()]);
        let (retail, web) = (unit("Retail"), unit("Web"));

        let cache = ResponseCache::new(1 << 20);
        let key = |view: &View, role, document: u8, operation, variables| {
            let caller = Caller::with_role(directory.clone(), role);
            super::key(&cache, &caller, view, &[document; 32], &request(operation, variables), false).unwrap()
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
        let gzip = super::key(&cache, &reader, &view, &[0; 32], &request(None, json!({})), true);
        assert_ne!(gzip.unwrap(), keys[0]);
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one), "{at} has the key of another");
        }
        // Another token of the same role and scope gets the same.
        assert_eq!(read(&view), read(&directory.view()));
        assert_eq!(read(&retail), read(&unit("Retail")));
    }
}
