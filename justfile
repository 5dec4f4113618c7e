# The words of daily work; `just` alone lists them. Each is what CI runs, or a line you can type yourself.

# List these words.
default:
    @just --list

# Serve the sample organisation, with an address, a token and three things to try.
demo:
    cargo run --release -- serve --demo

# Every test: units, properties, the product from outside, the examples in the docs.
test:
    cargo test --locked

# What CI refuses: formatting, lints, docs with a warning; and what may come in, where cargo-deny is installed.
lint:
    cargo fmt --all --check
    cargo clippy --all-targets --locked -- -D warnings
    cargo clippy --no-default-features --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
    if command -v cargo-deny > /dev/null; then cargo deny check; fi

# Measure the graph and its queries at 10 k, 100 k and 1 M entities, and write the table and plot of BENCHMARKS.md.
bench *ARGS:
    cargo bench --locked --bench graph -- {{ARGS}}

# The same questions to Clade, SQLite and, where DATABASE_URL is set, PostgreSQL: benches/peers/README.md.
peers *ARGS="--entities 100000":
    cargo run --release --manifest-path benches/peers/Cargo.toml -- {{ARGS}}

# Measure the server under load, as a share of what it gives for /healthz.
bench-http:
    cargo bench --locked --bench http

# Point reads beside heavy reads, conditional requests, many writers, and memory under attack, of the release build;
# `just bench-beside writers` measures one part.
bench-beside *ARGS:
    cargo build --locked --release --bin clade
    cargo bench --locked --bench beside -- {{ARGS}}

# Measure durable writes, by one and by 64 at once, beside a bare append with a sync.
bench-durable:
    cargo bench --locked --bench durable

# Cut the power ten thousand times, and kill the program two hundred times.
durability:
    CLADE_CUTS=10000 cargo test --locked --release --test storage whenever -- --nocapture
    CLADE_CUTS=500 cargo test --locked --release --test storage faults -- --nocapture
    CLADE_KILLS=200 cargo test --locked --release --test storage process_kill -- --nocapture
    CLADE_VIEWS_WRITES=200000 cargo test --locked --release --test library concurrent_views -- --nocapture

# Change the rooms that hold the truth, one small thing at a time, and see whether a test notices; with `--shard 0/16`, a
# sixteenth of them. cargo-mutants must be installed.
mutants *ARGS:
    cargo mutants {{ARGS}}

# Which lines no test reaches; cargo-llvm-cov must be installed.
coverage:
    cargo llvm-cov --locked --lib --tests

# Import, start, memory and file of the program itself, at a million entities.
bench-binary *ENTITIES:
    benches/binary.sh {{ENTITIES}}

# A million entities: every kind of answer against plain scanning, then minutes of reads and writes.
at-scale:
    CLADE_TEST_ENTITIES=1000000 cargo test --locked --release --test scale answers
    cargo test --locked --release --test scale soak -- --ignored --nocapture

# Throw what is like the seeds at one target of fuzz/, for some seconds; cargo-fuzz must be installed.
fuzz TARGET *ARGS="-max_total_time=180":
    mkdir -p fuzz/corpus/{{TARGET}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} -- {{ARGS}}

# Write schema.graphql anew from the code; read the diff.
schema:
    cargo run --locked -- schema > schema.graphql.new
    mv schema.graphql.new schema.graphql
    git diff --stat -- schema.graphql
