//! Placement members of person and project inputs: the five levels by name, or a list of units.

use crate::server::graphql::input::table::Member;

/// Placement members of a new record.
pub(crate) fn of_new() -> [Member; 6] {
    [
        Member::text(
            "organization",
            "Organization to place the record in, by name. Created if it does not exist.",
        ),
        Member::text("business", "Business, by name, below the next higher level in this input."),
        Member::text("department", "Department, by name, below the next higher level in this input."),
        Member::text("group", "Group, by name, below the next higher level in this input."),
        Member::text("team", "Team, by name, below the next higher level in this input."),
        Member::ids("units", "Existing units to place the record in, instead of the five levels."),
    ]
}

/// Placement members of an update.
pub(crate) fn of_changes() -> [Member; 6] {
    [
        Member::text("organization", "New organization, by name. Absent levels stay unchanged."),
        Member::text("business", "New business, by name. Absent levels stay unchanged."),
        Member::text("department", "New department, by name. Absent levels stay unchanged."),
        Member::text("group", "New group, by name. Absent levels stay unchanged."),
        Member::text("team", "New team, by name. Absent levels stay unchanged."),
        // A list has no partial change: leaving a unit out removes that placement.
        Member::ids("units", "All units of the record, which must exist, instead of the five levels."),
    ]
}
