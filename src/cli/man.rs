//! `clade man`: the manual pages.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Args, Command};

use crate::cli::{Failure, Result};

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command whose page is printed, such as `token create` [default: clade itself]
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
    /// Write the pages of all commands to a folder, such as /usr/local/share/man/man1
    #[arg(long, value_name = "FOLDER", conflicts_with = "words")]
    output_dir: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self, clade: Command) -> Result {
        if let Some(folder) = self.output_dir {
            let failed =
                |why: io::Error| Failure::refused(format!("{} cannot be written: {why}", folder.display()));
            fs::create_dir_all(&folder).map_err(failed)?;
            return clap_mangen::generate_to(clade, &folder).map_err(failed);
        }
        let (mut page, mut full_name) = (clade, "clade".to_owned());
        for word in &self.words {
            let found = page.find_subcommand(word).cloned();
            page = found.ok_or_else(|| {
                let names: Vec<_> = page.get_subcommands().map(Command::get_name).collect();
                let there = if names.is_empty() { "no others".to_owned() } else { names.join(", ") };
                Failure::Usage(format!("{full_name} has no command {word:?}; there are: {there}"))
            })?;
            full_name = format!("{full_name} {word}");
        }
        Ok(clap_mangen::Man::new(page.bin_name(full_name)).render(&mut io::stdout())?)
    }
}

/// The command without its `help` commands, which need no pages.
pub(super) fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}
