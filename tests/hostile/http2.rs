//! A raw HTTP/2 client that opens many streams over one connection and never reads the responses (no window updates).

use std::io::{Read, Write};
use std::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// Flag ACK of SETTINGS and PING frames.
const ACK: u8 = 1;
/// Flags `END_HEADERS` and `END_STREAM` of HEADERS frames.
const WHOLE: u8 = 4 | 1;
/// Indexes of names in HPACK's static table.
const AUTHORITY: usize = 1;
const PATH: usize = 4;
const ACCEPT: usize = 19;
const AUTHORIZATION: usize = 23;
/// Indexes of `:method: GET`, `:scheme: http` and `:status: 200`, which the static table has with their values.
const GET_HTTP: [u8; 2] = [0x82, 0x86];
const STATUS_200: u8 = 0x88;

/// A connection that never sends a window update.
pub(crate) struct Connection(TcpStream);

struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        let mut connection = Self(TcpStream::connect(address).unwrap());
        connection.0.write_all(PREFACE).unwrap();
        connection.send(SETTINGS, 0, 0, &[]);
        connection
    }

    /// Sends `count` equal requests at once; returns how many responses begin with 200 once all have begun.
    pub(crate) fn ask(&mut self, token: &str, target: &str, accept: &str, count: usize) -> usize {
        let mut block = GET_HTTP.to_vec();
        for (name, value) in [(AUTHORITY, "clade"), (PATH, target), (AUTHORIZATION, token), (ACCEPT, accept)]
        {
            literal(&mut block, name, value);
        }
        for at in 0..count {
            self.send(HEADERS, WHOLE, u32::try_from(2 * at + 1).unwrap(), &block);
        }
        let (mut begun, mut good) = (0, 0);
        while begun < count {
            let frame = self.hear();
            match frame.kind {
                HEADERS => {
                    begun += 1;
                    good += usize::from(frame.payload.first() == Some(&STATUS_200));
                }
                SETTINGS | PING if frame.flags & ACK == 0 => {
                    let echoed = if frame.kind == PING { frame.payload } else { Vec::new() };
                    self.send(frame.kind, ACK, 0, &echoed);
                }
                GOAWAY => panic!("the connection is ended: {}", String::from_utf8_lossy(&frame.payload)),
                _ => {}
            }
        }
        good
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).unwrap();
    }

    fn hear(&mut self) -> Frame {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).unwrap();
        Frame { kind: head[3], flags: head[4], payload }
    }
}

/// HPACK literal without indexing: the name from the static table, the value as text.
fn literal(block: &mut Vec<u8>, name: usize, value: &str) {
    integer(block, 0xf, name);
    integer(block, 0x7f, value.len());
    block.extend(value.bytes());
}

/// HPACK integer with its prefix in the bits of `mask`.
fn integer(block: &mut Vec<u8>, mask: u8, number: usize) {
    let Some(mut rest) = number.checked_sub(usize::from(mask)) else {
        block.push(u8::try_from(number).unwrap());
        return;
    };
    block.push(mask);
    while rest >= 0x80 {
        block.push(u8::try_from(rest % 0x80).unwrap() | 0x80);
        rest /= 0x80;
    }
    block.push(u8::try_from(rest).unwrap());
}
