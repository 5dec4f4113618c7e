//! What `--help` shows besides the arguments: examples of each command, and no flags that a command does not use.

use clap::Command;

/// Two examples of each command.
const EXAMPLES: &[(&str, [&str; 2])] = &[
    (
        "serve",
        [
            "clade serve --demo",
            "clade serve --data corp.redb --listen 0.0.0.0:7171 --tls-cert corp.pem --tls-key corp.key",
        ],
    ),
    (
        "import",
        [
            "clade import people.csv --kind person --mode upsert --dry-run",
            "clade import day.ndjson.gz --mode upsert --server https://clade.corp.example",
        ],
    ),
    ("export", ["clade export -o corp.ndjson", "clade export --history -o corp.history"]),
    ("tree", ["clade tree --depth 2", "clade tree Corp/Retail --server https://clade.corp.example"]),
    ("find", ["clade find checkout", "clade find ada --kind person"]),
    ("show", ["clade show Corp/Retail", "clade show git@github.com:aurora/gearbox.git"]),
    ("whoami", ["clade whoami --server https://clade.corp.example", "clade whoami --json"]),
    (
        "create",
        [
            "clade create unit Payments --type team --under Corp/Retail --dry-run",
            "clade create person ada@corp.example firstName=Ada --under Payments",
        ],
    ),
    (
        "update",
        [
            "clade update ada@corp.example 'displayName=Ada L' title=",
            "clade update Payments key=pay --dry-run",
        ],
    ),
    (
        "move",
        [
            "clade move Payments --to Retail --dry-run",
            "clade move ada@corp.example --to Payments --from Lending",
        ],
    ),
    ("rename", ["clade rename Payments 'Payments and Risk'", "clade rename project:shop 'Web shop'"]),
    ("end", ["clade end Payments --children lift --dry-run", "clade end person:ada@corp.example"]),
    (
        "query",
        [
            "clade query '{ roots { name totals { people } } }'",
            "clade query @report.graphql --variables '{\"unit\": \"Retail\"}'",
        ],
    ),
    (
        "token",
        [
            "clade token create --role write --description 'HR sync'",
            "clade token create --unit Retail --expires 2030-01-31",
        ],
    ),
    ("log", ["clade log --since 7d --unit Retail", "clade log --verbose --record ada@corp.example"]),
    ("health", ["clade health", "clade health --server https://clade.corp.example"]),
    ("check", ["clade check --data corp.redb", "clade check --server https://clade.corp.example"]),
    (
        "backup",
        [
            "clade backup corp-backup.redb --data corp.redb",
            "clade backup corp-backup.redb --server https://clade.corp.example",
        ],
    ),
    (
        "restore",
        [
            "clade restore corp-backup.redb --data corp.redb",
            "clade restore corp-backup.redb --data elsewhere.redb",
        ],
    ),
    ("schema", ["clade schema > schema.graphql", "clade schema --server https://clade.corp.example"]),
    ("openapi", ["clade openapi > openapi.json", "clade openapi --server https://clade.corp.example"]),
    (
        "demo-data",
        [
            "clade demo-data --entities 1000 -o made.ndjson",
            "clade demo-data --entities 100000 --seed 7 -o large.ndjson",
        ],
    ),
    ("config", ["clade config show", "clade config show --json"]),
    (
        "completions",
        [
            "clade completions bash > ~/.local/share/bash-completion/completions/clade",
            "clade completions fish > ~/.config/fish/completions/clade.fish",
        ],
    ),
    ("man", ["clade man import", "clade man --output-dir /usr/local/share/man/man1"]),
];

/// Flags of all commands that a command ignores or refuses.
const UNUSED: &[(&str, &[&str])] = &[
    ("serve", &["server", "json"]),
    ("health", &["data"]),
    ("schema", &["data", "json"]),
    ("openapi", &["data", "json"]),
    ("demo-data", &["config", "data", "server", "json"]),
    ("completions", &["config", "data", "server", "json"]),
    ("man", &["config", "data", "server", "json"]),
    ("restore", &["server"]),
];

/// The command with all of this.
pub(super) fn with_examples(mut command: Command) -> Command {
    for (name, [first, second]) in EXAMPLES {
        let text = format!("Examples:\n  {first}\n  {second}");
        command = command.mut_subcommand(name, |command| command.after_help(text));
    }
    // Flags of all commands are added to each by `build`.
    command.build();
    for (name, unused) in UNUSED {
        command = command.mut_subcommand(name, |command| {
            command.mut_args(|arg| if unused.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg })
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_examples_that_parse() {
        let names: Vec<_> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        let clade = Cli::command();
        for command in clade.get_subcommands() {
            assert!(names.contains(&command.get_name()), "{} has no examples", command.get_name());
        }
        for example in EXAMPLES.iter().flat_map(|(_, examples)| examples) {
            let line = example.split(" > ").next().unwrap_or_default();
            // Quoted arguments have blanks; one word does for the parser.
            let quoted: Vec<_> = line.split('\'').collect();
            let words = quoted.iter().enumerate().flat_map(|(nth, part)| match nth % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![(*part).to_owned()],
            });
            let parsed = with_examples(Cli::command()).try_get_matches_from(words);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}
