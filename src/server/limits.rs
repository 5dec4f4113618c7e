//! Limits, timeouts and sizes of the server: every constant that bounds memory, time or concurrency, except GraphQL's.
//!
//! Each entry says its unit and what the client sees when the limit is exceeded, as HTTP status and problem code.
//!
//! Invariant: everything that waits or grows because of a client has a limit here.

use std::num::NonZeroU32;
use std::time::Duration;

// Request bodies.

/// Maximum body of a request about one record, and maximum line of a bulk request, in bytes: 1 MiB. More is refused
/// with 413 `too-large`; in a bulk request only that line is.
// A project with ten thousand repositories takes about this much.
pub const RECORD_BODY_MAX_BYTES: usize = 1 << 20;
/// Maximum body of a bulk request, in bytes, before and after decompression: 64 MiB. More is refused with 413
/// `too-large`.
// While the largest body grows from half its size, both buffers count: 64 + 32 MiB is one caller's half of
// `MEMORY_MAX_BYTES`. A larger limit could never be reached.
pub const BULK_BODY_MAX_BYTES: usize = 64 << 20;
/// Maximum number of lines of a bulk request. More are refused with 413 `too-large`, and nothing is changed.
// Short lines pass the limit on bytes, but each takes more memory as a command than as text.
pub const BULK_LINES_MAX: usize = 250_000;
/// Maximum number of refused lines that the report of a bulk request lists. The report counts all of them.
pub const REFUSALS_LISTED_MAX: usize = 10_000;
/// How much of a refused body is read and discarded, in bytes, while the response is sent.
// Many clients write the whole body before they read. A connection closed under them is a write error to them, and
// they never see the refusal.
pub const DISCARDED_MAX_BYTES: usize = 128 << 20;
/// How long a refused body is read and discarded. The connection is closed after that.
pub const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time for the body of a request to arrive, whatever its size. A slower one is refused with 408 `timeout`.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_mins(1);
/// Time that every body gets before [`BODY_MIN_BYTES_PER_SECOND`] applies. A slower one is refused with 408 `timeout`.
// The rate allows a body time by the bytes that have come. Without a start, one that has just begun would be late.
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// Minimum rate of a body after [`BODY_GRACE`], in bytes per second. A slower one is refused with 408 `timeout`.
// A body that trickles in holds its memory and its request permit, so that a client could keep both for little traffic.
pub const BODY_MIN_BYTES_PER_SECOND: u64 = 32 << 10;

// Requests, connections, and slow clients.

/// Maximum time for the TLS handshake, for the request line and headers of each request, and for an HTTP/2 ping to be
/// acknowledged; also how long an idle HTTP/1 connection is kept open. The connection is closed after that.
// hyper has one timer for both: it starts when it waits for a request, and stops when the headers are complete.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum time until a response begins. After that the client gets 503 `timeout`, without `Retry-After`: a change may
/// have been made.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_mins(2);
/// Maximum time until the response to an operation on the whole store begins: a check, a backup. After that the client
/// gets 503 `timeout`.
// A large store could not be copied within `RESPONSE_TIMEOUT`.
pub const STORE_OPERATION_TIMEOUT: Duration = Duration::from_hours(1);
/// Interval of pings on an idle HTTP/2 connection. A connection whose client does not acknowledge one within
/// [`HEADER_READ_TIMEOUT`] is closed.
pub const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum number of open connections. More are not accepted: they wait in the system's queue until one is closed.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Default maximum number of open connections of one address. More are closed at once, without a response.
pub const CONNECTIONS_PER_PEER: usize = 1_024;
/// Interval at which each connection is checked for a slow client, and so the idle timeout of a connection. A slow or
/// idle one is closed, and its responses are cut off.
pub const STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum time for a slow connection to close gracefully. After that it is dropped.
pub const CONNECTION_CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of the request line and headers, in bytes. More are refused with 431, or 414 for the URL.
pub const HEAD_MAX_BYTES: usize = 64 << 10;
/// Maximum number of headers of a request over HTTP/1. More are refused with 431.
pub const HEADERS_MAX: usize = 100;
/// Maximum number of open requests of one HTTP/2 connection. The client learns it from the connection's settings; more
/// are refused with `REFUSED_STREAM`.
pub const HTTP2_STREAMS_MAX: u32 = 128;
/// Maximum number of requests of one HTTP/2 connection that the client reset before the server accepted them, or that
/// the server reset for an error. More end the connection with `ENHANCE_YOUR_CALM`.
// Against "rapid reset": a stream that is opened and reset at once costs the server work and never counts as open, so
// `HTTP2_STREAMS_MAX` does not stop it.
pub const HTTP2_RESETS_MAX: usize = 32;
/// Maximum size of a chunk in which a response is handed to a connection, in bytes.
// hyper takes whole frames, so progress is only seen by the frame. A chunk must be far smaller than what is due between
// two checks.
pub const RESPONSE_CHUNK_MAX_BYTES: usize = 64 << 10;
/// Minimum rate at which a client must read a response, in bytes per second, measured from one check of the connection
/// to the next. The connection of a slower client is closed.
// An unread response holds memory, and a streamed one its revision of the graph.
pub const RESPONSE_MIN_BYTES_PER_SECOND: u64 = 16 << 10;
/// A connection that wrote fewer bytes than this between two checks, and got no request, is idle.
// Acknowledged pings and settings are some dozen bytes, and are no progress.
pub const IDLE_MAX_BYTES: u64 = 1 << 10;
/// Maximum time for open requests to finish on shutdown. After that the connections are dropped.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

