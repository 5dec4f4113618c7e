//! The read queries in SQL, in the fastest known form for each way of storing the hierarchy (recursive CTE, closure
//! tables, `ltree`).
//!
//! Written once in SQLite's dialect; [`Dialect::of`] translates to PostgreSQL's. `?1` is the first value of
//! [`Dialect::targets`]. `CROSS JOIN` fixes the join order for SQLite, whose planner often picks a worse one.

use crate::peer::Form;
use crate::questions::{Asks, Of, PAGE};

/// The SQL dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u32),
    Text(String),
}

/// How the rows of a result are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Nothing,
    Projects,
    Units,
    PerUnit,
    Placed,
    Page,
    Totals,
    Count,
    Holds,
    Record,
}

impl Dialect {
    /// Translates a statement from SQLite's dialect to this one.
    pub(crate) fn of(self, sql: &str) -> String {
        match self {
            Self::Sqlite => sql.to_owned(),
            Self::Postgres => {
                let replaced =
                    [("?", "$"), (" LIKE ", " ILIKE "), ("WITHOUT ROWID", ""), ("CROSS JOIN", "JOIN")];
                replaced.iter().fold(sql.to_owned(), |sql, (from, to)| sql.replace(from, to))
            }
        }
    }

    /// The forms that can run `asks`.
    pub(crate) fn forms(self, asks: &Asks) -> Vec<Form> {
        let sqlite = self == Self::Sqlite;
        let ways = |mut ways: Vec<Form>| {
            if !sqlite {
                ways.push(Form::Ltree);
            }
            ways
        };
        match asks {
            Asks::Nothing | Asks::Project { .. } | Asks::Repository { .. } => vec![Form::Plain],
            // Both closures contain the units, so the full closure would give the same query.
            Asks::Ancestors { .. } => ways(vec![Form::Recursive, Form::UnitClosure]),
            Asks::NameContains { .. } if sqlite => vec![Form::Scan, Form::Trigrams],
            Asks::NameContains { .. } => vec![Form::Trigrams],
            Asks::OnPlatform { .. } | Asks::PerChild { of: Of::Named(_), .. } if sqlite => {
                vec![Form::Recursive, Form::UnitClosure, Form::FullClosure, Form::FullClosureTrigrams]
            }
            _ => ways(vec![Form::Recursive, Form::UnitClosure, Form::FullClosure]),
        }
    }

    /// The statement for `asks` in a form, and how its rows are decoded. `None` if `asks` is a write.
    pub(crate) fn question(self, asks: &Asks, form: Form) -> Option<(String, Shape)> {
        let (sql, shape) = match asks {
            Asks::Nothing => ("SELECT 1".to_owned(), Shape::Nothing),
            Asks::Projects { .. } => (below("project", form), Shape::Projects),
            Asks::Totals { .. } => (totals(form), Shape::Totals),
            Asks::PerChild { of, .. } => (per_child(self, form, of), Shape::PerUnit),
            Asks::Ancestors { .. } => (ancestors(form), Shape::Units),
            Asks::Contains { .. } => {
                let inside = inside(form, "?2");
                (format!("SELECT {inside}"), Shape::Holds)
            }
            Asks::Project { .. } => {
                let sql = "SELECT name, owner, external_id FROM project WHERE project_id = ?1";
                (sql.to_owned(), Shape::Record)
            }
            Asks::Repository { .. } => {
                let sql = "SELECT r.project, u.unit FROM repository r \
                           JOIN project_unit u ON u.project = r.project WHERE r.url = ?1";
                (sql.to_owned(), Shape::Placed)
            }
            Asks::OfMember { .. } => (of_member(form), Shape::Page),
            Asks::OnPlatform { .. } => (on_platform(form), Shape::Page),
            Asks::NameContains { .. } => (name_contains(self, form).to_owned(), Shape::Count),
            Asks::Move { .. } | Asks::Insert { .. } => return None,
        };
        Some((self.of(&sql), shape))
    }

