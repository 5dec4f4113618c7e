//! The listener: accepts connections, serves HTTP on them, and drains them on shutdown.
//!
//! Invariant: no step of a connection waits for its client without a timeout. `axum::serve` has none for headers that
//! arrive slowly, so it is not used.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
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
use ipnet::IpNet;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::server::connection::config::{ConnectionTimeouts, Exposure};
use crate::server::connection::forwarded;
use crate::server::connection::io::{Progress, ProgressSample, Socket};
use crate::server::connection::peer::{ClientAddress, Peer};
use crate::server::connection::request_body::RequestBody;
use crate::server::connection::shutdown::{self, ShutdownSignal};
use crate::server::connection::tls::Tls;
use crate::server::limits::{
    CONNECTION_CLOSE_TIMEOUT, CONNECTIONS_MAX, DRAIN_TIMEOUT, HEAD_MAX_BYTES, HEADER_READ_TIMEOUT,
    HEADERS_MAX, HTTP2_PING_INTERVAL, HTTP2_RESETS_MAX, HTTP2_STREAMS_MAX,
};
use crate::server::quota::{Permit, Quota};

/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Pause before another attempt to accept a connection, or to peek at a client's first bytes.
// Both return immediately while nothing changes, so without a pause they would be busy loops.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What every connection is served with. Each gets a clone.
#[derive(Clone)]
struct Served {
    router: TowerToHyperService<axum::Router>,
    tls: Option<Tls>,
    timeouts: ConnectionTimeouts,
    trusted_proxies: Arc<[IpNet]>,
    /// The number of open connections.
    open: Gauge,
    /// The shutdown waits until the last clone of this is dropped.
    shutdown: ShutdownSignal,
}

