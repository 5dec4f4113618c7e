# Recipes for development: run `just` to list them. Each is a command that CI runs too or that you can type yourself.

# List the recipes.
default:
    @just --list

# Serve the demo organization; prints the address, a token and three requests to try.
demo:
    cargo run --release -- serve --demo

# Run all tests: unit tests, property tests, end-to-end tests, doc tests.
test:
    cargo test --locked

# Run the checks of CI: formatting, lints, warnings of rustdoc; and of dependencies, if cargo-deny is installed.
lint:
    cargo fmt --all --check
    cargo clippy --all-targets --locked -- -D warnings
    cargo clippy --no-default-features --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
    if command -v cargo-deny > /dev/null; then cargo deny check; fi

# Benchmark the graph and its queries at 10 k, 100 k and 1 M entities; write the table and plot of BENCHMARKS.md.
bench *ARGS:
    cargo bench --locked --bench graph -- {{ARGS}}

# Benchmark the same queries in Clade, SQLite and, if DATABASE_URL is set, PostgreSQL: benches/peers/README.md.
peers *ARGS="--entities 100000":
    cargo run --release --manifest-path benches/peers/Cargo.toml -- {{ARGS}}

# Benchmark HTTP throughput and latency, relative to /healthz.
bench-http:
    cargo bench --locked --bench http

# Benchmark the release build: point reads under heavy load, conditional requests, concurrent writers, memory under
# attack. `just bench-beside writers` runs one part.
bench-beside *ARGS:
    cargo build --locked --profile dist --bin clade
    cargo bench --locked --bench beside -- {{ARGS}}

# Benchmark durable writes by one writer and by 64 writers, compared with a bare append and fdatasync.
bench-durable:
    cargo bench --locked --bench durable

# Test durability: 10,000 simulated power losses, 500 disk faults, 200 process kills, and 200,000 writes with readers.
durability:
    CLADE_CUTS=10000 cargo test --locked --release --test storage whenever -- --nocapture
    CLADE_CUTS=500 cargo test --locked --release --test storage -- faults failing_disk --nocapture
    CLADE_KILLS=200 cargo test --locked --release --test storage process_kill -- --nocapture
    CLADE_VIEWS_WRITES=200000 cargo test --locked --release --test library concurrent_views -- --nocapture

# Record histories of both APIs while the server is killed, its disk fails and its clock steps, and check them; with new
# seeds, which are printed, until one fails or it is stopped.
torture:
    cargo test --locked --release --test history torture -- --ignored --nocapture

# Mutation testing of the graph, directory and store modules; `--shard 0/16` runs a sixteenth of the mutants. Requires
# cargo-mutants.
mutants *ARGS:
    cargo mutants {{ARGS}}

# Measure test coverage by line. Requires cargo-llvm-cov.
coverage:
    cargo llvm-cov --locked --lib --tests

# Benchmark import, startup, memory and file size of the program, with a million entities.
bench-binary *ENTITIES:
    benches/binary.sh {{ENTITIES}}

# Test with a million entities: all kinds of queries compared with plain scanning, then the soak test.
at-scale:
    CLADE_TEST_ENTITIES=1000000 cargo test --locked --release --test scale answers
    cargo test --locked --release --test scale soak -- --ignored --nocapture

# Fuzz one target of fuzz/ for three minutes, starting from its seeds. Requires cargo-fuzz.
fuzz TARGET *ARGS="-max_total_time=180":
    mkdir -p fuzz/corpus/{{TARGET}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} -- {{ARGS}}

# Regenerate schema.graphql from the code, and show the size of the diff.
schema:
    cargo run --locked -- schema > schema.graphql.new
    mv schema.graphql.new schema.graphql
    git diff --stat -- schema.graphql
