//! SQLite as a peer: a file, one exclusive connection, prepared statements.

use std::cell::Cell;
use std::path::Path;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OpenFlags, Row, Rows, Statement, ToSql, params_from_iter};

use crate::Result;
use crate::answer::{Answer, Record};
use crate::organisation::Organisation;
use crate::peer::{Ask, Form, Peer};
use crate::questions::{Asks, Question};
use crate::sql::{Dialect, Shape, Value};
use crate::turn::Turn;
use crate::writes::{Step, new_project, there_and_back};
use crate::{rows, schema};

/// Loading needs no journal and no sync. Afterwards the whole file fits the cache, and the exclusive lock is taken
/// once.
const WHILE_LOADING: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; \
    PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000000; PRAGMA mmap_size = 2147418112;";
const AFTERWARDS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;";

pub(crate) struct Sqlite {
    connection: Connection,
    /// The number of the first project that a query inserts.
    first_new: u32,
    /// The number of inserted projects.
    inserted: Cell<u32>,
}

impl Sqlite {
    pub(crate) fn load(organisation: &Organisation, folder: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join("peers.sqlite"), flags)?;
        connection.execute_batch(WHILE_LOADING)?;
        connection.execute_batch("BEGIN")?;
        connection.execute_batch(&Dialect::Sqlite.of(schema::TABLES))?;
        for table in rows::tables(organisation) {
            let placeholders = vec!["?"; table.columns.split(',').count()].join(", ");
            let (name, columns) = (table.name, table.columns);
            let mut insert =
                connection.prepare(&format!("INSERT INTO {name}({columns}) VALUES ({placeholders})"))?;
            for row in table.rows {
                insert.execute(params_from_iter(row))?;
            }
        }
        connection.execute_batch(schema::INDEXES)?;
        connection.execute_batch("COMMIT")?;
        connection.execute_batch(&schema::derived(Dialect::Sqlite))?;
        connection.execute_batch(AFTERWARDS)?;
        Ok(Self {
            connection,
            first_new: u32::try_from(organisation.projects.len())?,
            inserted: Cell::new(0),
        })
    }
}

impl Peer for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn described(&mut self) -> Result<String> {
        Ok(format!(
            "SQLite {}, in process, a file in WAL mode held exclusively, 2 GB of cache and of memory map",
            rusqlite::version()
        ))
    }

    fn form_name(&self, form: Form) -> &'static str {
        match form {
            Form::Plain => "",
            Form::Recursive => "CTE",
            Form::UnitClosure => "unit closure",
            Form::FullClosure => "full closure",
            Form::FullClosureTrigrams => "full closure + FTS5",
            Form::Scan => "LIKE",
            Form::Trigrams => "FTS5",
            Form::Ltree => "none",
        }
    }

    fn forms(&self, question: &Question) -> Vec<Form> {
        Dialect::Sqlite.forms(&question.asks)
    }

    fn ask<'p>(&'p mut self, question: &Question, form: Form) -> Result<Ask<'p>> {
        let asks = &question.asks;
        let Some((sql, shape)) = Dialect::Sqlite.question(asks, form) else {
            return self.prepare_write(asks, form);
        };
        let mut statement = self.connection.prepare(&sql)?;
        let mut targets = Turn::of(Dialect::Sqlite.targets(asks, form))?;
        Ok(Box::new(move || answer(shape, statement.query(params_from_iter(targets.next()))?)))
    }

    fn undo(&mut self) -> Result<()> {
        let first = self.first_new;
        self.connection.execute_batch(&format!(
            "DELETE FROM project_below WHERE project >= {first}; DELETE FROM project_unit WHERE project >= {first}; \
             DELETE FROM project WHERE id >= {first}; PRAGMA wal_checkpoint(TRUNCATE);"
        ))?;
        self.inserted.set(0);
        Ok(())
    }
}

impl Sqlite {
    fn prepare_write(&mut self, asks: &Asks, form: Form) -> Result<Ask<'_>> {
        let Self { connection, first_new, inserted } = self;
        let synchronous = if matches!(asks, Asks::Insert { durable: true, .. }) { "FULL" } else { "OFF" };
        connection.execute_batch(&format!("PRAGMA synchronous = {synchronous}"))?;
        let mut transaction = Transaction::of(connection, Dialect::Sqlite.steps(asks, form))?;
        match *asks {
            Asks::Move { unit, from, to } => {
                let mut moves = Turn::of(there_and_back(unit, from, to).into())?;
                Ok(Box::new(move || transaction.run(moves.next())))
            }
            Asks::Insert { team, .. } => Ok(Box::new(move || {
                let number = inserted.get();
                inserted.set(number + 1);
                transaction.run(&new_project(*first_new + number, number, team))
            })),
            _ => Err("this query is not a change".into()),
        }
    }
}

/// The prepared statements of a change.
struct Transaction<'c> {
    /// `None` if there is only one statement, which is a transaction by itself.
    begin_and_commit: Option<(Statement<'c>, Statement<'c>)>,
    steps: Vec<(Statement<'c>, &'static [usize])>,
}

impl<'c> Transaction<'c> {
    fn of(connection: &'c Connection, steps: Vec<Step>) -> Result<Self> {
        let begin_and_commit = if steps.len() > 1 {
            Some((connection.prepare("BEGIN IMMEDIATE")?, connection.prepare("COMMIT")?))
        } else {
            None
        };
        let prepared = steps.into_iter().map(|step| Ok((connection.prepare(&step.sql)?, step.takes)));
        Ok(Self { begin_and_commit, steps: prepared.collect::<Result<_>>()? })
    }

    fn run(&mut self, values: &[Value]) -> Result<Answer> {
        if let Some((begin, _)) = &mut self.begin_and_commit {
            begin.execute([])?;
        }
        for (statement, takes) in &mut self.steps {
            statement.execute(params_from_iter(takes.iter().map(|at| &values[*at])))?;
        }
        if let Some((_, commit)) = &mut self.begin_and_commit {
            commit.execute([])?;
        }
        Ok(Answer::Done)
    }
}

fn answer(shape: Shape, mut rows: Rows<'_>) -> Result<Answer> {
    Ok(match shape {
        Shape::Nothing => {
            rows.next()?;
            Answer::Done
        }
        Shape::Projects => Answer::Projects(each(rows, |row| row.get(0))?),
        Shape::Units => Answer::Units(each(rows, |row| row.get(0))?),
        Shape::PerUnit => Answer::PerUnit(each(rows, |row| Ok((row.get(0)?, row.get(1)?)))?),
        Shape::Placed => Answer::Placed(each(rows, |row| Ok((row.get(0)?, row.get(1)?)))?),
        Shape::Page => {
            let mut total = 0;
            let projects = each(rows, |row| {
                total = row.get(1)?;
                row.get(0)
            })?;
            Answer::Page { total, projects }
        }
        Shape::Totals => {
            let row = only(&mut rows)?;
            Answer::Totals { projects: row.get(0)?, people: row.get(1)? }
        }
        Shape::Count => Answer::Count(only(&mut rows)?.get(0)?),
        Shape::Holds => Answer::Holds(only(&mut rows)?.get(0)?),
        Shape::Record => Answer::Record(match rows.next()? {
            Some(row) => Some(Record { name: row.get(0)?, owner: row.get(1)?, external_id: row.get(2)? }),
            None => None,
        }),
    })
}

fn each<T>(mut rows: Rows<'_>, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
    let mut read = read;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn only<'r>(rows: &'r mut Rows<'_>) -> Result<&'r Row<'r>> {
    rows.next()?.ok_or_else(|| "a count returned no row".into())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}

impl ToSql for rows::Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}
