//! Why a socket is closed, as graphql-transport-ws and RFC 6455 number it, and how that is said.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};

/// The longest reason for a close that a frame can carry, in bytes.
const REASON_MAX: usize = 123;
/// How long a client that is sent away may take to hear of it.
pub(in crate::server) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A number and a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Close(u16, String);

impl Close {
    pub(in crate::server) fn new(code: u16, why: impl Into<String>) -> Self {
        Self(code, why.into())
    }

    pub(in crate::server) fn invalid(why: impl Into<String>) -> Self {
        Self::new(4400, why)
    }

    pub(in crate::server) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(in crate::server) fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub(in crate::server) fn too_often(why: impl Into<String>) -> Self {
        Self::new(4429, why)
    }

    /// There is no room; there may be later.
    pub(in crate::server) fn try_again_later(why: impl Into<String>) -> Self {
        Self::new(1013, why)
    }

    /// The server stops.
    pub(in crate::server) fn going_away() -> Self {
        Self::new(1001, "the server stops; connect again")
    }

    fn into_frame(self) -> CloseFrame {
        let Self(code, mut reason) = self;
        reason.truncate(reason.floor_char_boundary(REASON_MAX));
        CloseFrame { code, reason: reason.into() }
    }
}

/// Says why, and listens until the client has heard it: what it still sends would else cut the words off.
pub(in crate::server) async fn close_socket(mut socket: WebSocket, close: Close) {
    let said = async {
        socket.send(Message::Close(Some(close.into_frame()))).await?;
        while socket.recv().await.transpose()?.is_some() {}
        Ok::<_, axum::Error>(())
    };
    let _gone_or_done = tokio::time::timeout(CLOSE_TIMEOUT, said).await;
}
