//! GraphQL for commands: the same operation on a store, without a server, or on a running server.

use serde_json::{Map, Value};

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result};
use crate::server::app::{DocumentSource, GraphqlRequest, execute};

/// Runs an operation and returns the whole response, including `errors`.
pub(super) fn response(settings: &Settings, query: &str, variables: Value) -> Result<Value> {
    match Target::existing(settings)? {
        Target::Server(client) => client.graphql_response(query, &variables),
        Target::Store(directory) => {
            // The resolvers are async and have timeouts, so even a single operation needs a runtime with a timer.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let variables = match variables {
                Value::Object(variables) => variables,
                _ => Map::new(),
            };
            let document = DocumentSource::Text(query.to_owned());
            let request = GraphqlRequest { document, operation_name: None, variables };
            serde_json::to_value(runtime.block_on(execute(directory, request)))
                .map_err(|why| Failure::refused(why.to_string()))
        }
    }
}

/// Runs an operation and returns its `data`; its first error becomes a failure.
pub(super) fn data(settings: &Settings, query: &str, variables: Value) -> Result<Value> {
    let mut response = response(settings, query, variables)?;
    match response["errors"].get(0) {
        None => Ok(response["data"].take()),
        Some(error) => Err(Failure::Refused {
            message: error["message"].as_str().unwrap_or("the request was refused").to_owned(),
            members: error["extensions"].clone(),
        }),
    }
}
