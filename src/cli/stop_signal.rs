//! Shutdown signals of a server (SIGTERM, SIGINT): the first starts a graceful shutdown, the second exits at once.
//!
//! Invariant: a second signal ends the process at any time, whatever the shutdown is waiting for.

use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::Result;

/// A future that completes on the first SIGTERM or SIGINT. The second signal exits the process with code 1.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>> {
    // A runtime and a thread of its own: the runtime of the server is shut down with a timeout at the end, and its
    // tasks would no longer see a second signal while that waits.
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (mut terminate, mut interrupt) = {
        // The handlers are registered here and not in the thread, so that a failure is reported to the caller, and
        // no signal is lost between the return of this function and the start of the thread.
        let _entered = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let (sender, receiver) = oneshot::channel();
    let listen = async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("shutting down: open requests are finished first");
        // Fails if the server has ended by itself; then nobody waits for the signal.
        let _ended_already = sender.send(());
        either(&mut terminate, &mut interrupt).await;
        tracing::warn!("second signal: exiting at once");
        std::process::exit(1);
    };
    thread::Builder::new().name("clade-signals".to_owned()).spawn(move || runtime.block_on(listen))?;
    Ok(async move {
        let _received = receiver.await;
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