    /// The parameters for each target of `asks` in turn.
    pub(crate) fn targets(self, asks: &Asks, form: Form) -> Vec<Vec<Value>> {
        let text = |text: &str| Value::Text(text.to_owned());
        let word = |word: &str| match (self, form) {
            (Self::Sqlite, Form::Trigrams | Form::FullClosureTrigrams) => Value::Text(format!("\"{word}\"")),
            _ => Value::Text(format!("%{word}%")),
        };
        match asks {
            Asks::Nothing | Asks::Move { .. } | Asks::Insert { .. } => vec![Vec::new()],
            Asks::PerChild { unit, of: Of::Named(named) } => vec![vec![Value::Number(*unit), word(named)]],
            Asks::Projects { unit } | Asks::Totals { unit } | Asks::PerChild { unit, .. } => {
                vec![vec![Value::Number(*unit)]]
            }
            Asks::Ancestors { units } => units.iter().map(|unit| vec![Value::Number(*unit)]).collect(),
            Asks::Contains { pairs } => pairs
                .iter()
                .map(|(unit, project)| vec![Value::Number(*unit), Value::Number(*project)])
                .collect(),
            Asks::Project { ids } => ids.iter().map(|id| vec![text(id)]).collect(),
            Asks::Repository { urls } => urls.iter().map(|url| vec![text(url)]).collect(),
            Asks::OfMember { unit, members } => members
                .iter()
                .map(|(email, named)| vec![Value::Number(*unit), text(email), word(named)])
                .collect(),
            Asks::OnPlatform { unit, platform, word: named } => {
                vec![vec![Value::Number(*unit), text(platform), word(named)]]
            }
            Asks::NameContains { text } => vec![vec![word(text)]],
        }
    }
}

/// `sub(unit)`: the unit `?1` and every unit below it.
fn subtree(form: Form) -> &'static str {
    match form {
        Form::Recursive => {
            "WITH RECURSIVE sub(unit) AS (SELECT CAST(?1 AS INTEGER) UNION \
             SELECT e.child FROM sub JOIN unit_parent e ON e.parent = sub.unit) "
        }
        Form::Ltree => {
            "WITH sub(unit) AS (SELECT unit FROM unit_path \
             WHERE path <@ (SELECT path FROM unit_path WHERE unit = ?1)) "
        }
        _ => "WITH sub(unit) AS (SELECT lower FROM unit_below WHERE upper = ?1) ",
    }
}

/// `sub(child, unit)`: each child of the unit `?1` with itself and every unit below it.
fn subtrees(form: Form) -> &'static str {
    match form {
        Form::Recursive => {
            "WITH RECURSIVE sub(child, unit) AS (SELECT child, child FROM unit_parent WHERE parent = ?1 UNION \
             SELECT sub.child, e.child FROM sub JOIN unit_parent e ON e.parent = sub.unit) "
        }
        Form::Ltree => {
            "WITH sub(child, unit) AS (SELECT e.child, x.unit FROM unit_parent e \
             JOIN unit_path c ON c.unit = e.child JOIN unit_path x ON x.path <@ c.path WHERE e.parent = ?1) "
        }
        _ => {
            "WITH sub(child, unit) AS (SELECT e.child, b.lower FROM unit_parent e \
             JOIN unit_below b ON b.upper = e.child WHERE e.parent = ?1) "
        }
    }
}

fn is_full(form: Form) -> bool {
    matches!(form, Form::FullClosure | Form::FullClosureTrigrams)
}

/// The projects or people below the unit `?1`.
fn below(kind: &str, form: Form) -> String {
    if is_full(form) {
        return format!("SELECT {kind} FROM {kind}_below WHERE unit = ?1");
    }
    let subtree = subtree(form);
    format!("{subtree}SELECT DISTINCT p.{kind} FROM sub CROSS JOIN {kind}_unit p ON p.unit = sub.unit")
}

fn totals(form: Form) -> String {
    let count = |kind| format!("(SELECT count(*) FROM ({}) AS found_below)", below(kind, form));
    format!("SELECT {}, {}", count("project"), count("person"))
}

fn per_child(dialect: Dialect, form: Form, of: &Of) -> String {
    let among = match (dialect, of, form) {
        (_, Of::All, _) => "",
        (Dialect::Sqlite, Of::Selection, _) => "CROSS JOIN selection s ON s.project = p.project",
        // The unary plus stops SQLite from looking up each match in the closure by index.
        (Dialect::Sqlite, Of::Named(_), Form::FullClosureTrigrams) => {
            "AND +p.project IN (SELECT rowid FROM project_name WHERE project_name MATCH ?2)"
        }
        (Dialect::Sqlite, Of::Named(_), _) => "CROSS JOIN project n ON n.id = p.project AND n.name LIKE ?2",
        // `OFFSET 0` is an optimization fence: PostgreSQL estimates a business as an average unit, and would look up
        // each project by index.
        (Dialect::Postgres, Of::Selection, _) => {
            "JOIN (SELECT project FROM selection OFFSET 0) s ON s.project = p.project"
        }
        (Dialect::Postgres, Of::Named(_), _) => {
            "JOIN (SELECT id FROM project WHERE name LIKE ?2 OFFSET 0) n ON n.id = p.project"
        }
    };
    if is_full(form) {
        return format!(
            "SELECT e.child, count(*) FROM unit_parent e CROSS JOIN project_below p ON p.unit = e.child {among} \
             WHERE e.parent = ?1 GROUP BY e.child"
        );
    }
    let subtrees = subtrees(form);
    format!(
        "{subtrees}SELECT child, count(*) FROM (SELECT DISTINCT sub.child, p.project FROM sub \
         CROSS JOIN project_unit p ON p.unit = sub.unit {among}) AS found_below GROUP BY child"
    )
}

