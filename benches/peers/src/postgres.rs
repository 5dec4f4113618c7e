//! PostgreSQL as a peer: a server over one connection, prepared statements, results in the binary format.

use std::io::Write;

use postgres::types::ToSql;
use postgres::{Client, NoTls, Row, Statement};

use crate::Result;
use crate::answer::{Answer, Record};
use crate::organisation::Organisation;
use crate::peer::{Ask, Form, Peer};
use crate::questions::{Asks, Question};
use crate::rows::{Cell, Table};
use crate::sql::{Dialect, Shape, Value};
use crate::turn::Turn;
use crate::writes::{Step, new_project, there_and_back};
use crate::{rows, schema};

/// Creates a schema of its own, with the extensions in it if the database lacks them: dropping the schema leaves no
/// trace.
const OPEN: &str = "
    DROP SCHEMA IF EXISTS clade_peers CASCADE;
    CREATE SCHEMA clade_peers;
    SET search_path = clade_peers, public;
    CREATE EXTENSION IF NOT EXISTS ltree;
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    SET client_encoding = 'UTF8';
    SET work_mem = '256MB';
    SET maintenance_work_mem = '512MB';
    SET random_page_cost = 1.1;
    SET jit = off;
    SET max_parallel_workers_per_gather = 0;
";
const CLOSE: &str = "DROP SCHEMA IF EXISTS clade_peers CASCADE";
/// VACUUM does not mark pages as all-visible while their commits (`synchronous_commit = off`) are not on disk, and
/// then index-only scans read the table. One synchronous commit flushes those before it.
const FLUSH: &str = "SET synchronous_commit = on; CREATE TABLE flushed(); DROP TABLE flushed";
/// All tables, and those that changes touch.
const VACUUM_ALL: &str = "VACUUM (ANALYZE) unit, person, project, repository, service, unit_parent, project_unit, \
    person_unit, membership, selection, unit_below, project_below, person_below, unit_path";
const VACUUM_CHANGED: &str = "VACUUM (ANALYZE) project, project_unit, project_below, person_below, unit_below, \
    unit_parent, unit_path";

pub(crate) struct Postgres {
    client: Client,
    /// The number of the first project that a query inserts.
    first_new: u32,
    /// The number of inserted projects.
    inserted: u32,
}

impl Postgres {
    pub(crate) fn load(organisation: &Organisation, url: &str) -> Result<Self> {
        let client = Client::connect(url, NoTls)
            .map_err(|why| format!("cannot connect to PostgreSQL at DATABASE_URL: {why}"))?;
        let mut peer = Self { client, first_new: u32::try_from(organisation.projects.len())?, inserted: 0 };
        let client = &mut peer.client;
        client.batch_execute(OPEN)?;
        client.batch_execute(&Dialect::Postgres.of(schema::TABLES))?;
        for table in rows::tables(organisation) {
            copy(client, table)?;
        }
        client.batch_execute(schema::INDEXES)?;
        client.batch_execute(&schema::derived(Dialect::Postgres))?;
        client.batch_execute(VACUUM_ALL)?;
        Ok(peer)
    }

    fn setting(&mut self, name: &str) -> Result<String> {
        Ok(self.client.query_one(&format!("SHOW {name}"), &[])?.get(0))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(why) = self.client.batch_execute(CLOSE) {
            eprintln!("cannot drop the schema clade_peers: {why}");
        }
    }
}

fn copy(client: &mut Client, table: Table<'_>) -> Result<()> {
    let mut out = client.copy_in(&format!("COPY {}({}) FROM STDIN", table.name, table.columns))?;
    let mut line = String::new();
    for row in table.rows {
        line.clear();
        for cell in row {
            match cell {
                Cell::Number(number) => line.push_str(&number.to_string()),
                Cell::Text(text) => line.extend(text.chars().flat_map(escaped)),
            }
            line.push('\t');
        }
        line.pop();
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    out.finish()?;
    Ok(())
}

/// Escapes a character for the text format of COPY.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let (escape, character) = match character {
        '\\' => (Some('\\'), '\\'),
        '\t' => (Some('\\'), 't'),
        '\n' => (Some('\\'), 'n'),
        '\r' => (Some('\\'), 'r'),
        other => (None, other),
    };
    escape.into_iter().chain([character])
}

