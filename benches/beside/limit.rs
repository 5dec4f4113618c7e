//! A memory limit for one process through a control group (cgroup v1 or v2), if this user may create one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Maximum attempts to remove the group.
const REMOVALS: usize = 20;

/// For cgroup v1 and v2: the folder of groups, the files with the limits of memory and swap, and the file with the
/// peak.
const VERSIONS: [[&str; 4]; 2] = [
    [
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.max_usage_in_bytes",
    ],
    ["/sys/fs/cgroup", "memory.max", "memory.swap.max", "memory.peak"],
];

/// A control group, removed on drop once its process has ended.
pub(crate) struct Limit {
    group: PathBuf,
    peak: &'static str,
}

impl Limit {
    /// Creates a group that is limited to `bytes`. `None` if this user cannot create one.
    pub(crate) fn of(bytes: usize) -> Option<Self> {
        VERSIONS.into_iter().find_map(|[root, limit, swap, peak]| {
            let group =
                Self { group: Path::new(root).join(format!("clade-bench-{}", std::process::id())), peak };
            fs::create_dir(&group.group).ok()?;
            let file = group.group.join(limit);
            // In a folder that is not a cgroup file system these files are missing, and a write would create them.
            let is_limited = file.exists() && fs::write(&file, bytes.to_string()).is_ok();
            let swap = group.group.join(swap);
            if swap.exists() {
                // The limit is on memory plus swap in cgroup v1, on swap alone in v2.
                let most = if limit == "memory.max" { 0 } else { bytes };
                let _without_accounting_of_swap = fs::write(swap, most.to_string());
            }
            is_limited.then_some(group)
        })
    }

    /// A command that joins the group and then replaces itself by the program.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let join = format!("echo $$ > '{}/cgroup.procs' && exec \"$@\"", self.group.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &join, "sh"]).arg(program);
        shell
    }

    /// The peak memory of the group in bytes, page cache included.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        fs::read_to_string(self.group.join(self.peak)).ok()?.trim().parse().ok()
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // The kernel may need a moment to notice that the group's process has ended.
        for _ in 0..REMOVALS {
            if fs::remove_dir(&self.group).is_ok() || !self.group.exists() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}
