//! The writes in SQL (insert a project, move a unit), with the maintenance that each form of the hierarchy requires.

use crate::peer::Form;
use crate::questions::{Asks, made_up};
use crate::sql::{Dialect, Value};

/// One statement of a change, and the indexes of the change's values that it takes, in order.
pub(crate) struct Step {
    pub(crate) sql: String,
    pub(crate) takes: &'static [usize],
}

/// The values of a move: the unit, its old parent, its new parent.
const UNIT: usize = 0;
const FROM: usize = 1;
const TO: usize = 2;

impl Dialect {
    /// The statements of a change; several are one transaction. Empty if `asks` is not a change.
    pub(crate) fn steps(self, asks: &Asks, form: Form) -> Vec<Step> {
        let mut steps = match asks {
            Asks::Move { .. } => move_unit(self, form),
            Asks::Insert { .. } => match self {
                Self::Sqlite => insert(form),
                Self::Postgres => insert_at_once(form),
            },
            _ => Vec::new(),
        };
        for step in &mut steps {
            step.sql = self.of(&step.sql);
        }
        steps
    }
}

/// The values for moving a unit to its new parent, and back.
pub(crate) fn there_and_back(unit: u32, from: u32, to: u32) -> [Vec<Value>; 2] {
    let values = |from, to| vec![Value::Number(unit), Value::Number(from), Value::Number(to)];
    [values(from, to), values(to, from)]
}

/// The values for the next new project.
pub(crate) fn new_project(number: u32, made: u32, team: u32) -> Vec<Value> {
    let (id, name) = made_up(made);
    vec![Value::Number(number), Value::Text(id), Value::Text(name), Value::Number(team)]
}

fn step(sql: &str, takes: &'static [usize]) -> Step {
    Step { sql: sql.to_owned(), takes }
}

fn insert(form: Form) -> Vec<Step> {
    let mut steps = vec![
        step("INSERT INTO project(id, project_id, name) VALUES (?1, ?2, ?3)", &[0, 1, 2]),
        step("INSERT INTO project_unit(unit, project) VALUES (?1, ?2)", &[3, 0]),
    ];
    if form == Form::FullClosure {
        let sql =
            "INSERT INTO project_below(unit, project) SELECT upper, ?1 FROM unit_below WHERE lower = ?2";
        steps.push(step(sql, &[0, 3]));
    }
    steps
}

/// The same as one statement, which is one round trip.
fn insert_at_once(form: Form) -> Vec<Step> {
    let made = "WITH made AS (INSERT INTO project(id, project_id, name) VALUES (?1, ?2, ?3)) ";
    let placed = "INSERT INTO project_unit(unit, project) VALUES (?4, ?1)";
    let sql = match form {
        Form::FullClosure => format!(
            "{made}, placed AS ({placed}) \
             INSERT INTO project_below(unit, project) SELECT upper, ?1 FROM unit_below WHERE lower = ?4"
        ),
        _ => format!("{made}{placed}"),
    };
    vec![Step { sql, takes: &[0, 1, 2, 3] }]
}

/// Requires that a unit has at most one parent, as in the generated organization; with several parents, maintaining a
/// closure would cost more.
fn move_unit(dialect: Dialect, form: Form) -> Vec<Step> {
    let mut steps =
        vec![step("UPDATE unit_parent SET parent = ?1 WHERE child = ?2 AND parent = ?3", &[TO, UNIT, FROM])];
    match form {
        Form::Ltree => steps.push(step(
            "UPDATE unit_path SET path = (SELECT path FROM unit_path WHERE unit = ?2) \
             || subpath(path, (SELECT nlevel(path) - 1 FROM unit_path WHERE unit = ?1)) \
             WHERE path <@ (SELECT path FROM unit_path WHERE unit = ?1)",
            &[UNIT, TO],
        )),
        Form::UnitClosure => steps.extend(move_in_unit_closure()),
        Form::FullClosure => {
            steps.extend(move_in_unit_closure());
            steps.extend(move_in_full_closure(dialect, "project"));
            steps.extend(move_in_full_closure(dialect, "person"));
        }
        _ => {}
    }
    steps
}

fn move_in_unit_closure() -> [Step; 2] {
    [
        step(
            "DELETE FROM unit_below WHERE lower IN (SELECT lower FROM unit_below WHERE upper = ?1) \
             AND upper IN (SELECT upper FROM unit_below WHERE lower = ?1 AND depth > 0)",
            &[UNIT],
        ),
        step(
            "INSERT INTO unit_below(upper, lower, depth) SELECT a.upper, b.lower, a.depth + b.depth + 1 \
             FROM unit_below a JOIN unit_below b ON b.upper = ?1 WHERE a.lower = ?2",
            &[UNIT, TO],
        ),
    ]
}

/// A project or person that is below a unit by several paths stays there when one of them is removed. SQLite tests each
/// row by itself; PostgreSQL is faster with all rows in one set.
fn move_in_full_closure(dialect: Dialect, kind: &str) -> [Step; 2] {
    let remains = match dialect {
        Dialect::Sqlite => format!(
            "EXISTS (SELECT 1 FROM {kind}_unit u CROSS JOIN unit_below b ON b.lower = u.unit \
             AND b.upper = {kind}_below.unit WHERE u.{kind} = {kind}_below.{kind})"
        ),
        Dialect::Postgres => format!(
            "(unit, {kind}) IN (SELECT b.upper, u.{kind} FROM {kind}_below p JOIN {kind}_unit u \
             ON u.{kind} = p.{kind} JOIN unit_below b ON b.lower = u.unit WHERE p.unit = ?1)"
        ),
    };
    let delete = format!(
        "DELETE FROM {kind}_below WHERE unit IN (SELECT upper FROM unit_below WHERE lower = ?2 EXCEPT \
         SELECT upper FROM unit_below WHERE lower = ?3) \
         AND {kind} IN (SELECT {kind} FROM {kind}_below WHERE unit = ?1) AND NOT {remains}"
    );
    let insert = format!(
        "INSERT INTO {kind}_below(unit, {kind}) SELECT a.upper, p.{kind} FROM (SELECT upper FROM unit_below \
         WHERE lower = ?3 EXCEPT SELECT upper FROM unit_below WHERE lower = ?2) a \
         JOIN {kind}_below p ON p.unit = ?1 WHERE true ON CONFLICT DO NOTHING"
    );
    [Step { sql: delete, takes: &[UNIT, FROM, TO] }, Step { sql: insert, takes: &[UNIT, FROM, TO] }]
}
