//! Graceful shutdown: signals every connection, and waits until the last one is closed.
//!
//! Invariant: the drain ends only when every [`ShutdownSignal`] is dropped, so each open connection must own one.

use tokio::sync::watch;

/// A connection's end: it reports the shutdown, and the server waits until it is dropped.
#[derive(Debug, Clone)]
pub(in crate::server) struct ShutdownSignal(watch::Receiver<()>);

/// The server's end: it signals all connections and waits for them.
// A watch channel does both: a message for all receivers, and `closed`, which waits for the last receiver.
#[derive(Debug)]
pub(super) struct Shutdown(watch::Sender<()>);

/// A new pair of both ends.
pub(super) fn channel() -> (Shutdown, ShutdownSignal) {
    let (sender, receiver) = watch::channel(());
    (Shutdown(sender), ShutdownSignal(receiver))
}

impl ShutdownSignal {
    /// Returns once the server is shutting down.
    pub(in crate::server) async fn begun(&mut self) {
        // An error means that the sender is gone: the server ended without a drain, which is a shutdown too.
        let _signalled_or_gone = self.0.changed().await;
    }
}

impl Shutdown {
    /// Signals the shutdown, and returns once no connection is left.
    pub(super) async fn drain(&self) {
        // An error means that there is no receiver, and so no connection.
        let _no_receiver = self.0.send(());
        self.0.closed().await;
    }
}
