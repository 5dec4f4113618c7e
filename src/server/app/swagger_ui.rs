//! The files of Swagger UI, read from its release archive, which a crate of its own holds.
//!
//! Invariant: a name that is not a file of its distribution is looked up in memory alone.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// The page loads this script last. The one of the release opens a sample document of another host.
const INITIALIZER: &str = include_str!("pages/swagger-initializer.js");

type Archive = ZipArchive<Cursor<&'static [u8]>>;

/// The archive, and the index in it of each file of the folder `dist`.
static RELEASE: LazyLock<(Archive, HashMap<String, usize>)> = LazyLock::new(|| {
    let archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)).expect("the crate holds a ZIP archive");
    let indexes = archive.file_names().enumerate().filter_map(|(index, path)| {
        let path = path.ok()?;
        // The topmost folder has the version in its name.
        let file = path.split_once('/')?.1.strip_prefix("dist/")?;
        Some((file.to_owned(), index))
    });
    let indexes = indexes.collect();
    (archive, indexes)
});

/// The media type and content of a file; `None` if there is none with this name.
pub(super) fn file(name: &str) -> Option<(&'static str, Vec<u8>)> {
    let media_type = match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "png" => "image/png",
        _ => return None,
    };
    if name == "swagger-initializer.js" {
        return Some((media_type, INITIALIZER.into()));
    }
    let (archive, indexes) = &*RELEASE;
    let mut content = Vec::new();
    // Cloned, because reading moves the position in the archive; a clone shares the list of its files.
    archive.clone().by_index(*indexes.get(name)?).ok()?.read_to_end(&mut content).ok()?;
    Some((media_type, content))
}
