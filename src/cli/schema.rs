//! `clade schema` and `clade openapi`: print the GraphQL schema (SDL) and the OpenAPI document.

use std::io::{self, Read};

use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_line};
use crate::server::app::{openapi as document, schema_sdl};

// With --server the schema of that server, which may be another version of Clade; otherwise that of this binary.
pub(super) fn graphql(settings: &Settings) -> Result {
    match &settings.server {
        // `print_line` adds a line break itself.
        None => print_line(schema_sdl().trim_end()),
        Some(server) => {
            let mut text = String::new();
            Client::new(server)?.get("/schema.graphql")?.read_to_string(&mut text)?;
            print_line(text.trim_end())
        }
    }
}

pub(super) fn openapi(settings: &Settings) -> Result {
    match &settings.server {
        None => {
            let text = document().to_pretty_json();
            print_line(text.map_err(|why| Failure::refused(why.to_string()))?)
        }
        Some(server) => {
            io::copy(&mut Client::new(server)?.get("/openapi.json")?, &mut io::stdout())?;
            Ok(())
        }
    }
}
