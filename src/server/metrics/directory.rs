//! What the directory tells of itself, read anew each time somebody asks.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::directory::{Directory, Spread, Statistics};

/// A directory, as far as it tells of itself.
#[derive(Debug)]
pub(super) struct DirectoryCollector(pub(super) Directory);

impl Collector for DirectoryCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let told = self.0.statistics();
        let mut to = To(encoder);
        content(&mut to, &told)?;
        writes(&mut to, &told)?;
        to.gauge("writer_ready", "1 while the writer lives and the last commit reached the disk", None, {
            i64::from(self.0.is_ready())
        })
    }
}

fn content(to: &mut To<'_>, told: &Statistics) -> fmt::Result {
    to.gauge("revision", "The published revision", None, told.revision.0)?;
    to.gauge("mappings", "Mappings that hold", None, told.mappings)?;
    let mut entities =
        to.0.encode_descriptor("entities", "Records that hold, by kind", None, MetricType::Gauge)?;
    for (kind, count) in told.entities {
        ConstGauge::new(count).encode(entities.encode_family(&[("kind", kind.as_str())])?)?;
    }
    Ok(())
}

fn writes(to: &mut To<'_>, told: &Statistics) -> fmt::Result {
    let seconds = Some(&Unit::Seconds);
    to.gauge("writer_waiting", "Requests that wait for the writer", None, told.requests_waiting)?;
    to.histogram("commit_commands", "Commands that were committed together", None, &told.commit_commands)?;
    to.histogram("plan_duration", "How long planning and applying a batch took", seconds, &told.planned)?;
    to.histogram("commit_duration", "How long writing a batch to the disk took", seconds, &told.committed)?;
    to.histogram("publish_duration", "How long publishing a batch took", seconds, &told.published)?;
    to.counter("commits_failed", "Commits that failed", told.commits_failed)?;
    to.counter("graph_copies", "Copies of the whole graph for the next draft", told.graph_copies)?;
    to.gauge("revisions_held", "Past revisions that readers still hold", None, told.revisions_held)?;
    to.gauge(
        "oldest_revision_held",
        "How long ago the oldest past revision that a reader holds was replaced",
        seconds,
        told.oldest_held.as_secs_f64(),
    )
}

/// Writes metrics of one value.
struct To<'e>(DescriptorEncoder<'e>);

impl To<'_> {
    fn gauge<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        value: V,
    ) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn histogram(&mut self, name: &str, help: &str, unit: Option<&Unit>, spread: &Spread) -> fmt::Result {
        let buckets: Vec<_> = spread.buckets().collect();
        let mut encoder = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        encoder.encode_histogram::<NoLabelSet>(spread.sum, spread.count(), &buckets, None)
    }
}
