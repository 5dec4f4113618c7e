//! Embed Clade in a program: open a store in a file, create units, people and projects, and query the hierarchy.
//!
//! `cargo run --example embed`

use clade::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, Directory, Error};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("corp.redb");

    let directory = Directory::open(&path)?;
    // One change set is atomic: if one command is refused, none is applied.
    directory.apply([
        CreateOrgUnit::new("Corp", "organization"),
        CreateOrgUnit::new("Retail", "business").under("Corp"),
        CreateOrgUnit::new("Web", "business").under("Corp"),
        CreateOrgUnit::new("Checkout", "team").under("Retail").under("Web"),
    ])?;
    directory
        .apply(CreatePerson::new("ada@corp.example").display_name("Ada").under("Corp/Retail/Checkout"))?;
    directory.apply(
        CreateProject::new("cart", "Shopping Cart")
            .repository("https://github.com/corp/cart.git")
            .under("Corp/Web/Checkout"),
    )?;
    directory.apply(CreateMapping::member("cart", "ada@corp.example"))?;

    // The team has two parents, but totals count each record once.
    let view = directory.view();
    let corp = view.org_unit("Corp")?;
    println!("{}: {:?}", corp.name, corp.totals());
    for project in corp.projects() {
        println!("  {} ({})", project.name, project.project_id);
    }
    let checkout = view.org_unit("Checkout")?;
    let above: Vec<_> = checkout.ancestors().map(|unit| unit.name.to_string()).collect();
    println!("above {}: {}", checkout.name, above.join(", "));

    // A refused command is an error value with a stable code.
    match directory.apply(CreateMapping::parent_child("Checkout", "Corp")) {
        Err(refusal @ Error::WouldCycle { .. }) => println!("refused as {}: {refusal}", refusal.code()),
        other => panic!("a cycle was not refused: {other:?}"),
    }

    // Everything is persistent: opening the file again finds it.
    drop(directory);
    let again = Directory::open_existing(&path)?;
    assert_eq!(again.view().org_unit("Corp")?.totals(), corp.totals());
    Ok(())
}
