//! What does the library look like in ten lines? The example of the README.
//!
//! `cargo run --example readme`

use clade::{CreatePerson, CreateProject, Directory, MoveOrgUnit};

pub(crate) fn main() -> Result<(), clade::Error> {
    let directory = Directory::in_memory()?; // or Directory::open("corp.redb")
    directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Retail/Checkout"))?;
    directory.apply(CreateProject::new("cart", "Cart").under("Corp/Retail/Checkout"))?;
    directory.apply(MoveOrgUnit::new("Checkout", "Corp"))?;
    let view = directory.view(); // one revision, never blocked by writers
    let corp = view.org_unit("Corp")?;
    assert_eq!((corp.totals().people, corp.children().count()), (1, 2));
    Ok(())
}