// The memory budget: see `admission/memory.rs`.

/// The memory budget of all requests, in bytes: bodies, responses being built, responses in flight, WebSocket messages.
/// One caller may use half of it. Beyond that requests are refused with 503 `busy`.
// With it a server of 60,000 people stays within 512 MB, whatever clients do: `SECURITY.md` has the measurements.
pub const MEMORY_MAX_BYTES: usize = 192 << 20;
/// Maximum size of a response that is built as a whole, in bytes. A larger one is refused with 422 `too-large`.
/// Streamed lists have no limit.
pub const RESPONSE_MAX_BYTES: usize = 64 << 20;
/// Minimum size at which a response over HTTP/1 counts against the memory budget, in bytes. Over HTTP/2 all responses
/// count.
// An HTTP/1 connection has one response in flight, so the limit on connections bounds small ones. An HTTP/2 connection
// may have many.
pub const LARGE_RESPONSE_BYTES: usize = 64 << 10;
/// Minimum that a response counts for in the memory budget, in bytes.
// Headers and the state of a stream take memory too, so an empty response is not free.
pub const RESPONSE_CHARGE_MIN_BYTES: usize = 2 << 10;
/// What a streamed response counts for in the memory budget, in bytes, in addition to the revision that it retains.
pub const STREAM_BYTES: usize = 2 << 20;
/// Minimum that a retained revision counts for, in bytes.
// A revision that is still read makes the writer copy the graph for the next one, so it counts as that copy.
pub const REVISION_MIN_BYTES: usize = 8 << 20;
/// Maximum that a retained revision counts for, in bytes.
// Less than a copy of a very large graph takes, so that one caller can retain a few revisions of a graph of any size.
pub const REVISION_MAX_BYTES: usize = 16 << 20;
/// What a record in a list of a GraphQL response counts for while the response is built, in bytes, without its fields.
// Measured: 60 MB for 100,000 records.
pub const LISTED_RECORD_BYTES: u64 = 640;
/// What each field of a GraphQL response counts for while it is built, in bytes.
pub const FIELD_BYTES: u64 = 64;
/// What an open WebSocket counts for, in bytes: its read and write buffers.
pub const SOCKET_BYTES: usize = 32 << 10;
/// What a parsed JSON value counts for, in bytes, in addition to its text.
pub const JSON_VALUE_BYTES: usize = 40;
/// What a line of a bulk request counts for as a command, in bytes, in addition to its text.
pub const COMMAND_BYTES: usize = 512;
/// Maximum that the commands of one bulk request count for, in bytes.
// With `BULK_BODY_MAX_BYTES` this is exactly one caller's half of the budget. Without the maximum, a request that is
// within both limits on bulk requests could be refused for ever.
pub const COMMANDS_MAX_BYTES: usize = 32 << 20;

// Rates, and requests in flight.

/// Default maximum rate of one token, in requests per second. More are refused with 429 `rate-limited` and
/// `Retry-After`.
pub const REQUESTS_PER_SECOND: u32 = 1_000;
/// Maximum rate of requests without a valid token from one address, per second. More are refused with 429
/// `rate-limited`.
// Slows down clients that guess tokens. Requests with a valid token from the same address do not count.
pub const UNAUTHENTICATED_REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// Maximum number of callers, and of addresses, whose request rate is remembered. The client sees nothing: a forgotten
/// caller starts again with a full allowance.
// Anyone can send from new addresses, so the table must not grow with them.
pub const RATE_BUCKETS_MAX: usize = 16_384;
/// Default maximum number of requests in flight. One caller may have half of them. More are refused with 503 `busy` and
/// `Retry-After`.
pub const REQUESTS_AT_ONCE: usize = 1_024;
/// Maximum number of open WebSockets that have not authenticated yet. More are closed with 1013.
// They have a quota of their own, so that clients without a token cannot use up that of callers.
pub const SOCKETS_UNAUTHENTICATED_MAX: usize = 1_024;
/// Maximum number of open WebSockets of one address that have not authenticated yet. More are closed with 1013.
pub const SOCKETS_UNAUTHENTICATED_PER_PEER: usize = 32;

