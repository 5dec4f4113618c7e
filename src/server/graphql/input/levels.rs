//! The members of inputs that say where a person belongs: the five levels, or units.

use crate::server::graphql::input::table::Member;

/// Of a new record.
pub(crate) fn of_new() -> [Member; 6] {
    [
        Member::text(
            "organization",
            "The organization to be placed in, by name; made where it does not exist.",
        ),
        Member::text("business", "The business to be placed in, beneath the level above that is given."),
        Member::text("department", "The department to be placed in, beneath the level above that is given."),
        Member::text("group", "The group to be placed in, beneath the level above that is given."),
        Member::text("team", "The team to be placed in, beneath the level above that is given."),
        Member::ids("units", "The units to be placed in, which must exist; instead of the five levels."),
    ]
}

/// Of a record that changes.
pub(crate) fn of_changes() -> [Member; 6] {
    [
        Member::text("organization", "Another organization, by name; the levels that are not given stay."),
        Member::text("business", "Another business, by name; the levels that are not given stay."),
        Member::text("department", "Another department, by name; the levels that are not given stay."),
        Member::text("group", "Another group, by name; the levels that are not given stay."),
        Member::text("team", "Another team, by name; the levels that are not given stay."),
        Member::ids("units", "Just these units, which must exist; instead of the five levels."),
    ]
}
