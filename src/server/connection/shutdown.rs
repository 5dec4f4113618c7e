//! Shutdown: every holder of a connection is told that the server stops, and the server waits for the last of them.

use tokio::sync::watch;

/// Held by each connection: says when the server stops, and keeps the server waiting until it is dropped.
#[derive(Debug, Clone)]
pub(in crate::server) struct ShutdownSignal(watch::Receiver<()>);

/// Signals all connections and waits for them.
#[derive(Debug)]
pub(super) struct Shutdown(watch::Sender<()>);

/// Both ends.
pub(super) fn channel() -> (Shutdown, ShutdownSignal) {
    let (sender, receiver) = watch::channel(());
    (Shutdown(sender), ShutdownSignal(receiver))
}

impl ShutdownSignal {
    /// Returns once the server stops.
    pub(in crate::server) async fn begun(&mut self) {
        let _signalled_or_gone = self.0.changed().await;
    }
}

impl Shutdown {
    /// Signals the shutdown, and returns once no connection is left.
    pub(super) async fn drain(&self) {
        let _nobody_is_there = self.0.send(());
        self.0.closed().await;
    }
}
