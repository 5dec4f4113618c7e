//! Regression test: runs every fuzz target over its seeds, which include the inputs that fuzzing has found.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

#[test]
fn every_seed_passes_its_target() {
    for (name, target) in targets::ALL {
        let folder = Path::new("fuzz/seeds").join(name);
        let seeds = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        let mut count = 0;
        for seed in seeds {
            let path = seed.unwrap().path();
            println!("{}", path.display());
            target(&fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no seeds");
    }
}
