//! The text index (trigrams, search, typos) stays correct while records are created, renamed and deleted.

use clade::model::ProjectId;
use clade::model::command::{Command, Delete, ProjectRef};
use clade::model::text::bare;
use clade::query::{Field, Filter, TextTest, search, select};
use clade::{CreateProject, Directory, Kind, View};

/// Enough records that queries use the index instead of a scan.
const PROJECTS: usize = 60;
const WORDS: [&str; 5] = ["Amber", "Birch", "Ärmel", "Amble", "Cedar"];
const PARTS: [&str; 6] = ["amb", "am", "irch", "ärm", "cedar 1", "nothing"];

fn named(word: usize, number: usize) -> String {
    format!("{} {number}", WORDS[word % WORDS.len()])
}

fn delete(id: &str) -> Command {
    let target = ProjectRef::ProjectId(ProjectId::parse(id).unwrap());
    Command::DeleteProject(Delete { target, if_revision: None })
}

/// Every result equals a scan of all projects.
fn must_be_right(view: &View, step: usize) {
    for part in PARTS {
        for (test, passes) in [
            (
                TextTest::Contains(part.to_owned()),
                (|name, part| name.contains(part)) as fn(&str, &str) -> bool,
            ),
            (TextTest::StartsWith(part.to_owned()), |name, part| name.starts_with(part)),
        ] {
            let found = select(view, Kind::Project, &Filter::Text(Field::Name, test.clone())).into_owned();
            let is_it = |id: &u32| {
                let project = view.entity(clade::EntityId(*id)).unwrap().as_project().unwrap();
                passes(&bare(project.name.as_str()), &bare(part))
            };
            let expected = view.all(Kind::Project).iter().filter(is_it).collect();
            assert_eq!(found, expected, "step {step}: {test:?}");
        }
    }
}

#[test]
fn the_index_of_texts_follows_every_change() {
    let directory = Directory::in_memory().unwrap();
    let first = (0..PROJECTS).map(|at| CreateProject::new(&format!("p{at}"), &named(at, at)));
    directory.apply(first).unwrap();
    for step in 0..200 {
        // The published graph and the writer's change places with each commit: both must have followed.
        must_be_right(&directory.view(), step);
        let id = format!("p{}", step * 7 % PROJECTS);
        match step % 4 {
            0 => directory.apply(delete(&id)).map(drop),
            1 => directory.apply(CreateProject::new(&format!("new-{step}"), &named(step, step))).map(drop),
            _ => directory.apply(CreateProject::new(&id, &named(step * 3, step)).or_update()).map(drop),
        }
        .ok();
    }
}

#[test]
fn a_very_large_change_is_followed_too() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreateProject::new("p", "Amber")).unwrap();
    must_be_right(&directory.view(), 0);
    directory.apply((0..3_000).map(|at| CreateProject::new(&format!("q{at}"), &named(at, at)))).unwrap();
    must_be_right(&directory.view(), 1);
    directory.apply(delete("q0")).unwrap();
    must_be_right(&directory.view(), 2);
    assert!(search(&directory.view(), "Amber 5", &[], None, 5)[0].matched.starts_with("Amber 5"));
    assert!(!search(&directory.view(), "ambre", &[], None, 5).is_empty(), "a typo is forgiven");
}

#[test]
fn the_writer_builds_what_readers_asked_for_of_a_graph_that_is_gone() {
    let directory = Directory::in_memory().unwrap();
    let first = (0..PROJECTS).map(|at| CreateProject::new(&format!("p{at}"), &named(at, at)));
    directory.apply(first).unwrap();
    let old = directory.view();
    directory.apply(CreateProject::new("later", "Amber later")).unwrap();
    // Of a graph that no longer is published: what is built there goes with it.
    must_be_right(&old, 0);
    directory.apply(CreateProject::new("last", "Amber last")).unwrap();
    must_be_right(&directory.view(), 1);
}

#[test]
fn a_typo_is_forgiven_in_a_narrow_view_of_a_large_directory() {
    let directory = Directory::in_memory().unwrap();
    let elsewhere = (0..4_200).map(|at| CreateProject::new(&format!("p{at}"), &format!("Checkout {at}")));
    directory.apply(elsewhere).unwrap();
    directory.apply(CreateProject::new("own", "Checkout of ours").under("Corp")).unwrap();
    let view = directory.view();
    let corp = view.org_unit("Corp").unwrap().id();
    let found = search(&view.within(&[corp]), "chekcout", &[], None, 5);
    assert_eq!(found.len(), 1);
    assert_eq!(search(&view, "chekcout", &[], Some(corp), 5), found);
}

#[test]
fn a_whole_url_comes_before_many_that_begin_like_it() {
    let directory = Directory::in_memory().unwrap();
    let others = (0..20).map(|at| {
        CreateProject::new(&format!("p{at}"), "P").repository(&format!("github.com/corp/app-{at}"))
    });
    directory.apply(others).unwrap();
    directory.apply(CreateProject::new("own", "P").repository("https://github.com/corp/app")).unwrap();
    let found = search(&directory.view(), "github.com/corp/app", &[Kind::Repository], None, 5);
    assert_eq!(found[0].matched, "https://github.com/corp/app");
}

#[test]
fn a_record_without_text_does_not_contain_the_empty_text() {
    let directory = Directory::in_memory().unwrap();
    directory.apply((0..PROJECTS).map(|at| CreateProject::new(&format!("p{at}"), "P"))).unwrap();
    directory.apply(CreateProject::new("known", "P").external_id("x")).unwrap();
    let view = directory.view();
    for test in [TextTest::Contains(String::new()), TextTest::StartsWith(String::new())] {
        let count = |field| select(&view, Kind::Project, &Filter::Text(field, test.clone())).len();
        assert_eq!([Field::Name, Field::ExternalId].map(count), [PROJECTS as u64 + 1, 1]);
    }
}
