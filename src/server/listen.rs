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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::server::activity::Activity;
use crate::server::closing::{self, Closing};
use crate::server::exposure::{Exposure, Patience};
use crate::server::limits::{
    CONNECTIONS_MAX, DRAIN_WITHIN, FAREWELL_WITHIN, HEAD_MAX_BYTES, HEADER_READ_WITHIN, HEADERS_MAX,
    HTTP2_CALLED_OFF_MAX, HTTP2_PING_EVERY, HTTP2_STREAMS_MAX,
};
use crate::server::metrics::Metrics;
use crate::server::peer::Peer;
use crate::server::router;
use crate::server::shares::{Share, Shares};
use crate::server::state::AppState;
use crate::server::tls::Tls;
use crate::server::wire::Wire;

/// What an HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait when the system has no more file descriptors, or a client's first bytes are too few.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What every connection is served with.
#[derive(Clone)]
struct Served {
    router: TowerToHyperService<axum::Router>,
    tls: Option<TlsAcceptor>,
    patience: Patience,
    metrics: Arc<Metrics>,
    /// Says that the server stops. The last of these to be dropped is the end of the last connection.
    closing: Closing,
}

/// Serves `state` on `listener` until `shutdown` completes, then lets open requests finish.
pub async fn serve(state: AppState, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    serve_exposed(state, Exposure::default(), listener, shutdown).await;
}

/// The same, as far in the open as `exposure` says.
pub async fn serve_exposed(
    state: AppState,
    exposure: Exposure,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let places = Shares::new(CONNECTIONS_MAX, exposure.connections_a_peer);
    let (close, closing) = closing::channel();
    let served = Served {
        metrics: Arc::clone(state.metrics()),
        router: TowerToHyperService::new(router(state, &exposure)),
        tls: exposure.tls.as_ref().map(Tls::acceptor),
        patience: exposure.patience,
        closing,
    };
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        tokio::spawn(served.clone().connection(stream, place));
    }
    drop((listener, served));
    if timeout(DRAIN_WITHIN, close.and_wait()).await.is_err() {
        tracing::warn!(waited_s = DRAIN_WITHIN.as_secs(), "requests were still open when the server stopped");
    }
}

/// The next connection, once there is a place for it. A failure to accept is told and waited out.
async fn accept(listener: &TcpListener, places: &Shares<Peer>) -> (TcpStream, Share<Peer>) {
    loop {
        let one = places.one().await;
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Ok(place) = places.give(&Peer::of(address.ip()), one) {
                    let _ = stream.set_nodelay(true);
                    return (stream, place);
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

impl Served {
    /// One connection, from its first byte to its last.
    async fn connection(mut self, stream: TcpStream, place: Share<Peer>) {
        let (patience, peer) = (self.patience, *place.key());
        let _until_it_ends = self.metrics.connection();
        let server = protocol(patience);
        let Some(acceptor) = self.tls.take() else {
            // A connection that has said nothing yet is not waited for when the server stops.
            let spoke = tokio::select! {
                spoke = timeout(patience.headers, first_bytes(&stream)) => matches!(spoke, Ok(Ok(()))),
                () = self.closing.begun() => false,
            };
            if spoke {
                self.requests(server, Wire::new(stream, place, patience.stalled), peer).await;
            }
            return;
        };
        let hands = acceptor.accept(Wire::new(stream, place, patience.stalled));
        let shaken = tokio::select! {
            shaken = timeout(patience.headers, hands) => shaken,
            () = self.closing.begun() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let server = if is_http2 { server.http2_only() } else { server.http1_only() };
                self.requests(server, stream, peer).await;
            }
            Ok(Err(failure)) => tracing::debug!(error = %failure, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    /// The requests of a connection, until it ends, nothing moves on it any more, or the server stops.
    async fn requests<Io>(mut self, server: auto::Builder<TokioExecutor>, io: Io, peer: Peer)
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::default());
        let service = {
            let (router, activity, closing) = (self.router, Arc::clone(&activity), self.closing.clone());
            service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                // What a connection becomes outlives its requests, and is told by itself.
                if request.headers().contains_key(header::UPGRADE) {
                    request.extensions_mut().insert(closing.clone());
                }
                let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
                let (working, answer) = (activity.begin(), router.call(request));
                async move {
                    let mut response = answer.await?;
                    // hyper takes chunks with a length beside them by the chunks; a proxy may have gone by the length,
                    // and what follows would be a request to one and a body to the other.
                    if is_chunked {
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(response.map(|body| working.answers(body)))
                }
            })
        };
        let mut connection = pin!(server.serve_connection_with_upgrades(TokioIo::new(io), service));
        let mut look = interval(self.patience.stalled);
        let mut seen = u64::MAX;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(failure) = ended {
                        tracing::debug!(error = %failure, "a connection ended early");
                    }
                    return;
                }
                () = self.closing.begun() => {
                    connection.as_mut().graceful_shutdown();
                    // The server itself waits no longer than it should.
                    let _ended = connection.await;
                    return;
                }
                _ = look.tick() => if activity.is_still(&mut seen) {
                    connection.as_mut().graceful_shutdown();
                    let farewell = FAREWELL_WITHIN.min(self.patience.stalled);
                    let _gone_or_late = timeout(farewell, connection).await;
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

fn protocol(patience: Patience) -> auto::Builder<TokioExecutor> {
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
        .keep_alive_interval(HTTP2_PING_EVERY)
        .keep_alive_timeout(HEADER_READ_WITHIN)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_MAX_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(HTTP2_CALLED_OFF_MAX)
        .max_local_error_reset_streams(HTTP2_CALLED_OFF_MAX);
    server
}
