//! The results as a Markdown table.

/// One query, with the times of each peer.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) took: Vec<Took>,
}

/// The times of one peer by form, in nanoseconds.
pub(crate) struct Took {
    pub(crate) peer: &'static str,
    pub(crate) forms: Vec<(&'static str, f64)>,
}

/// The header for these peers; the others are divided by the first.
pub(crate) fn head(peers: &[&str]) -> String {
    let names = peers.join(" | ");
    let lines = "---|".repeat(peers.len());
    format!("| query | {names} | best peer ÷ {} |\n|---|{lines}---|", peers[0])
}

impl Row {
    pub(crate) fn line(&self) -> String {
        let cells: Vec<_> = self.took.iter().map(Took::cell).collect();
        format!("| {} | {} | {} |", self.title, cells.join(" | "), self.ratio().unwrap_or_default())
    }

    /// The best time of the other peers divided by the first peer's.
    fn ratio(&self) -> Option<String> {
        let (first, others) = self.took.split_first()?;
        let (_, first) = first.best()?;
        let best = others.iter().filter_map(|took| Some((took.peer, took.best()?)));
        let (peer, (_, took)) = best.min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1))?;
        Some(format!("{} × ({peer})", digits(took / first)))
    }
}

impl Took {
    fn best(&self) -> Option<(&'static str, f64)> {
        self.forms.iter().copied().min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// All forms; if there are several, the fastest is bold.
    fn cell(&self) -> String {
        let best = self.best();
        let forms = self.forms.iter().map(|form| {
            let text = format!("{} {}", form.0, duration(form.1));
            let text = text.trim();
            if self.forms.len() > 1 && best == Some(*form) { format!("**{text}**") } else { text.to_owned() }
        });
        forms.collect::<Vec<_>>().join(", ")
    }
}

fn duration(nanos: f64) -> String {
    let (value, unit) = match nanos {
        nanos if nanos < 1e3 => (nanos, "ns"),
        nanos if nanos < 1e6 => (nanos / 1e3, "µs"),
        nanos if nanos < 1e9 => (nanos / 1e6, "ms"),
        nanos => (nanos / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// About two significant digits: the measurement is no more precise.
fn digits(value: f64) -> String {
    match value {
        value if value < 0.01 => format!("{value:.4}"),
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 10.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}