impl Peer for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn described(&mut self) -> Result<String> {
        let (version, buffers) = (self.setting("server_version")?, self.setting("shared_buffers")?);
        Ok(format!(
            "PostgreSQL {version}, over a connection, shared_buffers {buffers}, no parallel workers, no JIT"
        ))
    }

    fn form_name(&self, form: Form) -> &'static str {
        match form {
            Form::Plain => "",
            Form::Recursive => "CTE",
            Form::UnitClosure => "unit closure",
            Form::FullClosure => "full closure",
            Form::Ltree => "ltree",
            Form::Trigrams => "pg_trgm",
            Form::FullClosureTrigrams | Form::Scan => "none",
        }
    }

    fn forms(&self, question: &Question) -> Vec<Form> {
        Dialect::Postgres.forms(&question.asks)
    }

    fn ask<'p>(&'p mut self, question: &Question, form: Form) -> Result<Ask<'p>> {
        let asks = &question.asks;
        let Some((sql, shape)) = Dialect::Postgres.question(asks, form) else {
            return self.prepare_write(asks, form);
        };
        // A custom plan costs a millisecond per query; the generic plan underestimates large units, so heavy queries
        // need the custom one.
        let plans = match asks {
            Asks::PerChild { .. } | Asks::OnPlatform { .. } => "force_custom_plan",
            _ => "auto",
        };
        self.client.batch_execute(&format!("SET plan_cache_mode = {plans}"))?;
        let statement = self.client.prepare(&match shape {
            // One array is several times cheaper than one row per number.
            Shape::Projects | Shape::Units => format!("SELECT array_agg(id) FROM ({sql}) AS answer(id)"),
            _ => sql,
        })?;
        let targets = Dialect::Postgres.targets(asks, form).iter().map(|values| parameters(values)).collect();
        let mut targets = Turn::of(targets)?;
        let client = &mut self.client;
        Ok(Box::new(move || answer(shape, &client.query(&statement, &borrowed(targets.next()))?)))
    }

    fn undo(&mut self) -> Result<()> {
        let first = self.first_new;
        self.client.batch_execute(&format!(
            "DELETE FROM project_below WHERE project >= {first}; DELETE FROM project_unit WHERE project >= {first}; \
             DELETE FROM project WHERE id >= {first};"
        ))?;
        self.client.batch_execute(FLUSH)?;
        self.client.batch_execute(VACUUM_CHANGED)?;
        self.inserted = 0;
        Ok(())
    }
}

impl Postgres {
    fn prepare_write(&mut self, asks: &Asks, form: Form) -> Result<Ask<'_>> {
        let Self { client, first_new, inserted } = self;
        let waits = if matches!(asks, Asks::Insert { durable: true, .. }) { "on" } else { "off" };
        client.batch_execute(&format!("SET synchronous_commit = {waits}"))?;
        let steps = Dialect::Postgres.steps(asks, form).into_iter();
        let prepared = steps.map(|Step { sql, takes }| Ok((client.prepare(&sql)?, takes)));
        let mut steps = prepared.collect::<Result<Vec<_>>>()?;
        match *asks {
            Asks::Move { unit, from, to } => {
                let mut moves = Turn::of(there_and_back(unit, from, to).into())?;
                Ok(Box::new(move || run(client, &mut steps, moves.next())))
            }
            Asks::Insert { team, .. } => Ok(Box::new(move || {
                let values = new_project(*first_new + *inserted, *inserted, team);
                *inserted += 1;
                run(client, &mut steps, &values)
            })),
            _ => Err("this query is not a change".into()),
        }
    }
}

/// Executes one change. A single statement is a transaction by itself and needs no BEGIN and COMMIT.
fn run(client: &mut Client, steps: &mut [(Statement, &[usize])], values: &[Value]) -> Result<Answer> {
    let picked =
        |takes: &[usize]| parameters(&takes.iter().map(|at| values[*at].clone()).collect::<Vec<_>>());
    if let [(statement, takes)] = steps {
        client.execute(statement, &borrowed(&picked(takes)))?;
        return Ok(Answer::Done);
    }
    let mut transaction = client.transaction()?;
    for (statement, takes) in steps {
        transaction.execute(statement, &borrowed(&picked(takes)))?;
    }
    transaction.commit()?;
    Ok(Answer::Done)
}

type Parameter = Box<dyn ToSql + Sync>;

fn parameters(values: &[Value]) -> Vec<Parameter> {
    let parameter = |value: &Value| -> Parameter {
        match value {
            Value::Number(number) => Box::new(number.cast_signed()),
            Value::Text(text) => Box::new(text.clone()),
        }
    };
    values.iter().map(parameter).collect()
}

fn borrowed(parameters: &[Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|value| &**value).collect()
}

fn answer(shape: Shape, rows: &[Row]) -> Result<Answer> {
    let first = || rows.first().ok_or("a count returned no row");
    Ok(match shape {
        Shape::Nothing => Answer::Done,
        Shape::Projects => Answer::Projects(array(first()?)?),
        Shape::Units => Answer::Units(array(first()?)?),
        Shape::PerUnit => Answer::PerUnit(
            rows.iter().map(|row| Ok((number(row, 0)?, count(row, 1)?))).collect::<Result<_>>()?,
        ),
        Shape::Placed => Answer::Placed(
            rows.iter().map(|row| Ok((number(row, 0)?, number(row, 1)?))).collect::<Result<_>>()?,
        ),
        Shape::Page => Answer::Page {
            total: rows.first().map_or(Ok(0), |row| count(row, 1))?,
            projects: rows.iter().map(|row| number(row, 0)).collect::<Result<_>>()?,
        },
        Shape::Totals => Answer::Totals { projects: count(first()?, 0)?, people: count(first()?, 1)? },
        Shape::Count => Answer::Count(count(first()?, 0)?),
        Shape::Holds => Answer::Holds(first()?.try_get(0)?),
        Shape::Record => Answer::Record(match rows.first() {
            Some(row) => {
                Some(Record { name: row.try_get(0)?, owner: row.try_get(1)?, external_id: row.try_get(2)? })
            }
            None => None,
        }),
    })
}

fn array(row: &Row) -> Result<Vec<u32>> {
    let numbers: Option<Vec<i32>> = row.try_get(0)?;
    Ok(numbers.unwrap_or_default().into_iter().map(i32::cast_unsigned).collect())
}

fn number(row: &Row, at: usize) -> Result<u32> {
    Ok(row.try_get::<_, i32>(at)?.cast_unsigned())
}

fn count(row: &Row, at: usize) -> Result<u64> {
    Ok(u64::try_from(row.try_get::<_, i64>(at)?)?)
}
