//! End-to-end tests of the server apart from its APIs: authentication, tokens and scopes, rate limits, connections,
//! TLS, response headers, audit trail, metrics, traces, and the files of `deploy/`.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit_trail;
mod connections;
mod deploy_files;
mod exposure;
mod jwt;
mod metrics;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod tokens;
mod traces;
mod visibility;
