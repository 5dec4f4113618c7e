//! What a peer answers, in a form that can be compared.

/// One answer. Numbers are the peer's own until [`Peer::told`](crate::peer::Peer::told) has made them the
/// organisation's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing but that it was done.
    Done,
    /// Projects, in any order.
    Projects(Vec<u32>),
    /// Units, in this order.
    Units(Vec<u32>),
    /// Units, each with a count, in any order.
    PerUnit(Vec<(u32, u64)>),
    /// Projects, each with a unit that it is placed in, in any order.
    Placed(Vec<(u32, u32)>),
    /// The first of so many projects, in this order.
    Page { total: u64, projects: Vec<u32> },
    /// Projects and people.
    Totals { projects: u64, people: u64 },
    /// How many.
    Count(u64),
    /// Yes or no.
    Holds(bool),
    /// A project's name, its owner's email, and what another system calls it; none where there is no such project.
    Record(Option<Record>),
}

/// What is read of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) owner: Option<String>,
    pub(crate) external_id: Option<String>,
}

impl Answer {
    /// The same in one order, where the order was free.
    pub(crate) fn sorted(mut self) -> Self {
        match &mut self {
            Self::Projects(projects) => projects.sort_unstable(),
            Self::PerUnit(counts) => counts.sort_unstable(),
            Self::Placed(pairs) => pairs.sort_unstable(),
            _ => {}
        }
        self
    }

    /// Whether it says that there is nothing.
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

    /// How much it is, for the table.
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

    /// The beginning of it, for a message.
    pub(crate) fn shown(&self) -> String {
        const SHOWN_MAX: usize = 300;
        let text = format!("{self:?}");
        match text.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
