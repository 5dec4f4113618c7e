//! HTTP/2 by hand, as no library speaks it: many requests over one connection, of whose answers nothing is taken.

use std::io::{Read, Write};
use std::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// Of settings and pings: I have heard.
const ACK: u8 = 1;
/// Of headers: all of them, and no body follows.
const WHOLE: u8 = 4 | 1;
/// Places of names in the table that HPACK begins with.
const AUTHORITY: usize = 1;
const PATH: usize = 4;
const ACCEPT: usize = 19;
const AUTHORIZATION: usize = 23;
/// `:method: GET` and `:scheme: http` are in it with their values, and so is `:status: 200`.
const GET_HTTP: [u8; 2] = [0x82, 0x86];
const STATUS_200: u8 = 0x88;

/// A connection whose window is never opened further than it is at first.
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

    /// Asks for the same so many times at once, and returns how many of the answers begin with 200 once all have begun.
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

/// A header whose name is in the table and whose value is not, as HPACK has it, kept by nobody.
fn literal(block: &mut Vec<u8>, name: usize, value: &str) {
    integer(block, 0xf, name);
    integer(block, 0x7f, value.len());
    block.extend(value.bytes());
}

/// A number that begins in the bits of `mask`.
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
