//! WebSocket close: the close codes of graphql-transport-ws and RFC 6455, and the closing handshake.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};

/// Maximum length of a close reason, in bytes: a control frame has 125, and the code takes two of them (RFC 6455, 5.5).
const REASON_MAX: usize = 123;
/// Timeout of the closing handshake.
pub(in crate::server) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A close code and reason.
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

    /// The server is at a limit at present.
    // 1013 is registered with IANA; RFC 6455 itself has no code for it.
    pub(in crate::server) fn try_again_later(why: impl Into<String>) -> Self {
        Self::new(1013, why)
    }

    /// The server is shutting down.
    pub(in crate::server) fn going_away() -> Self {
        Self::new(1001, "the server is shutting down; reconnect")
    }

    fn into_frame(self) -> CloseFrame {
        let Self(code, mut reason) = self;
        // At a character boundary: a reason must be UTF-8, and `truncate` panics within a character.
        reason.truncate(reason.floor_char_boundary(REASON_MAX));
        CloseFrame { code, reason: reason.into() }
    }
}

/// Sends the close frame and reads until the client answers it, or [`CLOSE_TIMEOUT`] has passed.
pub(in crate::server) async fn close_socket(mut socket: WebSocket, close: Close) {
    // Closing a TCP connection with unread data sends a reset, which may discard the close frame before the client has
    // read it. Hence everything that the client still sends is read.
    let handshake = async {
        socket.send(Message::Close(Some(close.into_frame()))).await?;
        while socket.recv().await.transpose()?.is_some() {}
        Ok::<_, axum::Error>(())
    };
    let _closed_or_gone = tokio::time::timeout(CLOSE_TIMEOUT, handshake).await;
}