/// An `ltree` path contains the numbers of all ancestors, so it needs no lookup of them.
fn ancestors(form: Form) -> String {
    match form {
        Form::Recursive => {
            "WITH RECURSIVE up(unit, depth) AS (SELECT parent, 1 FROM unit_parent WHERE child = ?1 UNION \
             SELECT e.parent, up.depth + 1 FROM up JOIN unit_parent e ON e.child = up.unit) \
             SELECT unit FROM up GROUP BY unit ORDER BY max(depth) DESC"
        }
        Form::Ltree => {
            "SELECT unnest(CAST(string_to_array(ltree2text(subpath(path, 0, -1)), '.') AS INTEGER[])) \
             FROM unit_path WHERE unit = ?1"
        }
        _ => "SELECT upper FROM unit_below WHERE lower = ?1 AND depth > 0 ORDER BY depth DESC",
    }
    .to_owned()
}

/// Whether the project `project` is below the unit `?1`.
fn inside(form: Form, project: &str) -> String {
    match form {
        Form::Recursive => format!(
            "EXISTS (WITH RECURSIVE up(unit) AS (SELECT u.unit FROM project_unit u WHERE u.project = {project} UNION \
             SELECT e.parent FROM up JOIN unit_parent e ON e.child = up.unit) SELECT 1 FROM up WHERE up.unit = ?1)"
        ),
        Form::Ltree => format!(
            "EXISTS (SELECT 1 FROM project_unit u JOIN unit_path x ON x.unit = u.unit WHERE u.project = {project} \
             AND x.path <@ (SELECT path FROM unit_path WHERE unit = ?1))"
        ),
        Form::UnitClosure => format!(
            "EXISTS (SELECT 1 FROM project_unit u CROSS JOIN unit_below b ON b.lower = u.unit AND b.upper = ?1 \
             WHERE u.project = {project})"
        ),
        _ => format!("EXISTS (SELECT 1 FROM project_below b WHERE b.unit = ?1 AND b.project = {project})"),
    }
}

/// A person has few projects: each is tested by itself.
fn of_member(form: Form) -> String {
    let inside = inside(form, "p.id");
    format!(
        "SELECT p.id, count(*) OVER () FROM person x JOIN membership m ON m.person = x.id \
         JOIN project p ON p.id = m.project WHERE x.email = ?2 AND p.name LIKE ?3 AND {inside} \
         ORDER BY p.id LIMIT {PAGE}"
    )
}

/// A platform has many projects: the recursive form computes the projects below the unit once, instead of walking up
/// from each.
fn on_platform(form: Form) -> String {
    let inside = match form {
        Form::Recursive => format!("p.id IN ({})", below("project", form)),
        _ => inside(form, "p.id"),
    };
    let named = match form {
        Form::FullClosureTrigrams => {
            "(SELECT rowid AS id FROM project_name WHERE project_name MATCH ?3) p WHERE"
        }
        _ => "project p WHERE p.name LIKE ?3 AND",
    };
    format!(
        "WITH found AS MATERIALIZED (SELECT p.id FROM {named} {inside} \
         AND EXISTS (SELECT 1 FROM repository r WHERE r.project = p.id AND r.platform = ?2)) \
         SELECT id, (SELECT count(*) FROM found) FROM found ORDER BY id LIMIT {PAGE}"
    )
}

fn name_contains(dialect: Dialect, form: Form) -> &'static str {
    match (dialect, form) {
        (Dialect::Sqlite, Form::Trigrams) => "SELECT count(*) FROM project_name WHERE project_name MATCH ?1",
        _ => "SELECT count(*) FROM project WHERE name LIKE ?1",
    }
}
