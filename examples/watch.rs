//! Follow every change (change data capture): wait for revisions and read the log, without polling and without gaps.
//!
//! `cargo run --example watch`

use clade::model::{Batch, Change};
use clade::{CreateOrgUnit, CreatePerson, Directory, Error, Revision};

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Error> {
    let directory = Directory::in_memory()?;

    // Another thread writes at the same time.
    let for_writer = directory.clone();
    let writer = std::thread::spawn(move || {
        for_writer.apply(CreateOrgUnit::new("Corp", "organization"))?;
        for_writer.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
        for_writer.apply(CreatePerson::new("ada@corp.example").display_name("Ada").or_update())
    });

    // The newest revision only signals that there is something to read; the log has the changes, oldest first. Commits in
    // quick succession may wake this loop once; none is missed, because it continues after the last batch that it read.
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
            print_batch(&batch);
            next = batch.revision.next();
        }
    }
    writer.join().expect("the writer does not panic")?;
    Ok(())
}

fn print_batch(batch: &Batch) {
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
