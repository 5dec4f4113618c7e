//! The signals that end a server: the first in order, a second at once.
//!
//! What must stay true: a second signal ends the process whatever that waits for, until it has ended. So a thread of its
//! own listens, on a runtime of its own: the one that serves is waited for as it ends.

use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::Result;

/// Completes on SIGTERM or SIGINT. A second signal ends the process at once.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (mut terminate, mut interrupt) = {
        let _entered = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let (say, first) = oneshot::channel();
    let listen = async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping: open requests are finished first");
        let _ended_already = say.send(());
        either(&mut terminate, &mut interrupt).await;
        tracing::warn!("stopped at once");
        std::process::exit(1);
    };
    thread::Builder::new().name("clade-signals".to_owned()).spawn(move || runtime.block_on(listen))?;
    Ok(async move {
        let _said = first.await;
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
