//! Metrics of the directory: records, writer queue, commits, retained revisions. Read anew for each scrape.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::directory::{Directory, Histogram, Statistics};

/// Collects the statistics of a directory.
#[derive(Debug)]
pub(super) struct DirectoryCollector(pub(super) Directory);

impl Collector for DirectoryCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Taken once, so that all values are of the same time.
        let statistics = self.0.statistics();
        let mut to = MetricWriter(encoder);
        content(&mut to, &statistics)?;
        writes(&mut to, &statistics)?;
        to.gauge("writer_ready", "1 while the writer lives and the last commit reached the disk", None, {
            i64::from(self.0.is_ready())
        })
    }
}

fn content(to: &mut MetricWriter<'_>, statistics: &Statistics) -> fmt::Result {
    to.gauge("revision", "The published revision", None, statistics.revision.0)?;
    to.gauge("mappings", "Mappings that are not deleted", None, statistics.mappings)?;
    let mut entities =
        to.0.encode_descriptor("entities", "Records that are not deleted, by kind", None, MetricType::Gauge)?;
    for (kind, count) in statistics.entities {
        ConstGauge::new(count).encode(entities.encode_family(&[("kind", kind.as_str())])?)?;
    }
    Ok(())
}

fn writes(to: &mut MetricWriter<'_>, statistics: &Statistics) -> fmt::Result {
    let seconds = Some(&Unit::Seconds);
    to.gauge("writer_waiting", "Requests in the writer's queue", None, statistics.requests_waiting)?;
    to.histogram("commit_commands", "Commands of a commit", None, &statistics.commit_commands)?;
    to.histogram("plan_duration", "Time to plan and apply a batch", seconds, &statistics.planned)?;
    to.histogram("commit_duration", "Time to write a batch to disk", seconds, &statistics.committed)?;
    to.histogram("publish_duration", "Time to publish a batch", seconds, &statistics.published)?;
    to.counter("commits_failed", "Failed commits", statistics.commits_failed)?;
    to.counter("graph_copies", "Copies of the whole graph for the next draft", statistics.graph_copies)?;
    to.gauge("revisions_held", "Past revisions that readers retain", None, statistics.revisions_retained)?;
    to.gauge(
        "oldest_revision_held",
        "Time since the oldest retained revision was replaced",
        seconds,
        statistics.oldest_retained.as_secs_f64(),
    )
}

/// Writes metrics without labels.
struct MetricWriter<'e>(DescriptorEncoder<'e>);

impl MetricWriter<'_> {
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

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        histogram: &Histogram,
    ) -> fmt::Result {
        let buckets: Vec<_> = histogram.buckets().collect();
        let mut encoder = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        encoder.encode_histogram::<NoLabelSet>(histogram.sum, histogram.count(), &buckets, None)
    }
}