/// Serves `router` on `listener` until `until` completes, then lets open requests finish. `open` is the number of open
/// connections.
pub(in crate::server) async fn serve(
    router: axum::Router,
    exposure: &Exposure,
    open: Gauge,
    listener: TcpListener,
    until: impl Future<Output = ()>,
) {
    let connections = Quota::new(CONNECTIONS_MAX, exposure.connections_per_peer);
    let (stop, signal) = shutdown::channel();
    let served = Served {
        router: TowerToHyperService::new(router),
        tls: exposure.tls.clone(),
        timeouts: exposure.timeouts,
        trusted_proxies: exposure.trusted_proxies.as_slice().into(),
        open,
        shutdown: signal,
    };
    let mut until = pin!(until);
    loop {
        let (stream, address, permit) = tokio::select! {
            () = &mut until => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        tokio::spawn(served.clone().connection(stream, address, permit));
    }
    // The listener, so that no more connections come. `served`, since it has a signal for which the drain would wait.
    drop((listener, served));
    if timeout(DRAIN_TIMEOUT, stop.drain()).await.is_err() {
        tracing::warn!(
            waited_s = DRAIN_TIMEOUT.as_secs(),
            "requests were still open when the server stopped"
        );
    }
}

/// Accepts the next connection, once there is a permit for it. A failure to accept is logged and tried again.
async fn accept(listener: &TcpListener, connections: &Quota<Peer>) -> (TcpStream, IpAddr, Permit<Peer>) {
    loop {
        // Before `accept`: beyond the maximum, connections stay in the system's queue, and use no file descriptor.
        let one = connections.one().await;
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Ok(permit) = connections.assign(&Peer::of(address.ip()), one) {
                    // Nagle's algorithm would delay the last packet of a response until the client has acknowledged the
                    // others. A failure means that the connection is gone, which the first read finds out.
                    let _ = stream.set_nodelay(true);
                    return (stream, address.ip(), permit);
                }
                tracing::debug!(%address, "a connection was closed: its address has too many");
            }
            // Mostly that the process has no more file descriptors. It passes as other connections close.
            Err(failure) => {
                tracing::warn!(error = %failure, "a connection could not be accepted");
                sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Counts a connection while it is open.
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
    /// Serves one connection, from its first byte to its last.
    async fn connection(mut self, stream: TcpStream, address: IpAddr, permit: Permit<Peer>) {
        let timeouts = self.timeouts;
        let _until_it_ends = OpenConnection::count(self.open.clone());
        let server = protocol(timeouts);
        let Some(acceptor) = self.tls.take().map(|tls| tls.acceptor()) else {
            // On shutdown, a connection on which nothing was sent yet is not waited for.
            let has_begun = tokio::select! {
                begun = timeout(timeouts.headers, first_bytes(&stream)) => matches!(begun, Ok(Ok(()))),
                () = self.shutdown.begun() => false,
            };
            if has_begun {
                let socket = Socket::new(stream, permit);
                let progress = socket.progress();
                self.requests(server, socket, progress, address).await;
            }
            return;
        };
        // Bytes are counted below TLS: what rustls buffers has not been taken by the client.
        let socket = Socket::new(stream, permit);
        let progress = socket.progress();
        let handshake = tokio::select! {
            handshake = timeout(timeouts.headers, acceptor.accept(socket)) => handshake,
            () = self.shutdown.begun() => return,
        };
        match handshake {
            Ok(Ok(stream)) => {
                // ALPN has decided, so hyper-util need not wait for the first bytes, for which it has no timeout.
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let server = if is_http2 { server.http2_only() } else { server.http1_only() };
                self.requests(server, stream, progress, address).await;
            }
            Ok(Err(failure)) => tracing::debug!(error = %failure, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake timed out"),
        }
    }

    /// Serves the requests of a connection, until it ends, its client is too slow, or the server shuts down.
    async fn requests<Io>(
        mut self,
        server: auto::Builder<TokioExecutor>,
        io: Io,
        progress: Arc<Progress>,
        address: IpAddr,
    ) where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = {
            let (router, progress, shutdown) = (self.router, Arc::clone(&progress), self.shutdown.clone());
            let trusted = self.trusted_proxies;
            service_fn(move |mut request: Request<Incoming>| {
                let client = forwarded::client(request.headers(), address, &trusted);
                request.extensions_mut().insert(Peer::of(client));
                request.extensions_mut().insert(ClientAddress(client));
                // A WebSocket outlives this task, so it needs a signal of its own: the drain waits for it too.
                if request.headers().contains_key(header::UPGRADE) {
                    request.extensions_mut().insert(shutdown.clone());
                }
                let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
                let (working, response) = (progress.begin(), router.call(RequestBody::wrap(request)));
                async move {
                    let mut response = response.await?;
                    // Against request smuggling: if a request has both `Transfer-Encoding` and `Content-Length`, hyper
                    // uses the former. A proxy may use the latter, and see one request where hyper sees two.
                    if is_chunked {
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(response.map(|body| working.track(body)))
                }
            })
        };
        let mut connection = pin!(server.serve_connection_with_upgrades(TokioIo::new(io), service));
        let mut check = interval(self.timeouts.stalled);
        // By default missed ticks come in a burst: after the process was suspended, the second check would find no
        // bytes since the first, and close the connection of a client that is not slow.
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick would come at once.
        check.reset();
        let mut last = ProgressSample::default();
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
                    // No timeout here: the whole drain has one.
                    let _ended = connection.await;
                    return;
                }
                _ = check.tick() => if progress.is_too_slow(&mut last, self.timeouts.stalled) {
                    tracing::debug!("a connection was closed: it was idle, or its client too slow");
                    connection.as_mut().graceful_shutdown();
                    // A client that reads nothing never lets the connection close by itself. Dropping it cuts it off.
                    let limit = CONNECTION_CLOSE_TIMEOUT.min(self.timeouts.stalled);
                    let _closed_or_late = timeout(limit, connection).await;
                    return;
                }
            }
        }
    }
}

/// Returns once the first bytes show whether the client speaks HTTP/1 or HTTP/2.
// hyper-util waits for them itself, but without a timeout. They are peeked at, so that it still gets them.
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
        // A part of the preface so far. The peeked bytes stay in the buffer, so another peek returns at once.
        sleep(RETRY_AFTER).await;
    }
}

fn protocol(timeouts: ConnectionTimeouts) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        // hyper panics if a timeout is set without a timer.
        .header_read_timeout(timeouts.headers)
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
