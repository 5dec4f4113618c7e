//! `clade whoami`: the token in use, its role and its units.

use serde_json::json;

use crate::cli::settings::Settings;
use crate::cli::{Result, ask, print_json, print_line};

const QUERY: &str = "{ viewer { actor description role units { key name } expiresAt } }";

/// Prints who the server or the store takes the caller for.
pub(super) fn run(settings: &Settings) -> Result {
    let mut viewer = ask::data(settings, QUERY, json!({}))?["viewer"].take();
    let place = match &settings.server {
        Some(server) => ("server", server.clone()),
        None => ("store", settings.data().display().to_string()),
    };
    if settings.json {
        viewer[place.0] = place.1.into();
        return print_json(&viewer);
    }
    let text = |name: &str| viewer[name].as_str().unwrap_or_default().to_owned();
    let description = viewer["description"].as_str().map(|text| format!(" ({text})")).unwrap_or_default();
    print_line(format!("{}{description}", text("actor")))?;
    print_line(format!("  {:<7} {}", "role", text("role").to_lowercase()))?;
    let units = match viewer["units"].as_array() {
        None => "all".to_owned(),
        Some(units) if units.is_empty() => "none: the units of the token were deleted".to_owned(),
        Some(units) => {
            units.iter().map(|unit| unit["key"].as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
        }
    };
    print_line(format!("  {:<7} {units}", "units"))?;
    if let Some(expires) = viewer["expiresAt"].as_str() {
        print_line(format!("  {:<7} {expires}", "expires"))?;
    }
    print_line(format!("  {:<7} {}", place.0, place.1))
}
