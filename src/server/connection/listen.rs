//! Connections: accepted, served, and at the end drained.
//!
//! Not `axum::serve`, which never closes a connection whose headers dribble in.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::server::connection::config::{ConnectionTimeouts, Exposure};
use crate::server::connection::io::{Progress, ProgressSample, Socket};
use crate::server::connection::peer::Peer;
use crate::server::connection::shutdown::{self, ShutdownSignal};
use crate::server::connection::tls::Tls;
use crate::server::limits::{
    CONNECTION_CLOSE_TIMEOUT, CONNECTIONS_MAX, DRAIN_WITHIN, HEAD_MAX_BYTES, HEADER_READ_TIMEOUT, HEADERS_MAX,
    HTTP2_PING_INTERVAL, HTTP2_RESETS_MAX, HTTP2_STREAMS_MAX,
};
use crate::server::quota::{Permit, Quota};

/// What an HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait when the system has no more file descriptors, or a client's first bytes are too few.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What every connection is served with.
#[derive(Clone)]
struct Served {
    router: TowerToHyperService<axum::Router>,
    tls: Option<TlsAcceptor>,
    patience: ConnectionTimeouts,
    /// Counts open connections.
    open: Gauge,
    /// The last of these to be dropped is the end of the last connection: the shutdown waits for that.
    shutdown: ShutdownSignal,
}

/// Serves `router` on `listener` until `until` completes, then lets open requests finish. `open` counts the connections.
pub(in crate::server) async fn serve(
    router: axum::Router,
    exposure: &Exposure,
    open: Gauge,
    listener: TcpListener,
    until: impl Future<Output = ()>,
) {
    let connections = Quota::new(CONNECTIONS_MAX, exposure.connections_a_peer);
    let (stop, signal) = shutdown::channel();
    let served = Served {
        router: TowerToHyperService::new(router),
        tls: exposure.tls.as_ref().map(Tls::acceptor),
        patience: exposure.patience,
        open,
        shutdown: signal,
    };
    let mut until = pin!(until);
    loop {
        let (stream, permit) = tokio::select! {
            () = &mut until => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        tokio::spawn(served.clone().connection(stream, permit));
    }
    // The listener goes first, so that nothing more comes; `served` holds a signal, for which the drain would wait.
    drop((listener, served));
    if timeout(DRAIN_WITHIN, stop.drain()).await.is_err() {
        tracing::warn!(waited_s = DRAIN_WITHIN.as_secs(), "requests were still open when the server stopped");
    }
}

/// The next connection, once there is a permit for it. A failure to accept is logged and waited out.
async fn accept(listener: &TcpListener, connections: &Quota<Peer>) -> (TcpStream, Permit<Peer>) {
    loop {
        let one = connections.one().await;
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Ok(permit) = connections.assign(&Peer::of(address.ip()), one) {
                    let _ = stream.set_nodelay(true);
                    return (stream, permit);
                }
                tracing::debug!(%address, "a connection was closed: its address has too many");
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "a connection could not be accepted");
                sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// A connection, counted while it is open.
struct OpenConnection(Gauge);

impl OpenConnection {
    fn count(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Served {
    /// One connection, from its first byte to its last.
    async fn connection(mut self, stream: TcpStream, permit: Permit<Peer>) {
        let (patience, peer) = (self.patience, *permit.key());
        let _until_it_ends = OpenConnection::count(self.open.clone());
        let server = protocol(patience);
        let Some(acceptor) = self.tls.take() else {
            // A connection that has said nothing yet is not waited for when the server stops.
            let spoke = tokio::select! {
                spoke = timeout(patience.headers, first_bytes(&stream)) => matches!(spoke, Ok(Ok(()))),
                () = self.shutdown.begun() => false,
            };
            if spoke {
                let socket = Socket::new(stream, permit);
                let progress = socket.progress();
                self.requests(server, socket, progress, peer).await;
            }
            return;
        };
        let socket = Socket::new(stream, permit);
        let progress = socket.progress();
        let shaken = tokio::select! {
            shaken = timeout(patience.headers, acceptor.accept(socket)) => shaken,
            () = self.shutdown.begun() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let server = if is_http2 { server.http2_only() } else { server.http1_only() };
                self.requests(server, stream, progress, peer).await;
            }
            Ok(Err(failure)) => tracing::debug!(error = %failure, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    /// The requests of a connection, until it ends, its client is too slow, or the server stops.
    async fn requests<Io>(
        mut self,
        server: auto::Builder<TokioExecutor>,
        io: Io,
        progress: Arc<Progress>,
        peer: Peer,
    ) where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = {
            let (router, progress, shutdown) = (self.router, Arc::clone(&progress), self.shutdown.clone());
            service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                // What a connection is upgraded to outlives its requests, and needs a signal of its own.
                if request.headers().contains_key(header::UPGRADE) {
                    request.extensions_mut().insert(shutdown.clone());
                }
                let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
                let (working, answer) = (progress.begin(), router.call(request));
                async move {
                    let mut response = answer.await?;
                    // hyper takes chunks with a length beside them by the chunks; a proxy may have gone by the length,
                    // and what follows would be a request to one and a body to the other.
                    if is_chunked {
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(response.map(|body| working.answer(body)))
                }
            })
        };
        let mut connection = pin!(server.serve_connection_with_upgrades(TokioIo::new(io), service));
        let mut look = interval(self.patience.stalled);
        // After a process that stood still, one look is enough: a second would find that nothing moved.
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once.
        look.reset();
        let mut seen = ProgressSample::default();
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(failure) = ended {
                        tracing::debug!(error = %failure, "a connection ended early");
                    }
                    return;
                }
                () = self.shutdown.begun() => {
                    connection.as_mut().graceful_shutdown();
                    // The shutdown itself has a time limit.
                    let _ended = connection.await;
                    return;
                }
                _ = look.tick() => if progress.is_too_slow(&mut seen, self.patience.stalled) {
                    tracing::debug!("a connection was closed: it was idle, or its client too slow");
                    connection.as_mut().graceful_shutdown();
                    let _gone_or_late = timeout(CONNECTION_CLOSE_TIMEOUT.min(self.patience.stalled), connection).await;
                    return;
                }
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

fn protocol(patience: ConnectionTimeouts) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers)
        .max_buf_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HEADER_READ_TIMEOUT)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_MAX_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(HTTP2_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_RESETS_MAX);
    server
}
