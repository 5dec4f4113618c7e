//! Runs the programs of `examples/`.

#[path = "../../examples/embed.rs"]
mod embed;
#[path = "../../examples/import_ndjson.rs"]
mod import_ndjson;
#[path = "../../examples/readme.rs"]
mod readme;
#[path = "../../examples/watch.rs"]
mod watch;

#[test]
fn embed_runs() {
    embed::main().unwrap();
}

#[test]
fn watch_runs() {
    watch::main().unwrap();
}

#[test]
fn import_ndjson_runs() {
    import_ndjson::main().unwrap();
}

#[test]
fn readme_runs() {
    readme::main().unwrap();
}
