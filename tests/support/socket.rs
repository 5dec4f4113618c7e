//! A WebSocket client of `/graphql/ws`, which speaks graphql-transport-ws message by message.

use std::fmt::Display;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::HandshakeError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

pub(crate) const PROTOCOL: &str = "graphql-transport-ws";

/// A WebSocket client.
pub(crate) struct Client(pub(crate) WebSocket<TcpStream>);

impl Client {
    pub(crate) fn connect(
        address: impl ToSocketAddrs + Display,
        protocol: &str,
        authorization: Option<&str>,
    ) -> Self {
        let headers = [("authorization", authorization), ("sec-websocket-protocol", Some(protocol))];
        Self::try_connect(address, &headers).unwrap_or_else(|status| panic!("{status}"))
    }

    /// Connects with these headers, or returns the HTTP status of the refusal.
    pub(crate) fn try_connect(
        address: impl ToSocketAddrs + Display,
        headers: &[(&'static str, Option<&str>)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        for (name, value) in headers {
            if let Some(value) = value {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
        }
        let stream = TcpStream::connect(address).unwrap();
        // A test must fail rather than wait forever.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        match client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Connects and authenticates with this token.
    pub(crate) fn let_in(address: impl ToSocketAddrs + Display, token: &str) -> Self {
        let mut client = Self::connect(address, PROTOCOL, None);
        client.say(&json!({"type": "connection_init", "payload": {"Authorization": token}}));
        assert_eq!(client.hear(), json!({"type": "connection_ack"}));
        client
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    pub(crate) fn say_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    pub(crate) fn subscribe(&mut self, id: &str, query: &str) {
        self.say(&json!({"id": id, "type": "subscribe", "payload": {"query": query}}));
    }

    pub(crate) fn hear(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// Waits for the close frame and returns its code and reason. Earlier messages are skipped.
    pub(crate) fn closed(mut self) -> (u16, String) {
        loop {
            match self.0.read() {
                Ok(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.to_string()),
                Ok(Message::Text(_) | Message::Ping(_)) => {}
                other => panic!("not closed with a code: {other:?}"),
            }
        }
    }
}
