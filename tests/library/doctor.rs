//! Data-quality findings (`doctor`): the same findings through REST, GraphQL and the command line, equal to a
//! reference model that compares every pair of records, and scoped to a token's units.

mod ended_records;
mod interfaces;
mod many_findings;
mod organisation;
mod twin;

use clade::EntityId;
use clade::query::doctor::{About, Finding, doctor};
use proptest::prelude::*;

use self::organisation::{Org, org};
use self::twin::Told;

/// A finding of the reference model: its code, and the keys of its records.
fn told(view: &clade::View, finding: &Finding) -> Told {
    let key = |about: &About| match about {
        About::Entity(id) => view.entity(*id).unwrap().label().to_lowercase(),
        About::Mapping(id) => id.to_string(),
    };
    (finding.code.as_str(), finding.about.iter().map(key).collect())
}

fn same_as_the_twin(org: &Org, scope: Option<usize>) {
    let view = org.view();
    let unit = scope.map(|drawn| drawn % org.units.len());
    let view = match unit {
        Some(unit) => view.within(&[view.org_unit(org.units[unit].key.as_str()).unwrap().id()]),
        None => view,
    };
    let findings = doctor(&view, &[]);
    let mut found: Vec<_> = findings.all().iter().map(|finding| told(&view, finding)).collect();
    for (code, count) in findings.counts() {
        assert_eq!(found.iter().filter(|(found, _)| *found == code.as_str()).count(), count, "{code:?}");
        assert_eq!(findings.of(code), doctor(&view, &[code]).all(), "{code:?} alone is the same");
    }
    for finding in findings.all() {
        let message = finding.message(&view);
        assert!(!message.contains("\"\"") && !message.contains("\"?\""), "{message}");
    }
    found.sort();
    assert_eq!(found, twin::findings(&org.seen_from(unit)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn findings_are_those_of_a_twin_that_compares_each_with_each(org in org(), scope in proptest::option::of(0..100_usize)) {
        same_as_the_twin(&org, scope);
    }

    #[test]
    fn pages_one_after_the_other_are_the_whole(org in org(), size in 1..5_usize) {
        let view = org.view();
        let findings = doctor(&view, &[]);
        let (mut paged, mut after): (Vec<Finding>, Option<String>) = (Vec::new(), None);
        loop {
            let page = findings.page(&view, after.as_deref(), size).unwrap();
            assert_eq!(page.has_previous, !paged.is_empty());
            paged.extend_from_slice(page.findings);
            if !page.has_next {
                break;
            }
            assert_eq!(page.findings.len(), size);
            after = page.findings.last().map(|last| last.cursor(&view));
        }
        assert_eq!(paged, findings.all());
    }

    #[test]
    fn a_cursor_outlives_the_record_that_it_stands_at(org in org(), at in 0..100_usize) {
        let directory = org.directory();
        let view = directory.view();
        let findings = doctor(&view, &[]);
        if findings.all().is_empty() {
            return Ok(());
        }
        let at = at % findings.all().len();
        let cursor = findings.all()[at].cursor(&view);
        let Some(About::Entity(gone)) = findings.all()[at].about.first().copied() else { return Ok(()) };
        let missed: Vec<_> = findings.all()[at + 1..].iter().filter(|finding| !names(finding, gone)).cloned().collect();
        organisation::delete(&directory, gone);
        let view = directory.view();
        let after = doctor(&view, &[]);
        let rest = after.page(&view, Some(&cursor), usize::MAX).unwrap().findings;
        let holds = |finding: &Finding| after.all().contains(finding);
        let missed: Vec<_> = missed.into_iter().filter(|finding| holds(finding) && !rest.contains(finding)).collect();
        assert_eq!(missed, [], "each that came after and is still there comes");
    }
}

fn names(finding: &Finding, id: EntityId) -> bool {
    finding.about.contains(&About::Entity(id))
}

#[test]
fn an_invalid_cursor_of_findings_is_refused() {
    let directory = clade::Directory::in_memory().unwrap();
    directory.apply(clade::CreatePerson::new("ada@corp.example")).unwrap();
    let view = directory.view();
    let findings = doctor(&view, &[]);
    let own = findings.all()[0].cursor(&view);
    let of_people = clade::query::cursor(&view, clade::query::Order::default(), EntityId(0));
    for cursor in ["", "rubbish", "é", &own[1..], &of_people] {
        let refusal = findings.page(&view, Some(cursor), 1).unwrap_err();
        assert_eq!(refusal.code(), "invalid", "{cursor}");
    }
    assert!(findings.page(&view, Some(&own), 1).unwrap().findings.is_empty());
}