// Responses: compression, sizes of pages, and the response cache.

/// Minimum size of a response that is compressed, in bytes.
// Below this, gzip saves too little to be worth its time.
pub const COMPRESSED_MIN_BYTES: u64 = 1_024;
/// Maximum size of a response that is compressed at once and cached compressed, in bytes. A larger one is compressed
/// while it is sent.
// Compressing more than this in one go would hold up the other requests of the thread.
pub const COMPRESSED_CACHED_MAX_BYTES: u64 = 1 << 20;
/// Maximum number of nodes of a nested tree. A larger one is refused with 422 `too-large`.
pub const TREE_NODES_MAX: usize = 100_000;
/// Maximum depth of a nested tree, in levels. A deeper one is refused with 422 `too-large`.
// Many JSON parsers refuse deeper nesting; each level of the tree nests an object in an array.
pub const TREE_DEPTH_MAX: usize = 50;
/// Default size of the response cache, in bytes.
pub const RESPONSE_CACHE_BYTES: u64 = 64 << 20;
/// Default number of entries on a page of the audit log.
pub const LOG_ENTRIES_DEFAULT: usize = 20;
/// Maximum number of entries on a page of the audit log. A request for more is refused as `invalid`.
pub const LOG_ENTRIES_MAX: usize = 100;
/// Default number of changes that a page of the audit log lists of each change set.
pub const LOG_CHANGES_DEFAULT: usize = 100;
/// Maximum number of changes that a page of the audit log lists of each change set. A request for more is refused as
/// `invalid`.
pub const LOG_CHANGES_MAX: usize = 1_000;
/// Default number of findings on a page of the data-quality checks.
pub const FINDINGS_DEFAULT: usize = 100;
/// Maximum number of findings on a page of the data-quality checks over REST. A request for more is refused as
/// `invalid`.
pub const FINDINGS_MAX: usize = 1_000;

// JWT authentication. Callers whose key cannot be had get 401.

/// Maximum size of an identity provider's key set (JWKS), in bytes. A larger one is not used; the current keys stay.
pub const JWKS_BYTES_MAX: u64 = 1 << 20;
/// Timeout of fetching a key set. Requests that need it wait this long at most, and then get 401.
pub const JWKS_FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Minimum time between two fetches as long as none has ever succeeded.
// Without keys every JWT gets 401, so the server must recover soon after its provider does.
pub const JWKS_RETRY_AFTER: Duration = Duration::from_secs(2);
/// Minimum time between two fetches once one has succeeded.
// Anyone can send a token with an unknown key id. This bounds how often that makes the server ask the provider.
pub const JWKS_REFETCH_AFTER: Duration = Duration::from_mins(1);
/// Age at which a key set is fetched again in the background, even though it has every key that is needed.
// So that a key that the provider withdrew is dropped too.
pub const JWKS_STALE_AFTER: Duration = Duration::from_mins(10);
/// Age from which requests wait for a new key set before the current one is used. If that fetch fails, the current keys
/// are used all the same.
pub const JWKS_TOO_OLD_AFTER: Duration = Duration::from_hours(1);
/// Minimum time between two checks whether a key set file has changed.
pub const JWKS_FILE_CHECK_AFTER: Duration = Duration::from_secs(1);

// Store operations and metrics.

/// Maximum number of copies of the store that are being made or sent. Further requests wait, up to
/// [`STORE_OPERATION_TIMEOUT`].
// Each copy takes as much disk space as the store.
pub const STORE_COPIES_MAX: usize = 2;
/// Maximum number of GraphQL operation names with metrics of their own. Others are counted as `other`.
// Clients choose the names, and each is a time series in Prometheus.
pub const OPERATION_NAMES_MAX: usize = 100;
/// Maximum length of an operation name with metrics of its own, in bytes. Longer ones are counted as `other`.
pub const OPERATION_NAME_MAX_BYTES: usize = 64;
