//! Time of one call: the median of as many samples as fit into about a second.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Result;
use crate::peer::Ask;
use crate::questions::Asks;

/// Minimum length of a sample, so that the clock's resolution does not matter.
const SAMPLE: Duration = Duration::from_millis(2);
/// Minimum total time of all samples.
const ENOUGH: Duration = Duration::from_secs(1);
/// Minimum number of samples; [`SAMPLES_MIN_SLOW`] is enough once they took [`SLOW`].
const SAMPLES_MIN: usize = 9;
const SAMPLES_MIN_SLOW: usize = 3;
const SLOW: Duration = Duration::from_secs(4);

/// The median time of a call in nanoseconds.
pub(crate) fn per_call(ask: &mut Ask<'_>, asks: &Asks) -> Result<f64> {
    let together = asks.calls_together();
    sample(ask, together)?; // to warm up
    let once = sample(ask, together)?.max(Duration::from_nanos(1));
    let fit = usize::try_from(SAMPLE.as_nanos() / once.as_nanos()).unwrap_or(usize::MAX).max(1);
    let calls_max = asks.calls_max();
    let calls = together * if calls_max == usize::MAX { fit } else { 1 };

    let (mut samples, mut spent) = (Vec::new(), Duration::ZERO);
    while !is_enough(samples.len(), spent) && (samples.len() + 3) * calls <= calls_max {
        let took = sample(ask, calls)?;
        spent += took;
        samples.push(took);
    }
    samples.sort_unstable();
    let median = samples.get(samples.len() / 2).ok_or("no sample was taken")?;
    Ok(median.as_secs_f64() * 1e9 / f64::from(u32::try_from(calls)?))
}

fn is_enough(samples: usize, spent: Duration) -> bool {
    (samples >= SAMPLES_MIN && spent >= ENOUGH) || (samples >= SAMPLES_MIN_SLOW && spent >= SLOW)
}

fn sample(ask: &mut Ask<'_>, calls: usize) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..calls {
        black_box(ask()?);
    }
    Ok(begun.elapsed())
}
