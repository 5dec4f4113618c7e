//! Word to whoever holds a connection that the server stops. Whoever still holds it is waited for.

use tokio::sync::watch;

#[derive(Debug, Clone)]
pub(super) struct Closing(watch::Receiver<()>);

/// Tells everyone, and waits for them.
#[derive(Debug)]
pub(super) struct Close(watch::Sender<()>);

/// Both ends.
pub(super) fn channel() -> (Close, Closing) {
    let (close, closing) = watch::channel(());
    (Close(close), Closing(closing))
}

impl Closing {
    /// Returns once the server stops.
    pub(super) async fn begun(&mut self) {
        let _said_or_gone = self.0.changed().await;
    }
}

impl Close {
    /// Says so, and returns once nobody holds anything any more.
    pub(super) async fn and_wait(&self) {
        let _nobody_is_there = self.0.send(());
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_hears_of_it_and_the_last_one_is_waited_for() {
        let (close, mut closing) = channel();
        let other = closing.clone();
        let waiting = tokio::spawn(async move { close.and_wait().await });
        closing.begun().await;
        let mut later = other.clone();
        drop((other, closing));
        later.begun().await;
        assert!(!waiting.is_finished());
        drop(later);
        waiting.await.unwrap();
    }
}
