//! A limit on the memory of one process, by a control group of either version, where this user may make one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How often the group is tried to be removed.
const REMOVALS: usize = 20;

/// Where groups are, the files that limit one and its swap, and the file that says how much it had at most.
const VERSIONS: [[&str; 4]; 2] = [
    [
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.max_usage_in_bytes",
    ],
    ["/sys/fs/cgroup", "memory.max", "memory.swap.max", "memory.peak"],
];

/// The group; gone with this, once its process has ended.
pub(crate) struct Limit {
    group: PathBuf,
    peak: &'static str,
}

impl Limit {
    /// A group of at most so many bytes.
    pub(crate) fn of(bytes: usize) -> Option<Self> {
        VERSIONS.into_iter().find_map(|[root, limit, swap, peak]| {
            let group =
                Self { group: Path::new(root).join(format!("clade-bench-{}", std::process::id())), peak };
            fs::create_dir(&group.group).ok()?;
            let file = group.group.join(limit);
            // A plain folder has none of these files, and writing would make one.
            let is_limited = file.exists() && fs::write(&file, bytes.to_string()).is_ok();
            let swap = group.group.join(swap);
            if swap.exists() {
                // Swap and memory together in the first version, swap alone in the second.
                let most = if limit == "memory.max" { 0 } else { bytes };
                let _without_accounting_of_swap = fs::write(swap, most.to_string());
            }
            is_limited.then_some(group)
        })
    }

    /// A command that joins the group and becomes the program.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let join = format!("echo $$ > '{}/cgroup.procs' && exec \"$@\"", self.group.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &join, "sh"]).arg(program);
        shell
    }

    /// What the group had at most, pages of files included.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        fs::read_to_string(self.group.join(self.peak)).ok()?.trim().parse().ok()
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // The system may take a moment to see that the group's process is gone.
        for _ in 0..REMOVALS {
            if fs::remove_dir(&self.group).is_ok() || !self.group.exists() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}
