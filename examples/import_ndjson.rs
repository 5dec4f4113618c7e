//! Import NDJSON atomically: all lines or none, with an error for each invalid line.
//!
//! `cargo run --example import_ndjson`

use clade::exchange::{command_of_line, in_order};
use clade::model::command::IfExists;
use clade::{Directory, Error};

/// In any order: a line may refer to a record that a later line creates.
const RECORDS: &str = r#"
{"kind":"mapping","mappingType":"project-people","attribute1":"cart","attribute2":"ada@corp.example"}
{"kind":"person","email":"ada@corp.example","displayName":"Ada","organization":"Corp","team":"Checkout"}
{"kind":"project","projectId":"cart","projectName":"Shopping Cart","organization":"Corp","team":"Checkout"}
"#;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = Directory::in_memory()?;
    import(&directory, RECORDS)?;
    println!("{:?}", directory.view().org_unit("Corp")?.totals());

    let invalid = r#"{"kind":"person","email":"bob@corp.example"}
{"kind":"person","email":"bob"}
{"kind":"mapping","mappingType":"people-org","attribute1":"bob@corp.example","attribute2":"Korp"}"#;
    let refusal = import(&directory, invalid).expect_err("two of its lines are invalid");
    println!("{refusal}");
    assert_eq!(directory.view().org_unit("Corp")?.totals().people, 1, "nothing was changed");
    Ok(())
}

fn import(directory: &Directory, records: &str) -> Result<(), String> {
    let mut commands = Vec::new();
    let mut wrong = Vec::new();
    for (line, record) in (1..).zip(records.lines()).filter(|(_, record)| !record.is_empty()) {
        match command_of_line(record.as_bytes(), IfExists::Merge) {
            Ok(command) => commands.push((line, command)),
            Err(why) => wrong.push(format!("line {line}: {why}")),
        }
    }
    let ordered = in_order(commands).map_err(|cycle| {
        cycle.iter().map(|(line, why)| format!("line {line}: {why}")).collect::<Vec<_>>().join("\n")
    })?;
    let (lines, commands): (Vec<usize>, Vec<_>) = ordered.into_iter().unzip();
    // If some lines cannot be parsed, the others still run dry, so that all errors are reported at once.
    let outcome = if wrong.is_empty() { directory.apply(commands) } else { directory.dry_run(commands) };
    match outcome {
        Ok(_) if wrong.is_empty() => return Ok(()),
        Ok(_) => {}
        Err(Error::Refused { refused, .. }) => {
            wrong.extend(refused.iter().map(|(at, why)| format!("line {}: {why}", lines[*at])));
        }
        Err(other) => return Err(other.to_string()),
    }
    Err(wrong.join("\n"))
}
