//! How does a program follow every change, without missing one and without asking in a loop?
//!
//! `cargo run --example watch`

use clade::model::{Batch, Change};
use clade::{CreateOrgUnit, CreatePerson, Directory, Error, Revision};

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Error> {
    let directory = Directory::in_memory()?;

    // Somebody else writes meanwhile.
    let elsewhere = directory.clone();
    let writer = std::thread::spawn(move || {
        elsewhere.apply(CreateOrgUnit::new("Corp", "organization"))?;
        elsewhere.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
        elsewhere.apply(CreatePerson::new("ada@corp.example").display_name("Ada").or_update())
    });

    // The newest revision says that there is something to read; the log says what, oldest first. Commits that follow
    // each other closely may wake us once, and none is missed, because we go on from the last batch that we read.
    let mut revisions = directory.revisions();
    let mut next = Revision(1);
    while next <= Revision(3) {
        let newest = *revisions.borrow_and_update();
        if newest < next {
            revisions.changed().await.map_err(|_| Error::Closed)?;
            continue;
        }
        for batch in directory.log(next)? {
            let batch = batch?;
            tell(&batch);
            next = batch.revision.next();
        }
    }
    writer.join().expect("the writer does not panic")?;
    Ok(())
}

fn tell(batch: &Batch) {
    println!("revision {} at {}", batch.revision, batch.at);
    for set in &batch.sets {
        for change in &set.changes {
            let what = match change {
                Change::PutEntity(entity) => format!("{} {}", entity.kind(), entity.label()),
                Change::PutMapping(mapping) => format!("a {} mapping", mapping.mapping_type),
                Change::EndEntity { .. } => "the end of a record".to_owned(),
                Change::EndMapping { .. } => "the end of a mapping".to_owned(),
                Change::PutToken(_) => "a token".to_owned(),
            };
            println!("  {}: {what}", set.actor);
        }
    }
}
