//! `clade query`: GraphQL without a server, or against one.

use std::fs;
use std::io::{self, Read};

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, say_json};
use crate::server::app::{DocumentSource, GraphqlRequest, execute};

#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// The document; @FILE to read it from a file, - from standard input
    graphql: String,
    /// The variables, a JSON object; @FILE to read it from a file
    #[arg(long, value_name = "JSON")]
    variables: Option<String>,
}

impl QueryArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let query = text(&self.graphql)?;
        let variables = match &self.variables {
            Some(given) => object(&text(given)?)?,
            None => Map::new(),
        };
        let answer = match Target::existing(settings)? {
            Target::Server(client) => client.graphql_answer(&query, &Value::Object(variables))?,
            Target::Store(directory) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let asked =
                    GraphqlRequest { document: DocumentSource::Text(query), operation_name: None, variables };
                serde_json::to_value(runtime.block_on(execute(directory, asked)))
                    .map_err(|why| Failure::refused(why.to_string()))?
            }
        };
        say_json(&answer)?;
        match answer["errors"].as_array() {
            None => Ok(()),
            // They have just been printed.
            Some(_) => Err(Failure::Silent),
        }
    }
}

fn text(given: &str) -> Result<String> {
    if given == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    match given.strip_prefix('@') {
        Some(path) => {
            fs::read_to_string(path).map_err(|why| Failure::refused(format!("{path} cannot be read: {why}")))
        }
        None => Ok(given.to_owned()),
    }
}

fn object(text: &str) -> Result<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(variables)) => Ok(variables),
        Ok(_) => Err(Failure::Usage("--variables must be a JSON object".to_owned())),
        Err(why) => Err(Failure::Usage(format!("--variables is no JSON: {why}"))),
    }
}
