//! `clade man`: the manual pages.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command};

use crate::cli::{Failure, Result};

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command whose page is printed [default: clade itself]
    command: Option<String>,
    /// Write the pages of all commands to a folder, such as /usr/local/share/man/man1
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    output_dir: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self, clade: Command) -> Result {
        if let Some(folder) = self.output_dir {
            return Ok(clap_mangen::generate_to(clade, folder)?);
        }
        let page = match &self.command {
            None => clade,
            Some(name) => {
                let found = clade.find_subcommand(name).cloned();
                let found = found.ok_or_else(|| {
                    let names: Vec<_> = clade.get_subcommands().map(Command::get_name).collect();
                    Failure::Usage(format!("there is no command {name:?}; there are: {}", names.join(", ")))
                })?;
                let full_name = format!("clade {name}");
                found.bin_name(full_name)
            }
        };
        Ok(clap_mangen::Man::new(page).render(&mut io::stdout())?)
    }
}
