//! [`RequestWork`]: what a handler does within its caller's limits: heavy work, streamed responses, memory.
//!
//! Invariant: a handler gets the limits of the authenticated caller alone, from the request's extensions.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::directory::{Applied, Audit, AuditRequest, Directory, View};
use crate::error::Error;
use crate::model::command::Command;
use crate::query::with_similar;
use crate::server::admission::Admission;
use crate::server::admission::memory::with_permit;
use crate::server::admission::slots::Weight;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::{Caller, Principal, StoreAdmin};
use crate::server::connection::config::Exposure;
use crate::server::quota::{Exhausted, Permit};
use crate::server::response::problem::{Problem, Result};

/// The limits of this request's caller.
#[derive(Debug, Clone)]
pub(crate) struct RequestWork {
    admission: Arc<Admission>,
    caller: Caller,
}

/// The chunks of a streamed body. Each is made once the client has taken the one before.
pub(crate) trait BodyChunks: Send + 'static {
    /// The next chunk; `None` at the end. May block: it runs on the blocking pool.
    fn next_chunk(&mut self) -> Option<io::Result<Bytes>>;
}

impl<S: Sync> FromRequestParts<S> for RequestWork {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        // Absent if no middleware admitted the request. A route that was added without it must not be open.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthorized)
    }
}

impl RequestWork {
    pub(in crate::server) fn new(admission: Arc<Admission>, caller: Caller) -> Self {
        Self { admission, caller }
    }

    /// The limits of the process that owns the store: those of the server, without a quota per token.
    pub(in crate::server) fn local(directory: Directory) -> Self {
        let authenticator = Authenticator::new(directory.clone()).without_authentication();
        let admission = Admission::new(&authenticator, &Exposure::default());
        Self::new(Arc::new(admission), Caller::local(directory))
    }

    pub(in crate::server) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(in crate::server) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Whether the caller could have a slot for heavy work now.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.admission.heavy.try_slot(self.caller.actor()).is_some()
    }

    /// Runs heavy work, or work of unknown cost, on the blocking pool, with one slot.
    pub(crate) async fn run_heavy<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.admission.heavy.run_heavy(self.caller.actor(), Weight::One, work).await
    }

    /// Runs work that takes as much memory as the whole graph, with all slots of the caller.
    // All slots, so that one caller has at most one copy of the graph in memory at a time.
    async fn run_heaviest<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.admission.heavy.run_heavy(self.caller.actor(), Weight::PerCaller, work).await
    }

    /// A streamed body of `first` and then `chunks`, which retains the revision of `view` until the body is sent.
    ///
    /// # Errors
    /// 503 `busy` if the caller has no memory left for it.
    pub(crate) fn stream(&self, view: &View, first: Bytes, chunks: Box<dyn BodyChunks>) -> Result<Body> {
        let permit = self.admission.memory.stream(&self.caller.principal(), view)?;
        let work = self.clone();
        // Each chunk takes a slot of its own: a slow reader keeps none while it reads, and other requests get their
        // turn between two chunks.
        let rest = stream::unfold(Some(chunks), move |chunks| {
            let work = work.clone();
            async move {
                let mut chunks = chunks?;
                let (chunk, chunks) = work.run_heavy(move || (chunks.next_chunk(), chunks)).await;
                // An error is the last item. The status was sent before, so the client only sees the connection break.
                let rest = matches!(chunk, Some(Ok(_))).then_some(chunks);
                Some((chunk?, rest))
            }
        });
        let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
        // Fused, since the compression layer polls once more after the end, and `unfold` panics then.
        Ok(with_permit(Body::from_stream(first.chain(rest).fuse()), permit))
    }

    /// Takes memory from the budget, in bytes; given back on drop.
    pub(crate) fn memory(&self, bytes: usize) -> Result<Permit<Principal>, Exhausted> {
        self.admission.memory.take(&self.caller.principal(), bytes)
    }

    /// Reads a page of the audit log on the blocking pool, and passes it to `make` there.
    pub(in crate::server) async fn audit<T: Send + 'static>(
        &self,
        admin: &StoreAdmin,
        request: AuditRequest,
        make: impl FnOnce(&Audit, &View) -> T + Send + 'static,
    ) -> Result<T> {
        let directory = admin.directory().clone();
        // The view is taken after the page was read, so that it retains no revision while the disk is read.
        let read = self.run_heavy(move || {
            let read = directory.audit(&request);
            let read = read.map_err(|refusal| with_similar(&directory.view(), refusal))?;
            Ok::<_, Error>(make(&read, &directory.view()))
        });
        Ok(read.await?)
    }

    /// What these commands would do. Copies the whole graph.
    pub(in crate::server) async fn dry_run(
        &self,
        commands: Vec<Command>,
        makes_units: bool,
    ) -> Result<Applied, Error> {
        let caller = self.caller.clone();
        self.run_heaviest(move || caller.dry_run(commands, makes_units)).await
    }

    /// Waits until no other check of the store runs.
    pub(crate) async fn check_permit(&self) -> OwnedSemaphorePermit {
        self.admission.store.check().await
    }

    /// Waits until one more copy of the store may take disk space.
    pub(crate) async fn copy_permit(&self) -> OwnedSemaphorePermit {
        self.admission.store.copy().await
    }
}
