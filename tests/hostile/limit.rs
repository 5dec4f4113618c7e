//! A limit on the memory of one process, by a control group, where the system lets this user make one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The group; gone with this, once its process has ended.
pub(crate) struct Limit(PathBuf);

impl Limit {
    /// A group of at most so many bytes, of either version.
    pub(crate) fn of(bytes: usize) -> Option<Self> {
        let versions = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        versions.into_iter().find_map(|(root, file)| {
            let group = Self(Path::new(root).join(format!("clade-test-{}", std::process::id())));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(file), bytes.to_string()).ok()?;
            Some(group)
        })
    }

    /// A command that joins the group and becomes the program.
    pub(crate) fn command(&self, mut shell: Command, program: &Path) -> Command {
        let join = format!("echo $$ > '{}/cgroup.procs' && exec \"$@\"", self.0.display());
        shell.args(["-c", &join, "sh"]).arg(program);
        shell
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        let _unless_it_never_was = fs::remove_dir(&self.0);
    }
}
