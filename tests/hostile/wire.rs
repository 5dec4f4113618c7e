//! Raw HTTP requests as bytes, which a normal client library would refuse to send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

/// The first response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }
}

/// A complete request.
pub(crate) fn request(token: &str, method: &str, target: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}", body.len());
    let mut headers = headers.to_vec();
    headers.push(&length);
    headed(token, method, target, &headers, body)
}

/// A request with only these headers and the token.
pub(crate) fn headed(token: &str, method: &str, target: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: clade\r\nAuthorization: {token}\r\n");
    for header in headers {
        bytes.push_str(header);
        bytes.push_str("\r\n");
    }
    bytes.push_str("Connection: close\r\n\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Sends these bytes, closes the write side if `ends`, and reads the first response, if there is one.
pub(crate) fn ask(address: &str, bytes: &[u8], ends: bool) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let mut writing = stream.try_clone().expect("a socket has a second handle");
    thread::scope(|scope| {
        scope.spawn(move || {
            // The server may already have closed the connection.
            let _cut_off = writing.write_all(bytes);
            if ends {
                let _cut_off = writing.shutdown(std::net::Shutdown::Write);
            }
        });
        let mut text = Vec::new();
        let _reset = stream.read_to_end(&mut text);
        reply(&text)
    })
}

fn reply(text: &[u8]) -> Option<Reply> {
    let end = text.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&text[..end]);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let rest = &text[end + 4..];
    let length = length.and_then(|(_, length)| length.parse().ok()).unwrap_or(rest.len());
    Some(Reply { status, body: rest[..length.min(rest.len())].to_vec(), headers })
}
