//! The generated organization that the benchmarks query.

use clade::cli::demo_data::DemoData;
use clade::exchange::commands_of_lines;
use clade::model::ProjectId;
use clade::query::{Field, Filter, Relation, TextTest};
use clade::{Directory, EntityId, Kind, View};

/// An organization, with the records that the queries are about.
pub(crate) struct Org {
    pub(crate) directory: Directory,
    pub(crate) view: View,
    /// The root.
    pub(crate) corp: EntityId,
    /// The largest business.
    pub(crate) business: EntityId,
    /// The largest department.
    pub(crate) department: EntityId,
    /// The largest team.
    pub(crate) team: EntityId,
    /// A project in two teams.
    pub(crate) project: EntityId,
}

impl Org {
    /// Generates an organization of this size in memory, with its text index built.
    pub(crate) fn of(entities: u64) -> Self {
        let mut lines = Vec::new();
        DemoData { entities, seed: 1 }.write(&mut lines).unwrap();
        let directory = Directory::in_memory().unwrap();
        directory.apply(commands_of_lines(&lines).unwrap()).unwrap();
        let view = directory.view();
        view.warm_up();
        let corp = view.org_unit("corp").unwrap().id();
        let [business, department, team] = ["b0", "d0", "t0"].map(|key| view.org_unit(key).unwrap().id());
        let project = view.project_by_id(&ProjectId::parse("p0").unwrap()).unwrap();
        assert_eq!(Kind::ALL.map(|kind| view.all(kind).len())[..3].iter().sum::<u64>(), entities);
        assert!(view.contains(corp, project) && view.totals(department).projects > 0);
        assert_eq!(view.ancestors(team).len(), 4, "every level above a team has its unit");
        Self { directory, view, corp, business, department, team, project }
    }

    /// Projects below a unit, on one platform, with a word in their name: uses bitmaps, neighbours and texts.
    pub(crate) fn compound(unit: EntityId) -> Filter {
        let platform = Filter::Text(Field::Platform, TextTest::Eq("gitlab.com".to_owned()));
        Filter::And(vec![
            Filter::Within(vec![unit]),
            Filter::Related(Relation::Repository, Box::new(platform)),
            Filter::Text(Field::Name, TextTest::Contains("amber".to_owned())),
        ])
    }

    /// Projects of one member in the business, with a letter in their name.
    pub(crate) fn compound_of_a_member(&self) -> Filter {
        let member = Filter::Text(Field::Email, TextTest::Eq("person77@corp.example".to_owned()));
        Filter::And(vec![
            Filter::Within(vec![self.business]),
            Filter::Related(Relation::Member, Box::new(member)),
            Filter::Text(Field::Name, TextTest::Contains("a".to_owned())),
        ])
    }
}
