//! Every limit of the server, by name. What waits or grows has one here.

use std::num::NonZeroU32;
use std::time::Duration;

/// The largest body of a request about one record, and the largest line of a bulk request, in bytes. A project with ten
/// thousand repositories is one.
pub const RECORD_BODY_MAX_BYTES: usize = 1 << 20;
/// The largest body of a bulk request, in bytes, before and after decompression.
pub const BULK_BODY_MAX_BYTES: usize = 64 << 20;
/// How many lines it may have. Each takes more memory as a command than as text.
pub const BULK_LINES_MAX: usize = 250_000;
/// How many refused lines of a bulk request are named. All are counted.
pub const REFUSALS_NAMED_MAX: usize = 10_000;
/// How many values, from objects to numbers, one JSON text may hold.
pub const JSON_VALUES_MAX: usize = 250_000;
/// How many bytes of bodies that have not been read to their end and made sense of may lie in memory at once.
pub const BODIES_AT_ONCE_BYTES: usize = 96 << 20;
/// How much of a body that is refused is still read, so that its sender lives to read the refusal.
pub const DISCARDED_MAX_BYTES: usize = 64 << 20;
/// For how long that goes on.
pub const DISCARDED_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take to send its request line and headers, and how long an idle connection of HTTP/1 is kept.
pub const HEADER_READ_WITHIN: Duration = Duration::from_secs(15);
/// How long a client may take to send the body of a request, however large.
pub const BODY_READ_WITHIN: Duration = Duration::from_mins(1);
/// How long it may take beside what is sent so far.
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// How fast a body must come after that.
pub const BODY_MIN_BYTES_A_SECOND: u64 = 32 << 10;
/// How long the server may take until its answer begins.
pub const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// How long it may take for an operation on the whole store: until a check is done, or a backup made.
pub const OPERATION_WITHIN: Duration = Duration::from_hours(1);
/// How often an idle HTTP/2 connection is asked whether it lives.
pub const HTTP2_PING_EVERY: Duration = Duration::from_secs(30);
/// How many connections are served at once; more wait to be accepted.
pub const CONNECTIONS_MAX: usize = 8_192;
/// How many connections one address may have, where nothing else is said.
pub const CONNECTIONS_A_PEER: usize = 1_024;
/// How long a connection is kept on which nothing moves, in either direction.
pub const STALLED_MAX: Duration = Duration::from_mins(1);
/// How long a connection that is to end may take to say goodbye.
pub const FAREWELL_WITHIN: Duration = Duration::from_secs(5);
/// How large the head of a request may be, in bytes.
pub const HEAD_MAX_BYTES: usize = 64 << 10;
/// How many headers a request may have.
pub const HEADERS_MAX: usize = 100;
/// How many requests one connection of HTTP/2 may have open.
pub const HTTP2_STREAMS_MAX: u32 = 128;
/// How many requests of one connection of HTTP/2 may be called off before they were looked at.
pub const HTTP2_CALLED_OFF_MAX: usize = 32;
/// How large the parts are in which an answer is handed to a connection, in bytes.
pub const ANSWER_PART_MAX_BYTES: usize = 64 << 10;
/// An answer over HTTP/1 takes room from this size on, until it was taken, in bytes. Over HTTP/2 all do.
pub const LARGE_ANSWER_BYTES: usize = 64 << 10;
/// What an answer counts as at least, in bytes: a stream takes some memory of its own.
pub const ANSWER_COUNTS_BYTES: usize = 2 << 10;
/// What each field of an answer counts as while it is made, in bytes.
pub const FIELD_COUNTS_BYTES: u64 = 64;
/// What an answer counts as at least that is made while it is sent, in bytes. Where it holds a revision until then, it
/// counts as what a copy of that takes, up to [`STREAM_COUNTS_MAX_BYTES`].
pub const STREAM_COUNTS_BYTES: usize = 8 << 20;
/// What it counts as at most: some such answers can be had of any organisation at once.
pub const STREAM_COUNTS_MAX_BYTES: usize = ANSWERS_A_SHARE_BYTES / 4;
/// How many bytes of large answers may be on their way at once.
pub const ANSWERS_ROOM_BYTES: usize = 128 << 20;
/// How many of them may be one asker's; so large may an answer be.
pub const ANSWERS_A_SHARE_BYTES: usize = 64 << 20;
/// How many bytes of answers that are smaller than large may be on their way at once over HTTP/2.
pub const SMALL_ANSWERS_ROOM_BYTES: usize = 32 << 20;
/// How many of them may be one asker's.
pub const SMALL_ANSWERS_A_SHARE_BYTES: usize = 8 << 20;
/// How long a large answer may take beside what its size allows.
pub const ANSWER_GRACE: Duration = Duration::from_mins(1);
/// How long it may take in all, however large it is. A backup may take longer.
pub const ANSWER_TAKEN_WITHIN: Duration = Duration::from_mins(30);
/// How fast a large answer must be taken after that.
pub const ANSWER_MIN_BYTES_A_SECOND: u64 = 16 << 10;
/// How many requests a token may send a second, where nothing else is said.
pub const REQUESTS_A_SECOND: u32 = 1_000;
/// How many requests without a good token one address may send a second.
pub const REFUSED_A_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// How many askers are remembered with what they have asked lately.
pub const ASKERS_REMEMBERED: usize = 16_384;
/// How many requests are worked on at once, where nothing else is said.
pub const REQUESTS_AT_ONCE: usize = 1_024;
/// How many sockets may wait at once to be told whose they are.
pub const SOCKETS_UNKNOWN_MAX: usize = 1_024;
/// How many of them one address may have.
pub const SOCKETS_UNKNOWN_A_PEER: usize = 32;
/// How long open requests may take to finish once the server is told to stop.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// Shorter answers are not worth compressing, in bytes.
pub const COMPRESSED_MIN_BYTES: u64 = 1_024;
/// Longer answers are compressed while they are sent, and not at once to be kept, in bytes.
pub const COMPRESSED_AT_ONCE_MAX_BYTES: u64 = 1 << 20;
/// How many nodes a nested tree may have.
pub const TREE_NODES_MAX: usize = 100_000;
/// How deep a nested tree may be; readers of JSON give up at about this depth.
pub const TREE_DEPTH_MAX: usize = 50;
/// How many bytes of answers to GraphQL queries are kept, where nothing else is said.
pub const ANSWERS_KEPT_BYTES: u64 = 64 << 20;
/// How many entries of the log are shown, where nothing else is said.
pub const LOG_ENTRIES_DEFAULT: usize = 20;
/// How many entries of the log one answer may show.
pub const LOG_ENTRIES_MAX: usize = 100;
/// How many changes of each change set are shown, where nothing else is said.
pub const LOG_CHANGES_DEFAULT: usize = 100;
/// How many changes of each change set one answer may show.
pub const LOG_CHANGES_MAX: usize = 1_000;
/// How many readers of the log read at once.
pub const LOG_READERS_MAX: usize = 1;
/// How many findings of the doctor are shown, where nothing else is said.
pub const FINDINGS_DEFAULT: usize = 100;
/// How many findings of the doctor one answer by REST may show.
pub const FINDINGS_MAX: usize = 1_000;
/// How many records of one finding are shown. All are counted.
pub const FINDING_RECORDS_MAX: usize = 20;
/// How many examinations by the doctor go on at once by REST; others wait.
pub const DOCTORS_MAX: usize = 2;
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
/// When nobody is let in by them before they were fetched again, or that was tried.
pub const JWKS_TOO_OLD_AFTER: Duration = Duration::from_hours(1);
/// How soon a file of keys is looked at again.
pub const JWKS_LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How many copies of the store there may be on its disk, being made or sent; who else wants one waits.
pub const COPIES_MAX: usize = 2;
/// How many dry runs go on at once; others wait.
pub const DRY_RUNS_MAX: usize = 2;
/// How many names of GraphQL operations are counted each by itself; the rest are counted together.
pub const OPERATION_NAMES_MAX: usize = 100;
/// How long a name may be that is counted by itself, in bytes.
pub const OPERATION_NAME_MAX_BYTES: usize = 64;
