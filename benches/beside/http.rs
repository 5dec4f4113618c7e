//! An HTTP/1.1 client over one keep-alive connection: `Content-Length`, chunked bodies, timeouts.
//!
//! It stores only the beginning of a body, so that large responses cost the client little.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How much of a body is stored by default.
const KEPT_BYTES: usize = 4 << 10;
/// Size of the read buffer.
const BUFFER_BYTES: usize = 128 << 10;
/// How often a waiting client checks whether it should stop.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum length of a header line.
const LINE_MAX_BYTES: usize = 16 << 10;

/// An HTTP response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    /// The beginning of the body.
    pub(crate) body: String,
    /// Whether the server closes the connection afterwards.
    closes: bool,
}

impl Answer {
    /// The status, with the error code if there is one.
    pub(crate) fn outcome(&self) -> String {
        let is_error = self.status >= 400 || self.body.contains("\"errors\":[");
        let code = self.body.split_once("\"code\":\"").and_then(|(_, rest)| rest.split('"').next());
        match code {
            Some(code) if is_error => format!("{} {code}", self.status),
            _ if is_error => format!("{} error", self.status),
            _ => self.status.to_string(),
        }
    }
}

/// When to stop waiting for a response.
#[derive(Clone, Copy)]
pub(crate) struct Deadline<'a> {
    pub(crate) until: Instant,
    /// Stops waiting as soon as this is set.
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl Deadline<'_> {
    pub(crate) fn of(time: Duration) -> Self {
        Self { until: Instant::now() + time, stop: None }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until || self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// A client with one connection, opened on demand.
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    kept_bytes: usize,
    buffer: Vec<u8>,
    /// The range of `buffer` that was read from the socket and not consumed yet.
    unused: std::ops::Range<usize>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::keeping(address, KEPT_BYTES)
    }

    /// A client that stores at most `kept_bytes` of each body.
    pub(crate) fn keeping(address: SocketAddr, kept_bytes: usize) -> Self {
        Self { address, stream: None, kept_bytes, buffer: vec![0; BUFFER_BYTES], unused: 0..0 }
    }

    /// Sends a request and reads its response to the end. After an error the next request opens a new connection.
    pub(crate) fn ask(&mut self, request: &[u8], timeouts: Deadline) -> io::Result<Answer> {
        let response = self.exchange(request, timeouts);
        if response.as_ref().map_or(true, |answer| answer.closes) {
            self.stream = None;
        }
        response
    }

    fn exchange(&mut self, request: &[u8], timeouts: Deadline) -> io::Result<Answer> {
        if self.stream.is_none() {
            self.stream = Some(connect(self.address)?);
            self.unused = 0..0;
        }
        self.stream()?.write_all(request)?;
        let status = self.line(timeouts)?;
        let status = status.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| invalid("a response without a status"))?;
        let mut answer = Answer { status, etag: None, body: String::new(), closes: false };
        let length = self.head(&mut answer, timeouts)?;
        let mut kept = Vec::new();
        match length {
            _ if matches!(status, 204 | 304) => {}
            Length::Known(length) => self.take(length, &mut kept, timeouts)?,
            Length::Chunks => self.chunks(&mut kept, timeouts)?,
        }
        answer.body = String::from_utf8_lossy(&kept).into_owned();
        Ok(answer)
    }

    fn stream(&mut self) -> io::Result<&mut TcpStream> {
        self.stream.as_mut().ok_or_else(|| invalid("no connection"))
    }

    /// Reads the headers; returns the length of the body.
    fn head(&mut self, answer: &mut Answer, timeouts: Deadline) -> io::Result<Length> {
        let mut length = Length::Known(0);
        loop {
            let line = self.line(timeouts)?;
            let Some((name, value)) = line.split_once(':') else {
                return if line.is_empty() {
                    Ok(length)
                } else {
                    Err(invalid("a header line without a colon"))
                };
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => {
                    let value =
                        value.parse().map_err(|_| invalid("a Content-Length that is not a number"))?;
                    length = Length::Known(value);
                }
                "transfer-encoding" => length = Length::Chunks,
                "etag" => answer.etag = Some(value.to_owned()),
                "connection" => answer.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
    }

    fn chunks(&mut self, kept: &mut Vec<u8>, timeouts: Deadline) -> io::Result<()> {
        loop {
            let size = self.line(timeouts)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("a chunk without a size"))?;
            if size == 0 {
                while !self.line(timeouts)?.is_empty() {}
                return Ok(());
            }
            self.take(size, kept, timeouts)?;
            self.line(timeouts)?;
        }
    }

    /// Reads one line, without its line break.
    fn line(&mut self, timeouts: Deadline) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            let unused = &self.buffer[self.unused.clone()];
            if let Some(at) = unused.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(&unused[..at]);
                self.unused.start += at + 1;
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            line.extend_from_slice(unused);
            if line.len() > LINE_MAX_BYTES {
                return Err(invalid("a header line that is too long"));
            }
            self.fill(timeouts)?;
        }
    }

    /// Consumes `count` bytes of a body.
    fn take(&mut self, mut count: usize, kept: &mut Vec<u8>, timeouts: Deadline) -> io::Result<()> {
        while count > 0 {
            if self.unused.is_empty() {
                self.fill(timeouts)?;
            }
            let now = count.min(self.unused.len());
            let keep = now.min(self.kept_bytes.saturating_sub(kept.len()));
            kept.extend_from_slice(&self.buffer[self.unused.start..self.unused.start + keep]);
            self.unused.start += now;
            count -= now;
        }
        Ok(())
    }

    /// Reads more from the socket, once all of the buffer is consumed.
    fn fill(&mut self, timeouts: Deadline) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or_else(|| invalid("no connection"))?;
        loop {
            if timeouts.is_over() {
                return Err(ErrorKind::TimedOut.into());
            }
            match stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.unused = 0..count;
                    return Ok(());
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

enum Length {
    Known(usize),
    Chunks,
}

/// Opens a connection with a short read timeout, so that a waiting client can check whether it should stop.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(POLL_INTERVAL))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    Ok(stream)
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}
