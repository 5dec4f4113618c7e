//! What a handler does for its caller within the caller's limits: heavy work, streamed answers, memory.

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
use crate::server::admission::Admission;
use crate::server::admission::memory::holding;
use crate::server::admission::slots::Weight;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::{Caller, Principal, StoreAdmin};
use crate::server::connection::config::Exposure;
use crate::server::quota::{Exhausted, Permit};
use crate::server::response::problem::{Problem, Result};

/// The limits as they hold for the caller of this request.
#[derive(Debug, Clone)]
pub(crate) struct RequestWork {
    admission: Arc<Admission>,
    caller: Caller,
}

/// A streamed body, piece by piece, each made when the one before was taken.
pub(crate) trait BodyChunks: Send + 'static {
    /// The next piece; none at the end.
    fn next_piece(&mut self) -> Option<io::Result<Bytes>>;
}

impl<S: Sync> FromRequestParts<S> for RequestWork {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthorized)
    }
}

impl RequestWork {
    pub(in crate::server) fn new(admission: Arc<Admission>, caller: Caller) -> Self {
        Self { admission, caller }
    }

    /// Without limits by token: of the process that holds the store.
    pub(in crate::server) fn local(directory: Directory) -> Self {
        let authenticator = Authenticator::new(directory.clone()).without_tokens();
        let admission = Admission::new(&authenticator, &Exposure::default());
        Self::new(Arc::new(admission), Caller::local(directory))
    }

    pub(in crate::server) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(in crate::server) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Does work of which nobody knows how long it takes, with a slot where it holds up nobody.
    pub(crate) async fn run_heavy<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.admission.heavy.run_heavy(self.caller.actor(), Weight::One, work).await
    }

    /// The same of work that takes as much memory as the whole graph.
    async fn run_heaviest<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.admission.heavy.run_heavy(self.caller.actor(), Weight::Share, work).await
    }

    /// A body of pieces behind the first, which keeps `view` until it was taken. Each piece is made with a slot of its
    /// own, so that a slow reader holds none, and others have their turn between two pieces.
    pub(crate) fn stream(&self, view: &View, first: Bytes, pieces: Box<dyn BodyChunks>) -> Result<Body> {
        let held = self.admission.memory.stream(&self.caller.principal(), view)?;
        let work = self.clone();
        let rest = stream::unfold(Some(pieces), move |pieces| {
            let work = work.clone();
            async move {
                let mut pieces = pieces?;
                let (piece, pieces) = work.run_heavy(move || (pieces.next_piece(), pieces)).await;
                // What broke off ends there.
                let rest = matches!(piece, Some(Ok(_))).then_some(pieces);
                Some((piece?, rest))
            }
        });
        let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
        // The compression layer asks once more after the end.
        Ok(holding(Body::from_stream(first.chain(rest).fuse()), held))
    }

    /// Memory for so many bytes, until it is dropped.
    pub(crate) fn memory(&self, bytes: usize) -> Result<Permit<Principal>, Exhausted> {
        self.admission.memory.take(&self.caller.principal(), bytes)
    }

    /// Reads one page of the log, which may read much of the disk, and makes something of it.
    pub(in crate::server) async fn audit<T: Send + 'static>(
        &self,
        admin: &StoreAdmin,
        asked: AuditRequest,
        make: impl FnOnce(&Audit, &View) -> T + Send + 'static,
    ) -> Result<T> {
        let directory = admin.directory().clone();
        let read = self.run_heavy(move || Ok::<_, Error>(make(&directory.audit(&asked)?, &directory.view())));
        Ok(read.await?)
    }

    /// What carrying out these commands would do. It takes as much memory as the whole graph.
    pub(in crate::server) async fn dry_run(&self, commands: Vec<Command>) -> Result<Applied, Error> {
        let caller = self.caller.clone();
        self.run_heaviest(move || caller.dry_run(commands)).await
    }

    /// Waits until the one check of the store may begin.
    pub(crate) async fn check_turn(&self) -> OwnedSemaphorePermit {
        self.admission.store.check().await
    }

    /// Waits until there may be one more copy of the store on its disk.
    pub(crate) async fn copy_turn(&self) -> OwnedSemaphorePermit {
        self.admission.store.copy().await
    }
}
