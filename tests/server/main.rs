//! The server beside its two APIs: who may ask and how much, what a token sees, connections and TLS, what browsers are
//! told, the audit trail, metrics and traces; and the files of `deploy/`.

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
