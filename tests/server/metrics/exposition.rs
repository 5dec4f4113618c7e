//! A strict parser of Prometheus's text exposition format (version 0.0.4).

use std::collections::{BTreeMap, BTreeSet};

/// The parsed metrics of a page.
pub(crate) struct Exposition {
    types: BTreeMap<String, String>,
    all: Vec<Series>,
}

/// One sample.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    /// Parses a page; panics on any violation of the format.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut read = Self { types: BTreeMap::new(), all: Vec::new() };
        let mut family = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
                assert!(is_name(name) && words.len() > 5, "{line}");
                let typed = lines.next().and_then(|next| next.strip_prefix("# TYPE ")?.split_once(' '));
                let (again, kind) = typed.unwrap_or_else(|| panic!("no type after {line}"));
                assert_eq!(again, name);
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
                let before = read.types.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{name} is told twice");
                name.clone_into(&mut family);
            } else {
                let series = Series::read(line);
                assert!(read.belongs(&series.name, &family), "{line} stands beneath {family}");
                read.all.push(series);
            }
        }
        read.check_series();
        read.check_histograms();
        read
    }

    fn belongs(&self, name: &str, family: &str) -> bool {
        match self.types.get(family).map(String::as_str) {
            Some("histogram") => {
                name.strip_prefix(family).is_some_and(|end| ["_bucket", "_sum", "_count"].contains(&end))
            }
            Some("counter") => name == family && name.ends_with("_total"),
            Some(_) => name == family,
            None => false,
        }
    }

    fn check_series(&self) {
        let mut seen = BTreeSet::new();
        for series in &self.all {
            assert!(seen.insert((&series.name, &series.labels)), "{series:?} is told twice");
        }
    }

    /// Checks that histogram buckets are sorted and cumulative, and that the last one is `+Inf` with the total count.
    fn check_histograms(&self) {
        for (family, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            let mut buckets: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
            for bucket in self.series(&format!("{family}_bucket")) {
                let mut labels = bucket.labels.clone();
                let bound = labels.remove("le").unwrap().parse().unwrap();
                buckets.entry(labels).or_default().push((bound, bucket.value));
            }
            for (labels, buckets) in buckets {
                let in_order = buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
                assert!(in_order, "{family} {labels:?}: {buckets:?}");
                let given: Vec<_> =
                    labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let count = self.value(&format!("{family}_count"), &given);
                assert_eq!(*buckets.last().unwrap(), (f64::INFINITY, count), "{family} {labels:?}");
                assert!(self.value(&format!("{family}_sum"), &given) >= 0.0);
            }
        }
    }

    /// All values of this name.
    pub(crate) fn series(&self, name: &str) -> Vec<&Series> {
        self.all.iter().filter(|series| series.name == name).collect()
    }

    /// The value with exactly these labels; 0 if absent.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series(name).iter().find(|series| series.labels == labels).map_or(0.0, |series| series.value)
    }

    /// Whether a metric of this name exists.
    pub(crate) fn tells(&self, name: &str) -> bool {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let is_part = family.is_some_and(|family| self.types.get(family).is_some_and(|it| it == "histogram"));
        is_part || self.types.get(name).is_some_and(|kind| kind != "histogram")
    }
}

impl Series {
    fn read(line: &str) -> Self {
        let (named, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
        let value = value.parse().unwrap_or_else(|why| panic!("{why}: {line}"));
        let (name, labels) = match named.split_once('{') {
            None => (named, BTreeMap::new()),
            Some((name, rest)) => (name, labels(rest, line)),
        };
        assert!(is_name(name), "{line}");
        Self { name: name.to_owned(), labels, value }
    }
}

/// The labels of a sample: the text up to the closing brace.
fn labels(mut rest: &str, line: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        assert!(is_name(name) && !name.contains(':'), "{line}");
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().unwrap_or_else(|| panic!("no end: {line}")) {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, letter @ ('\\' | '"'))) => letter,
                    other => panic!("{other:?} is no escape: {line}"),
                }),
                (_, letter) => value.push(letter),
            }
        };
        assert_eq!(labels.insert(name.to_owned(), value), None, "{line}");
        match &after[end + 1..] {
            "}" => return labels,
            more => rest = more.strip_prefix(',').unwrap_or_else(|| panic!("no comma: {line}")),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}
