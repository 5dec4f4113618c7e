//! Connections: accepted, served, and at the end drained.
//!
//! Not `axum::serve`, which never closes a connection whose headers dribble in.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::server::limits::{CONNECTIONS_MAX, DRAIN_WITHIN, HEADER_READ_WITHIN, HTTP2_PING_EVERY};
use crate::server::router;
use crate::server::state::AppState;

/// What an HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait when the system has no more file descriptors, or a client's first bytes are too few.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Serves `state` on `listener` until `shutdown` completes, then lets open requests finish.
pub async fn serve(state: AppState, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let service = TowerToHyperService::new(router(state));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped when the server stops: a connection that has said nothing yet is not waited for.
    let (open, closing) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let watcher = graceful.watcher();
        let service = service.clone();
        let mut closing = closing.clone();
        tokio::spawn(async move {
            let _place = place;
            let spoke = tokio::select! {
                spoke = timeout(HEADER_READ_WITHIN, first_bytes(&stream)) => matches!(spoke, Ok(Ok(()))),
                _ = closing.changed() => false,
            };
            if !spoke {
                return;
            }
            let server = protocol();
            let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Err(failure) = watcher.watch(connection).await {
                tracing::debug!(error = %failure, "a connection ended early");
            }
        });
    }
    drop((listener, open));
    if timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!(waited_s = DRAIN_WITHIN.as_secs(), "requests were still open when the server stopped");
    }
}

/// The next connection, once there is a place for it. A failure to accept is told and waited out.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the places are never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return (stream, place);
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "a connection could not be accepted");
                sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Returns once the first bytes tell which protocol is spoken. hyper-util waits for them without a limit.
async fn first_bytes(stream: &TcpStream) -> io::Result<()> {
    let mut seen = [0; HTTP2_PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if count == seen.len() || seen[..count] != HTTP2_PREFACE[..count] {
            return Ok(());
        }
        sleep(RETRY_AFTER).await;
    }
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_WITHIN);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_EVERY)
        .keep_alive_timeout(HEADER_READ_WITHIN);
    server
}
