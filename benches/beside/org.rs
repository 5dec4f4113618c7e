//! The organisations that are asked about: made and imported once, and kept with their tokens for the next run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::program::command;
use crate::settings::Settings;

/// Units directly beneath the root of a flat organisation.
const CHILDREN: usize = 300;
/// The roles of a store's tokens, in the order in which they are kept.
const ROLES: [&str; 7] = ["admin", "read", "read", "write", "write", "write", "write"];

/// A store that no server has changed, with its tokens.
pub(crate) struct Store {
    pub(crate) path: PathBuf,
    pub(crate) admin: String,
    pub(crate) readers: [String; 2],
    pub(crate) writers: [String; 4],
}

/// Five levels, people and projects, as `clade demo-data` makes them.
pub(crate) fn made_up(settings: &Settings) -> Store {
    let entities = settings.entities.to_string();
    store(settings, &format!("entities-{entities}"), |lines| {
        let output = lines.to_string_lossy();
        command(&settings.binary, &["demo-data", "--entities", &entities, "--output", &output]);
    })
}

/// One root with 300 units beneath it, and so many people in those.
pub(crate) fn flat(settings: &Settings, people: usize) -> Store {
    store(settings, &format!("flat-{people}"), |lines| fs::write(lines, flat_lines(people)).unwrap())
}

fn flat_lines(people: usize) -> String {
    let mut lines =
        "{\"kind\":\"orgUnit\",\"key\":\"root\",\"name\":\"Root\",\"type\":\"organization\"}\n".to_owned();
    for unit in 0..CHILDREN {
        writeln!(
            lines,
            "{{\"kind\":\"orgUnit\",\"key\":\"u{unit}\",\"name\":\"Unit {unit}\",\"type\":\"business\",\"parents\":[\"root\"]}}"
        )
        .unwrap();
    }
    for person in 0..people {
        let email = format!("person{person}@corp.example");
        let unit = person % CHILDREN;
        writeln!(
            lines,
            "{{\"kind\":\"person\",\"email\":\"{email}\",\"displayName\":\"Person {person}\"}}\n\
             {{\"kind\":\"mapping\",\"mappingType\":\"people-org\",\"attribute1\":\"{email}\",\"attribute2\":\"u{unit}\"}}"
        )
        .unwrap();
    }
    lines
}

/// The store of this name, imported anew where another program made it.
fn store(settings: &Settings, name: &str, write_lines: impl FnOnce(&Path)) -> Store {
    fs::create_dir_all(&settings.data).unwrap();
    let file = |ending: &str| settings.data.join(format!("{name}.{ending}"));
    let (lines, path, about) = (file("ndjson"), file("redb"), file("tokens"));
    let maker = fingerprint(&settings.binary);
    if let Some(store) = kept(&path, &about, &maker) {
        return store;
    }
    if !lines.exists() {
        write_lines(&lines);
    }
    let _of_another_program = fs::remove_file(&path);
    let data = path.to_string_lossy();
    command(&settings.binary, &["import", "--data", &data, &lines.to_string_lossy()]);
    let mut kept_text = maker.clone();
    for role in ROLES {
        kept_text += "\n";
        kept_text += &token(&settings.binary, &data, role);
    }
    fs::write(&about, kept_text).unwrap();
    kept(&path, &about, &maker).unwrap()
}

/// What an earlier run of the same program left.
fn kept(path: &Path, about: &Path, maker: &str) -> Option<Store> {
    let about = fs::read_to_string(about).ok().filter(|_| path.exists())?;
    let mut lines = about.lines().map(str::to_owned);
    (lines.next()? == maker).then_some(())?;
    let mut token = || lines.next();
    let admin = token()?;
    let readers = [token()?, token()?];
    let writers = [token()?, token()?, token()?, token()?];
    Some(Store { path: path.to_owned(), admin, readers, writers })
}

/// Tells one build of the program from another; and the roles, so that tokens of an older bench are made anew.
fn fingerprint(binary: &Path) -> String {
    let about = fs::metadata(binary).unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let changed = about.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    format!("{} {} {} {}", binary.display(), about.len(), changed.as_nanos(), ROLES.join(","))
}

/// A new token with this role.
fn token(binary: &Path, data: &str, role: &str) -> String {
    let printed = command(binary, &["token", "create", "--data", data, "--role", role, "--json"]);
    let begins = printed.find("clade_").unwrap_or_else(|| panic!("no token in {printed}"));
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || c == '_';
    printed[begins..].split(|c| !is_of_token(c)).next().unwrap_or_default().to_owned()
}
