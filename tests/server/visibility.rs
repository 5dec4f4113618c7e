//! Property test of visibility: a token that is limited to units sees those subtrees and nothing else. Every field of
//! every type of the GraphQL schema and every path of the OpenAPI document gives the same response as a server that
//! stores only the visible part.
//!
//! Organizations, tokens and queries are random, from a seed. `CLADE_VISIBILITY_ORGS` is the number of organizations,
//! each with several tokens, `CLADE_VISIBILITY_SEED` the first seed. The default run is short; this runs 10,000 pairs
//! of an organization and a token:
//!
//! ```text
//! CLADE_VISIBILITY_ORGS=2500 cargo test --release --test server visibility
//! ```

mod arguments;
mod introspection;
mod organisation;
mod questions;
mod router_client;
mod visible_part;
mod writes;

use std::collections::BTreeSet;
use std::env;

use clade::Directory;
use clade::model::token::Role;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng};

use self::arguments::Pool;
use self::introspection::Schema;
use self::organisation::Organisation;
use self::questions::{graphql, rest};
use self::router_client::Target;
use self::visible_part::Facts;

/// Number of organizations of the default run.
const ORGANISATIONS: u64 = 12;
/// Tokens per organization.
const TOKENS: usize = 4;
/// REST requests per pair of an organization and a token, in addition to one query for each field of `Query`.
const PATHS_ASKED: usize = 40;

fn number(name: &str, usual: u64) -> u64 {
    env::var(name)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
}

/// The seeds of this run.
fn seeds() -> std::ops::Range<u64> {
    let first = number("CLADE_VISIBILITY_SEED", 1);
    first..first + number("CLADE_VISIBILITY_ORGS", ORGANISATIONS)
}

#[test]
fn hidden_records_read_as_absent() {
    let schema = Schema::read();
    let mut asked = BTreeSet::new();
    let (mut pairs, mut told_apart, mut plain) = (0, 0, 0);
    for seed in seeds() {
        let mut rng = StdRng::seed_from_u64(seed);
        let organisation = Organisation::draw(&mut rng);
        let tokens: Vec<_> = (0..TOKENS).map(|_| organisation.narrow_token(&mut rng, Role::Read)).collect();
        let facts = Facts::of(&organisation.directory);
        let whole = Target::to(&organisation.directory);
        let pool = Pool::of(&facts, &whole, &organisation.secret);
        for (secret, units) in tokens {
            let part = Target::to(&facts.seen_from(&units));
            let questions = graphql(&schema, &pool, &mut rng, &mut asked).into_iter().chain(rest(
                &pool,
                &mut rng,
                PATHS_ASKED,
            ));
            for question in questions {
                let (narrow, alone) = (whole.ask(&secret, &question), part.ask(&secret, &question));
                assert_eq!(
                    narrow, alone,
                    "\nseed {seed}: a token of {units:?} was told more or less than there is to see\n{question:?}"
                );
                plain += usize::from(narrow.is_plain());
                told_apart += usize::from(whole.ask(&organisation.secret, &question) != narrow);
            }
            pairs += 1;
        }
    }
    assert!(told_apart > pairs, "{told_apart}: the questions tell a whole from a part");
    let all = schema.fields();
    let is_asked = |(of, name): &&(String, String)| of != "Viewer" && name != "viewer";
    let left: Vec<_> = all.difference(&asked).filter(is_asked).cloned().collect();
    assert!(pairs < 40 || left.is_empty(), "never asked: {left:?}");
    println!(
        "{pairs} pairs, {} fields; {plain} answers without errors, {told_apart} that would have told more",
        asked.len()
    );
}

#[test]
fn a_scoped_writer_changes_nothing_outside_its_scope() {
    let mut done = 0;
    for seed in seeds() {
        let mut rng = StdRng::seed_from_u64(seed);
        let organisation = Organisation::draw(&mut rng);
        let role = if rng.random_bool(0.5) { Role::Write } else { Role::Admin };
        let (secret, units) = organisation.narrow_token(&mut rng, role);
        done += writes::try_many(seed, &organisation, &secret, &units, &mut rng);
    }
    assert!(done > 0, "some writes go through");
}

/// As [`Directory::in_memory`].
fn empty() -> Directory {
    Directory::in_memory().unwrap()
}
