//! `clade query`: runs a GraphQL operation on a store, without a server, or on a running server.

use std::fs;
use std::io::{self, Read};

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, ask, print_json};

#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// The GraphQL document; @FILE to read it from a file, - to read it from standard input
    graphql: String,
    /// The variables as a JSON object; @FILE to read it from a file, - to read it from standard input
    #[arg(long, value_name = "JSON")]
    variables: Option<String>,
}

impl QueryArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let query = text(&self.graphql)?;
        let variables = match &self.variables {
            Some(argument) => object(&text(argument)?)?,
            None => Map::new(),
        };
        let response = ask::response(settings, &query, Value::Object(variables))?;
        // The whole response, also with errors: GraphQL returns partial data beside them.
        print_json(&response)?;
        match response["errors"].as_array() {
            None => Ok(()),
            // The response on standard output contains the errors already.
            Some(_) => Err(Failure::AlreadyPrinted),
        }
    }
}

/// The text of an argument: itself, the content of a file (`@FILE`), or standard input (`-`), as curl does it.
fn text(argument: &str) -> Result<String> {
    if argument == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    match argument.strip_prefix('@') {
        Some(path) => {
            fs::read_to_string(path).map_err(|why| Failure::refused(format!("{path} cannot be read: {why}")))
        }
        None => Ok(argument.to_owned()),
    }
}

fn object(text: &str) -> Result<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(variables)) => Ok(variables),
        Ok(_) => Err(Failure::Usage("--variables must be a JSON object".to_owned())),
        Err(why) => Err(Failure::Usage(format!("--variables is not valid JSON: {why}"))),
    }
}
