//! A memory limit for one process through a control group (cgroup), if this user may create one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A control group, removed on drop once its process has ended.
pub(crate) struct Limit(PathBuf);

impl Limit {
    /// Creates a group (cgroup v1 or v2) that is limited to these bytes.
    pub(crate) fn of(bytes: usize) -> Option<Self> {
        let versions = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        versions.into_iter().find_map(|(root, file)| {
            let group = Self(Path::new(root).join(format!("clade-test-{}", std::process::id())));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(file), bytes.to_string()).ok()?;
            Some(group)
        })
    }

    /// A command that joins the group and then replaces itself by the program.
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
