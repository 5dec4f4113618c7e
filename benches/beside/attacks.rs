//! Memory exhaustion attacks on the server: expensive GraphQL documents, half-sent bodies, unread responses, idle
//! WebSockets. Each runs until it is stopped. All but the half-sent bodies work with read-only tokens too.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::figures::Outcomes;
use crate::http::connect;
use crate::load::ask_until;
use crate::questions;
use crate::requests::{Question, Requests, get};

/// Half-sent bodies per token at a time, and the `Content-Length` of each.
const BODIES_A_TOKEN: usize = 4;
const BODY_BYTES: usize = 32 << 20;
/// Bytes of a body per write.
const PART_BYTES: usize = 64 << 10;
/// Requests per token whose responses are not read.
const UNREAD_A_TOKEN: usize = 16;
/// WebSockets that send no operations; half of them authenticate.
const SOCKETS: usize = 600;
/// Pause before a broken connection is opened again.
const AFTER_BREAK: Duration = Duration::from_millis(250);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// `{"type":"connection_init"}` as a WebSocket frame, masked with zeros.
const FIRST_MESSAGE: [u8; 32] = *b"\x81\x9a\0\0\0\0{\"type\":\"connection_init\"}";

/// The target of an attack and its parameters.
pub(crate) struct Scene<'a> {
    pub(crate) address: SocketAddr,
    /// Tokens with the role `write`.
    pub(crate) tokens: &'a [String],
    pub(crate) clients: usize,
    pub(crate) stop: &'a AtomicBool,
}

/// Runs until it is stopped; returns the outcomes of its requests.
pub(crate) type Attack = fn(&Scene) -> Outcomes;

/// The document of sixty bytes whose result multiplies with each step, by all clients with one token.
pub(crate) fn up_and_down(scene: &Scene) -> Outcomes {
    documents(scene, vec![Question::Document(questions::UP_AND_DOWN.to_owned())])
}

/// Expensive documents in turn, by all clients with one token.
pub(crate) fn costly_documents(scene: &Scene) -> Outcomes {
    documents(scene, questions::costly())
}

fn documents(scene: &Scene, questions: Vec<Question>) -> Outcomes {
    let requests = Requests::new(&scene.tokens[0], questions);
    ask_until(scene.address, &requests, scene.clients, &AtomicUsize::new(1), scene.stop).outcomes
}

/// All attacks at once.
pub(crate) fn all(scene: &Scene) -> Outcomes {
    let all: [Attack; 5] = [up_and_down, costly_documents, half_sent_bodies, unread_answers, idle_sockets];
    at_once(all.into_iter().map(|attack| move || attack(scene)).collect())
}

/// Bodies of 32 MiB of which only half is sent.
pub(crate) fn half_sent_bodies(scene: &Scene) -> Outcomes {
    let bodies = scene.tokens.iter().flat_map(|token| [token; BODIES_A_TOKEN]);
    at_once(bodies.map(|token| move || again(scene, || half_sent(scene, token))).collect())
}

/// Requests for whole lists of whose responses only the status line is read.
pub(crate) fn unread_answers(scene: &Scene) -> Outcomes {
    let answers = scene.tokens.iter().flat_map(|token| [token; UNREAD_A_TOKEN]);
    at_once(answers.map(|token| move || again(scene, || unread(scene, token))).collect())
}

/// Idle GraphQL WebSockets: half of them authenticate and send nothing more, half send nothing at all.
pub(crate) fn idle_sockets(scene: &Scene) -> Outcomes {
    let sockets = (0..SOCKETS).map(|number| scene.tokens.get(number % (2 * scene.tokens.len())));
    at_once(sockets.map(|token| move || again(scene, || idle_socket(scene, token))).collect())
}

/// Runs each attack on its own thread.
fn at_once<F: FnOnce() -> Outcomes + Send>(attacks: Vec<F>) -> Outcomes {
    let mut all = Outcomes::default();
    thread::scope(|scope| {
        let running: Vec<_> = attacks.into_iter().map(|attack| scope.spawn(attack)).collect();
        for one in running {
            all.add(one.join().unwrap());
        }
    });
    all
}

/// Repeats an attack whenever the server ends it, until it is stopped.
fn again(scene: &Scene, attack: impl Fn() -> std::io::Result<String>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    while !scene.stop.load(Ordering::Relaxed) {
        outcomes.count(attack().unwrap_or_else(|error| format!("{:?}", error.kind())));
        if !scene.stop.load(Ordering::Relaxed) {
            thread::sleep(AFTER_BREAK);
        }
    }
    outcomes
}

fn half_sent(scene: &Scene, token: &str) -> std::io::Result<String> {
    let mut stream = connect(scene.address)?;
    let head = format!(
        "POST /api/v2/data/bulk HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let part = vec![b'\n'; PART_BYTES];
    for _ in 0..BODY_BYTES / 2 / PART_BYTES {
        if scene.stop.load(Ordering::Relaxed) || stream.write_all(&part).is_err() {
            break;
        }
    }
    Ok(until_it_ends(scene, &mut stream)?.unwrap_or("held".to_owned()))
}

fn unread(scene: &Scene, token: &str) -> std::io::Result<String> {
    let mut stream = connect(scene.address)?;
    stream.write_all(&get("/api/v2/data/people", token, ""))?;
    let status = status(scene, &mut stream)?;
    while status == "200" && !scene.stop.load(Ordering::Relaxed) {
        thread::sleep(POLL_INTERVAL);
    }
    Ok(if status == "200" { "held".to_owned() } else { status })
}

fn idle_socket(scene: &Scene, token: Option<&String>) -> std::io::Result<String> {
    let mut stream = connect(scene.address)?;
    let authorization = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let upgrade = format!(
        "GET /graphql/ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{authorization}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes())?;
    let status = status(scene, &mut stream)?;
    if status != "101" {
        return Ok(status);
    }
    if token.is_some() {
        stream.write_all(&FIRST_MESSAGE)?;
    }
    match until_it_ends(scene, &mut stream)? {
        None => Ok("held".to_owned()),
        Some(_) => Ok("closed".to_owned()),
    }
}

/// Reads no more of the response than the status.
fn status(scene: &Scene, stream: &mut TcpStream) -> std::io::Result<String> {
    let mut line = [0; 12];
    let mut filled = 0;
    while filled < line.len() && !scene.stop.load(Ordering::Relaxed) {
        match stream.read(&mut line[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(line.get(9..filled).unwrap_or(b"stopped")).into_owned())
}

/// Reads until the server closes the connection, and returns the response's status. `None` if the attack is stopped
/// first.
fn until_it_ends(scene: &Scene, stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut part = vec![0; 4 << 10];
    let mut first = None;
    while !scene.stop.load(Ordering::Relaxed) {
        match stream.read(&mut part) {
            Ok(0) => return Ok(Some(first.unwrap_or("closed".to_owned()))),
            Ok(count) => {
                let status =
                    part[..count].get(9..12).map(|status| String::from_utf8_lossy(status).into_owned());
                first = first.or(status);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
