//! The target of a command: a store file that this process opens, or a running server.

use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result};
use crate::directory::Directory;
use crate::server::app::{DocumentSource, GraphqlRequest, execute};

/// A store that this process has opened, or a client of a running server.
// Two ways, because a store is locked by the process that has it open: a served store can only be used over HTTP.
pub(super) enum Target {
    Store(Directory),
    Server(Client),
}

impl Target {
    /// The target of a command that reads: fails if the store does not exist, instead of creating an empty one.
    pub(super) fn existing(settings: &Settings) -> Result<Self> {
        match &settings.server {
            Some(server) => Ok(Self::Server(Client::new(server)?)),
            None => Ok(Self::Store(Directory::open_existing(settings.data())?)),
        }
    }

    /// The target of a command that writes: a store that does not exist is created.
    pub(super) fn to_write(settings: &Settings) -> Result<Self> {
        match &settings.server {
            Some(server) => Ok(Self::Server(Client::new(server)?)),
            None => Ok(Self::Store(Directory::open(settings.data())?)),
        }
    }

    /// Runs a GraphQL operation and returns its `data`; its first error becomes a failure.
    pub(super) fn graphql(self, query: &str, variables: &Value) -> Result<Value> {
        let mut response = self.graphql_response(query.to_owned(), variables)?;
        match response["errors"].get(0) {
            Some(error) => Err(Failure::Refused {
                message: error["message"].as_str().unwrap_or("the request was refused").to_owned(),
                members: json!({ "code": error["extensions"]["code"] }),
            }),
            None => Ok(response["data"].take()),
        }
    }

    /// Runs a GraphQL operation and returns the whole response, including `errors`.
    pub(super) fn graphql_response(self, query: String, variables: &Value) -> Result<Value> {
        match self {
            Self::Server(client) => client.graphql_response(&query, variables),
            Self::Store(directory) => {
                // The resolvers are async and have timeouts, so even a single operation needs a runtime with a timer.
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let variables = variables.as_object().cloned().unwrap_or_default();
                let request =
                    GraphqlRequest { document: DocumentSource::Text(query), operation_name: None, variables };
                serde_json::to_value(runtime.block_on(execute(directory, request)))
                    .map_err(|why| Failure::refused(why.to_string()))
            }
        }
    }
}
