//! Every limit of the server that is not GraphQL's own, by name. What waits or grows has one here.

use std::num::NonZeroU32;
use std::time::Duration;

/// The largest body of a request about one record, and the largest line of a bulk request, in bytes. A project with ten
/// thousand repositories is one.
pub const RECORD_BODY_MAX_BYTES: usize = 1 << 20;
/// The largest body of a bulk request, in bytes, before and after decompression.
pub const BULK_BODY_MAX_BYTES: usize = 64 << 20;
/// The most lines of a bulk request. Each takes more memory as a command than as text.
pub const BULK_LINES_MAX: usize = 250_000;
/// The most refused lines of a bulk request that are named. All are counted.
pub const REFUSALS_NAMED_MAX: usize = 10_000;
/// How much of a refused body is still read, in bytes, so that its sender lives to read the refusal.
pub const DISCARDED_MAX_BYTES: usize = 64 << 20;
/// How long a refused body is read on.
pub const DISCARDED_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take to send its request line and headers, and how long an idle connection of HTTP/1 is kept.
pub const HEADER_READ_WITHIN: Duration = Duration::from_secs(15);
/// How long a client may take to send the body of a request, however large.
pub const BODY_READ_WITHIN: Duration = Duration::from_mins(1);
/// How long a body may take beside what its size allows.
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// The least rate of a body after [`BODY_GRACE`].
pub const BODY_MIN_BYTES_A_SECOND: u64 = 32 << 10;
/// How long the server may take until its answer begins.
pub const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// The same for an operation on the whole store: a check, a backup.
pub const OPERATION_WITHIN: Duration = Duration::from_hours(1);
/// How often an idle HTTP/2 connection is pinged.
pub const HTTP2_PING_EVERY: Duration = Duration::from_secs(30);
/// The most connections at once; more wait to be accepted.
pub const CONNECTIONS_MAX: usize = 8_192;
/// The most connections of one address, where nothing else is said.
pub const CONNECTIONS_A_PEER: usize = 1_024;
/// How often a connection is looked at for a slow client, and so how long one is kept on which nothing moves.
pub const STALLED_MAX: Duration = Duration::from_mins(1);
/// How long a connection may take to close once it is told to.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// The largest head of a request, in bytes.
pub const HEAD_MAX_BYTES: usize = 64 << 10;
/// The most headers of a request.
pub const HEADERS_MAX: usize = 100;
/// The most open requests of one HTTP/2 connection.
pub const HTTP2_STREAMS_MAX: u32 = 128;
/// The most requests of one HTTP/2 connection that were reset before they were looked at.
pub const HTTP2_RESETS_MAX: usize = 32;
/// The largest part in which an answer is handed to a connection, in bytes.
pub const ANSWER_PART_MAX_BYTES: usize = 64 << 10;
/// The least rate at which an answer must be taken, from one look at the connection to the next.
pub const ANSWER_MIN_BYTES_A_SECOND: u64 = 16 << 10;
/// A connection that wrote fewer bytes between two looks, for no request, is idle: these are pings and the like.
pub const IDLE_MAX_BYTES: u64 = 1 << 10;
/// All memory for what requests make, in bytes: bodies, answers being made, answers in flight, messages of sockets.
pub const MEMORY_MAX_BYTES: usize = 192 << 20;
/// The largest answer in one piece, in bytes.
pub const ANSWER_MAX_BYTES: usize = 64 << 20;
/// An answer over HTTP/1 counts as memory in flight from this size on, in bytes: a connection has but one. Over HTTP/2
/// all count.
pub const LARGE_ANSWER_BYTES: usize = 64 << 10;
/// The least memory that an answer counts as, in bytes.
pub const ANSWER_MIN_BYTES: usize = 2 << 10;
/// What a streamed answer counts as, in bytes, beside the revision that it keeps.
pub const STREAM_BYTES: usize = 2 << 20;
/// A revision that streamed answers keep counts as the copy of the graph that it is, at least this, in bytes.
pub const REVISION_MIN_BYTES: usize = 8 << 20;
/// The same at most: some can be kept of any organisation at once.
pub const REVISION_MAX_BYTES: usize = 16 << 20;
/// What a record in a list of a GraphQL answer takes while the answer is made, in bytes, beside its fields. Measured:
/// 60 MB for 100,000 records.
pub const LISTED_RECORD_BYTES: u64 = 640;
/// What each field of a GraphQL answer takes while it is made, in bytes.
pub const FIELD_BYTES: u64 = 64;
/// What an open socket takes, in bytes: what is read and written at a time.
pub const SOCKET_BYTES: usize = 32 << 10;
/// What a value of JSON takes in memory, in bytes, beside its text.
pub const JSON_VALUE_BYTES: usize = 40;
/// What a line of a bulk request takes as a command, in bytes, beside its text.
pub const COMMAND_BYTES: usize = 512;
/// What the commands of one bulk request count as at most, in bytes: beside the largest body it is one caller's share.
pub const COMMANDS_MAX_BYTES: usize = 32 << 20;
/// The most requests of one token a second, where nothing else is said.
pub const REQUESTS_A_SECOND: u32 = 1_000;
/// The most requests without a good token of one address a second.
pub const REFUSED_A_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// The most callers whose recent requests are remembered.
pub const CALLERS_REMEMBERED: usize = 16_384;
/// The most requests at once, where nothing else is said.
pub const REQUESTS_AT_ONCE: usize = 1_024;
/// The most sockets at once that have not authenticated yet.
pub const SOCKETS_UNKNOWN_MAX: usize = 1_024;
/// The most of them of one address.
pub const SOCKETS_UNKNOWN_A_PEER: usize = 32;
/// How long open requests may take to finish once the server is told to stop.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// Shorter answers are not compressed, in bytes.
pub const COMPRESSED_MIN_BYTES: u64 = 1_024;
/// Longer answers are compressed while they are sent, and not at once to be cached, in bytes.
pub const COMPRESSED_AT_ONCE_MAX_BYTES: u64 = 1 << 20;
/// The most nodes of a nested tree.
pub const TREE_NODES_MAX: usize = 100_000;
/// The deepest nested tree; readers of JSON give up at about this depth.
pub const TREE_DEPTH_MAX: usize = 50;
/// The size of the response cache, in bytes, where nothing else is said.
pub const ANSWERS_KEPT_BYTES: u64 = 64 << 20;
/// Entries of the log in one answer, where nothing else is said.
pub const LOG_ENTRIES_DEFAULT: usize = 20;
/// The most entries of the log in one answer.
pub const LOG_ENTRIES_MAX: usize = 100;
/// Changes of each change set in one answer, where nothing else is said.
pub const LOG_CHANGES_DEFAULT: usize = 100;
/// The most changes of each change set in one answer.
pub const LOG_CHANGES_MAX: usize = 1_000;
/// Findings of the data-quality checks in one answer, where nothing else is said.
pub const FINDINGS_DEFAULT: usize = 100;
/// The most findings of the data-quality checks in one answer by REST.
pub const FINDINGS_MAX: usize = 1_000;
/// The largest set of keys of an identity provider, in bytes.
pub const JWKS_BYTES_MAX: u64 = 1 << 20;
/// How long fetching it may take.
pub const JWKS_FETCH_WITHIN: Duration = Duration::from_secs(10);
/// How soon it is tried again while none have ever come.
pub const JWKS_TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How soon it may be fetched again.
pub const JWKS_FETCH_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// When it is fetched again, though it has every key that is asked for.
pub const JWKS_STALE_AFTER: Duration = Duration::from_mins(10);
/// When no key of it is taken before it was fetched again, or that was tried.
pub const JWKS_TOO_OLD_AFTER: Duration = Duration::from_hours(1);
/// How soon a file of keys is looked at again.
pub const JWKS_LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The most copies of the store on its disk, being made or sent; further requests wait.
pub const COPIES_MAX: usize = 2;
/// The most names of GraphQL operations that are counted each by itself; the rest are counted together.
pub const OPERATION_NAMES_MAX: usize = 100;
/// The longest name that is counted by itself, in bytes.
pub const OPERATION_NAME_MAX_BYTES: usize = 64;
