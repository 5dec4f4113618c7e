//! Temporary files that a killed process left beside a store.

use std::fs::File;

use clade::Directory;

use crate::support::Folder;

#[test]
fn leftovers_are_removed_when_a_store_is_opened_unless_a_process_uses_the_folder() {
    let folder = Folder::new();
    let names = || {
        let mut names = folder.names();
        names.sort();
        names
    };
    for name in [".clade-a1.part", ".clade-b2.part", ".clade-c3", "clade.part"] {
        folder.write(name, "x");
    }
    let in_use = File::open(folder.path(".")).unwrap();
    in_use.lock_shared().unwrap();
    drop(Directory::open(folder.path("corp.redb")).unwrap());
    assert_eq!(names(), [".clade-a1.part", ".clade-b2.part", ".clade-c3", "clade.part", "corp.redb"]);
    in_use.unlock().unwrap();
    drop(Directory::open(folder.path("corp.redb")).unwrap());
    assert_eq!(names(), [".clade-c3", "clade.part", "corp.redb"]);
}
