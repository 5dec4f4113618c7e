//! The result of a query, in a form that can be compared between peers.

/// The result of one query. Ids are the peer's own until [`Peer::normalized`](crate::peer::Peer::normalized) translates
/// them to the organization's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No result: a write, or an empty call.
    Done,
    /// Projects, in any order.
    Projects(Vec<u32>),
    /// Units, in order.
    Units(Vec<u32>),
    /// Units, each with a count, in any order.
    PerUnit(Vec<(u32, u64)>),
    /// Projects, each with a unit that it belongs to, in any order.
    Placed(Vec<(u32, u32)>),
    /// The first page of projects in order, with the total count.
    Page { total: u64, projects: Vec<u32> },
    /// Counts of projects and people.
    Totals { projects: u64, people: u64 },
    /// A count.
    Count(u64),
    /// A boolean.
    Holds(bool),
    /// A project's name, its owner's email and its external id; `None` if there is no such project.
    Record(Option<Record>),
}

/// The fields of a project that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) owner: Option<String>,
    pub(crate) external_id: Option<String>,
}

impl Answer {
    /// Sorts results whose order is not significant.
    pub(crate) fn sorted(mut self) -> Self {
        match &mut self {
            Self::Projects(projects) => projects.sort_unstable(),
            Self::PerUnit(counts) => counts.sort_unstable(),
            Self::Placed(pairs) => pairs.sort_unstable(),
            _ => {}
        }
        self
    }

    /// Whether the result is empty, zero or false.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Done | Self::Record(None) | Self::Holds(false) => true,
            Self::Projects(ids) | Self::Units(ids) => ids.is_empty(),
            Self::PerUnit(counts) => counts.is_empty(),
            Self::Placed(pairs) => pairs.is_empty(),
            Self::Page { total, .. } | Self::Count(total) => *total == 0,
            Self::Totals { projects, people } => projects + people == 0,
            Self::Holds(true) | Self::Record(Some(_)) => false,
        }
    }

    /// The size of the result, for the table's title.
    pub(crate) fn size(&self) -> Option<String> {
        match self {
            Self::Projects(projects) => Some(grouped(projects.len() as u64)),
            Self::PerUnit(counts) => {
                let sum = counts.iter().map(|(_, count)| count).sum();
                Some(format!("{} children, {}", counts.len(), grouped(sum)))
            }
            Self::Page { total, .. } | Self::Count(total) => Some(grouped(*total)),
            Self::Totals { projects, people } => {
                Some(format!("{}; {}", grouped(*projects), grouped(*people)))
            }
            _ => None,
        }
    }

    /// The first characters of the result, for an error message.
    pub(crate) fn excerpt(&self) -> String {
        const EXCERPT_MAX_CHARS: usize = 300;
        let text = format!("{self:?}");
        match text.char_indices().nth(EXCERPT_MAX_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
