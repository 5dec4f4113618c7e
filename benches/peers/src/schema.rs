//! The tables and indexes of SQLite and PostgreSQL: one organization, stored in every form at once.
//!
//! No foreign keys: the data is consistent, and checking them would only slow down the peers' writes.

use crate::sql::Dialect;

/// The tables that records are loaded into, with the columns in the order of loading.
pub(crate) const TABLES: &str = "
    CREATE TABLE unit(id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL);
    CREATE TABLE person(id INTEGER PRIMARY KEY, email TEXT NOT NULL, first_name TEXT, last_name TEXT,
        display_name TEXT, external_id TEXT);
    CREATE TABLE project(id INTEGER PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, owner TEXT,
        external_id TEXT);
    CREATE TABLE repository(id INTEGER PRIMARY KEY, project INTEGER NOT NULL, name TEXT NOT NULL, platform TEXT,
        url TEXT);
    CREATE TABLE service(id INTEGER PRIMARY KEY, project INTEGER NOT NULL, name TEXT NOT NULL, identifier TEXT);
    CREATE TABLE unit_parent(parent INTEGER NOT NULL, child INTEGER NOT NULL,
        PRIMARY KEY (parent, child)) WITHOUT ROWID;
    CREATE TABLE project_unit(unit INTEGER NOT NULL, project INTEGER NOT NULL,
        PRIMARY KEY (unit, project)) WITHOUT ROWID;
    CREATE TABLE person_unit(unit INTEGER NOT NULL, person INTEGER NOT NULL,
        PRIMARY KEY (unit, person)) WITHOUT ROWID;
    CREATE TABLE membership(project INTEGER NOT NULL, person INTEGER NOT NULL,
        PRIMARY KEY (project, person)) WITHOUT ROWID;
    CREATE TABLE selection(project INTEGER PRIMARY KEY);
";

/// Indexes, created after loading.
pub(crate) const INDEXES: &str = "
    CREATE UNIQUE INDEX unit_key ON unit(key);
    CREATE UNIQUE INDEX person_email ON person(email);
    CREATE UNIQUE INDEX project_project_id ON project(project_id);
    CREATE INDEX repository_url ON repository(url);
    CREATE INDEX repository_project ON repository(project, platform);
    CREATE INDEX service_project ON service(project);
    CREATE INDEX unit_parent_child ON unit_parent(child, parent);
    CREATE INDEX project_unit_project ON project_unit(project, unit);
    CREATE INDEX person_unit_person ON person_unit(person, unit);
    CREATE INDEX membership_person ON membership(person, project);
";

/// The closure tables: of units, and down to every project and person.
const CLOSURES: &str = "
    CREATE TABLE unit_below(upper INTEGER NOT NULL, lower INTEGER NOT NULL, depth INTEGER NOT NULL,
        PRIMARY KEY (upper, lower)) WITHOUT ROWID;
    INSERT INTO unit_below(upper, lower, depth)
        WITH RECURSIVE walk(upper, lower, depth) AS (SELECT id, id, 0 FROM unit UNION
            SELECT walk.upper, e.child, walk.depth + 1 FROM walk JOIN unit_parent e ON e.parent = walk.lower)
        SELECT upper, lower, min(depth) FROM walk GROUP BY upper, lower ORDER BY upper, lower;
    CREATE INDEX unit_below_lower ON unit_below(lower, depth, upper);
    CREATE TABLE project_below(unit INTEGER NOT NULL, project INTEGER NOT NULL,
        PRIMARY KEY (unit, project)) WITHOUT ROWID;
    INSERT INTO project_below(unit, project) SELECT DISTINCT b.upper, p.project
        FROM unit_below b JOIN project_unit p ON p.unit = b.lower ORDER BY b.upper, p.project;
    CREATE TABLE person_below(unit INTEGER NOT NULL, person INTEGER NOT NULL,
        PRIMARY KEY (unit, person)) WITHOUT ROWID;
    INSERT INTO person_below(unit, person) SELECT DISTINCT b.upper, p.person
        FROM unit_below b JOIN person_unit p ON p.unit = b.lower ORDER BY b.upper, p.person;
";

/// The trigram index of names (FTS5). It is an external content table: names are stored in `project` only.
const SQLITE_ONLY: &str = "
    CREATE VIRTUAL TABLE project_name USING fts5(name, content = 'project', content_rowid = 'id',
        tokenize = 'trigram', columnsize = 0);
    INSERT INTO project_name(project_name) VALUES ('rebuild');
    INSERT INTO project_name(project_name) VALUES ('optimize');
    ANALYZE;
";

/// The `ltree` paths of units, and the trigram index of names (`pg_trgm`).
const POSTGRES_ONLY: &str = "
    CREATE TABLE unit_path(unit INTEGER PRIMARY KEY, path LTREE NOT NULL);
    INSERT INTO unit_path(unit, path)
        WITH RECURSIVE walk(unit, path) AS (
            SELECT id, CAST(CAST(id AS TEXT) AS LTREE) FROM unit
                WHERE NOT EXISTS (SELECT 1 FROM unit_parent WHERE child = id) UNION ALL
            SELECT e.child, walk.path || CAST(e.child AS TEXT)
                FROM walk JOIN unit_parent e ON e.parent = walk.unit)
        SELECT unit, path FROM walk ORDER BY path;
    CREATE INDEX unit_path_path ON unit_path USING gist(path);
    CREATE INDEX project_name ON project USING gin(name gin_trgm_ops);
";

/// The statements that create what is derived from the loaded tables.
pub(crate) fn derived(dialect: Dialect) -> String {
    let own = match dialect {
        Dialect::Sqlite => SQLITE_ONLY,
        Dialect::Postgres => POSTGRES_ONLY,
    };
    dialect.of(&format!("{CLOSURES}{own}"))
}
