//! The table of hostile HTTP inputs, each with the expected response.

use clade::wire::json::JSON_VALUES_MAX;

use crate::support::process::packed;
use crate::wire::{headed, request};

const JSON: &str = "Content-Type: application/json";
const NDJSON: &str = "Content-Type: application/x-ndjson";
const MIB: usize = 1 << 20;

/// A hostile input with the expected responses.
pub(crate) struct Hostile {
    pub(crate) name: String,
    pub(crate) request: Vec<u8>,
    /// The accepted statuses.
    pub(crate) statuses: Vec<u16>,
    /// Whether the client disconnects before the end of its request; it may get no response.
    pub(crate) breaks_off: bool,
}

/// The token of the client, and the collected inputs.
struct Table<'t> {
    token: &'t str,
    inputs: Vec<Hostile>,
}

/// All inputs, sent with this token.
pub(crate) fn all(token: &str) -> Vec<Hostile> {
    let mut table = Table { token, inputs: Vec::new() };
    bodies(&mut table);
    bulk(&mut table);
    graphql(&mut table);
    urls(&mut table);
    heads(&mut table);
    framing(&mut table);
    table.inputs
}

impl Table<'_> {
    fn add(&mut self, name: &str, statuses: &[u16], request: Vec<u8>) -> &mut Hostile {
        let statuses = statuses.to_vec();
        self.inputs.push(Hostile { name: name.to_owned(), request, statuses, breaks_off: false });
        self.inputs.last_mut().expect("one was added")
    }

    fn post(&mut self, name: &str, statuses: &[u16], path: &str, header: &str, body: &[u8]) {
        let target = format!("/api/v2/data{path}");
        let request = request(self.token, "POST", &target, &[header], body);
        self.add(name, statuses, request);
    }

    fn person(&mut self, name: &str, statuses: &[u16], body: impl AsRef<[u8]>) {
        self.post(name, statuses, "/people", JSON, body.as_ref());
    }

    fn get(&mut self, name: &str, statuses: &[u16], target: &str) {
        let request = request(self.token, "GET", target, &[], b"");
        self.add(name, statuses, request);
    }

    fn query(&mut self, name: &str, query: &str) {
        let body = serde_json::json!({ "query": query }).to_string();
        self.graphql(name, body.as_bytes());
    }

    fn graphql(&mut self, name: &str, body: &[u8]) {
        let accept = "Accept: application/graphql-response+json";
        let request = request(self.token, "POST", "/graphql", &[JSON, accept], body);
        self.add(name, &[400, 413], request);
    }
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn bodies(table: &mut Table) {
    let with = |note: &str| format!("{{\"email\":\"x@y.example\",\"note\":{note}}}");
    table.person("10 MB of nested JSON", &[413], with(&nested(5 * MIB)));
    table.person("as much nested JSON as a body may have", &[400], with(&nested(MIB / 2 - 100)));
    table.person("nested JSON that never closes", &[400], "[".repeat(MIB - 1));
    table.person("nested objects", &[400], "{\"a\":".repeat(200_000));
    table.person("half a million numbers", &[400], with(&format!("[{}0]", "0,".repeat(MIB / 2 - 100))));
    table.person("duplicate keys", &[400], r#"{"email":"x@y.example","email":"z@y.example"}"#);
    table.person("duplicate keys, one escaped", &[400], r#"{"email":"x@y.example","\u0065mail":"z@y"}"#);
    table.person("a lone high surrogate", &[400], r#"{"email":"\ud800@y.example"}"#);
    table.person("a lone low surrogate", &[400], r#"{"email":"\udc00@y.example"}"#);
    table.person("surrogates in the wrong order", &[400], r#"{"email":"\udc00\ud800@y.example"}"#);
    table.person("a surrogate as UTF-8", &[400], b"{\"email\":\"\xed\xa0\x80@y.example\"}");
    table.person("overlong UTF-8", &[400], b"{\"email\":\"\xc0\xae@y.example\"}");
    table.person("NUL as it is", &[400], b"{\"email\":\"x\0@y.example\"}");
    table.person("NUL escaped", &[422], r#"{"email":"x\u0000@y.example"}"#);
    table.person("NUL in a name", &[422], r#"{"email":"x@y.example","firstName":"a\u0000b"}"#);
    let long = "x".repeat(900_000);
    table.person("a long email", &[422], format!("{{\"email\":\"{long}@y.example\"}}"));
    table.person("a long name", &[422], format!("{{\"email\":\"x@y.example\",\"firstName\":\"{long}\"}}"));
    table.person("1 MB of text", &[413], with(&format!("\"{}\"", "x".repeat(MIB))));
    table.person("a number without end", &[400, 422], with(&"9".repeat(MIB / 2)));
    table.person("an exponent", &[400, 422], with("1e999999999"));
    table.person("UTF-16", &[400], b"\xff\xfe{\0}\0");
    table.person("nothing but spaces", &[400], " ".repeat(MIB - 1));
    let path = format!("{{\"email\":\"x@y.example\",\"team\":\"{long}\"}}");
    table.person("a long team", &[422], path);
    // These are valid except for one thing at the end.
    let most = with(&format!("[{}0]", "0,".repeat(JSON_VALUES_MAX - 10)));
    table.person("as many values as a body may have", &[422], most.replace("x@y.example", "nobody"));
    let most = with(&format!("[{}0]", "0,".repeat(JSON_VALUES_MAX)));
    table.person("more values than a body may have", &[400], most);
}

fn bulk(table: &mut Table) {
    let gzip = "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip";
    let member = packed(&"\n".repeat(MIB));
    table.post("a gzip bomb of 1 GB", &[413], "/bulk", gzip, &member.repeat(1_024));
    let member = packed(&format!("{{\"kind\":\"person\",\"note\":\"{}\"}}\n", "x".repeat(MIB / 2)));
    table.post("a gzip bomb of records", &[413], "/bulk", gzip, &member.repeat(200));
    table.post("gzip that is none", &[400], "/bulk", gzip, b"{\"kind\":\"person\"}");
    table.post("gzip that breaks off", &[400], "/bulk", gzip, &member[..member.len() / 2]);
    table.post(
        "gzip with a wrong sum",
        &[400],
        "/bulk",
        gzip,
        &[&member[..member.len() - 8], &[0; 8]].concat(),
    );
    table.post("gzip of nothing", &[400], "/bulk", gzip, b"");
    let twice = "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip, gzip";
    table.post("gzip in gzip", &[415], "/bulk", twice, &member);
    let packed_json = "Content-Type: application/json\r\nContent-Encoding: gzip";
    table.post("gzip where none is taken", &[415], "/people", packed_json, &member);
    let line =
        format!("{{\"kind\":\"person\",\"email\":\"x@y.example\",\"note\":\"{}\"}}", "x".repeat(2 * MIB));
    table.post("a line larger than a record", &[400, 413, 422], "/bulk", NDJSON, line.as_bytes());
    table.post("a line of nested JSON", &[400], "/bulk", NDJSON, nested(MIB / 2 - 1).as_bytes());
    let line =
        format!("{{\"kind\":\"person\",\"email\":\"x@y.example\",\"note\":\"{}\"}}\n", "x".repeat(MIB - 100));
    let lines = [line.repeat(63), "{\"kind\":\"person\"}".to_owned()].concat();
    table.post("64 MB of good lines before a bad one", &[422], "/bulk", NDJSON, lines.as_bytes());
    table.post("66 MB", &[413], "/bulk", NDJSON, &b"{}\n".repeat(22 * MIB));
    let large = b"Content-Length: 9223372036854775807\r\nExpect: 100-continue";
    let large = String::from_utf8_lossy(large).into_owned();
    let request = headed(table.token, "POST", "/api/v2/data/bulk", &[NDJSON, &large], b"");
    table.add("a body of 8 EB", &[413], request);
}

fn graphql(table: &mut Table) {
    let aliases = |count: usize| (0..count).map(|n| format!("a{n}:revision")).collect::<Vec<_>>().join(" ");
    table.query("a million aliases", &format!("{{{}}}", aliases(1_000_000)));
    table.query("many aliases", &format!("{{{}}}", aliases(20_000)));
    table.query(
        "as many good fields as a document has room for",
        &format!("{{{}}}", "revision ".repeat(7_000)),
    );
    table.query("more good fields than that", &format!("{{{}}}", "revision ".repeat(50_000)));
    let spread = "...f ".repeat(250);
    let fields = "revision __typename ".repeat(50);
    let document = format!("{{{spread}}} fragment f on Query{{{fields}}}");
    table.query("tens of thousands of good fields by fragments", &document);
    let operations = (0..1_000).map(|n| format!("query q{n}{{revision}}")).collect::<Vec<_>>();
    table.query("a thousand good operations", &operations.join(" "));
    table.query("braces", &"{a".repeat(100_000));
    table.query("lists in a variable", &format!("{{node(id:{}) {{id}}}}", nested(100_000)));
    table.query("directives", &format!("{{revision {}}}", "@a".repeat(100_000)));
    table.query("NUL", "{\0revision}");
    table.query("NUL in a text", r#"{person(email:"\u{0}")}"#);
    table.query("a lone surrogate", r#"{person(email:"\ud800") {email}}"#);
    table.query("a text without end", &format!("{{person(email:\"{}", "x".repeat(MIB)));
    let spread = |n: usize| format!("fragment f{n} on Query{{...f{0} ...f{0}}}", n + 1);
    let spread = (0..40).map(spread).collect::<Vec<_>>().join(" ");
    table.query("fragments that double", &format!("{{...f0}} {spread} fragment f40 on Query{{revision}}"));
    table.query("fragments in a ring", "{...a} fragment a on Query{...b} fragment b on Query{...a}");
    table.graphql("nested JSON", nested(MIB).as_bytes());
    table.graphql(
        "nested variables",
        format!("{{\"query\":\"{{revision}}\",\"variables\":{{\"a\":{}}}}}", nested(100_000)).as_bytes(),
    );
    table.graphql("a batch", b"[{\"query\":\"{revision}\"},{\"query\":\"{revision}\"}]");
    table.graphql("10 MB", " ".repeat(10 * MIB).as_bytes());
    let form = "Content-Type: application/x-www-form-urlencoded";
    let request = request(table.token, "POST", "/graphql", &[form], b"query=%7Brevision%7D");
    table.add("a form", &[415], request);
}

fn urls(table: &mut Table) {
    for (segment, statuses) in [
        ("%00", &[404][..]),
        ("a%00@b", &[404]),
        ("%2e%2e", &[404]),
        ("%2e%2e%2f%2e%2e%2fetc%2fpasswd", &[404]),
        ("..", &[404]),
        ("../../../etc/passwd", &[404]),
        ("%252e%252e%252f", &[404]),
        ("%2500", &[404]),
        ("%ff", &[400]),
        ("%c0%ae%c0%ae", &[400]),
        ("%ed%a0%80", &[400]),
        ("%", &[404]),
        ("%zz", &[404]),
        ("%u0041", &[404]),
        ("a@b;x=1", &[404]),
    ] {
        table.get(&format!("people/{segment}"), statuses, &format!("/api/v2/data/people/{segment}"));
        table.get(&format!("docs/{segment}"), &[400, 404], &format!("/docs/{segment}"));
    }
    let data = "/api/v2/data";
    table.get("a path of slashes", &[404], &format!("{data}{}", "/".repeat(60_000)));
    table.get("a long key", &[404], &format!("{data}/people/{}@b", "x".repeat(60_000)));
    table.get("a long url", &[414, 431], &format!("{data}/people/{}", "x".repeat(200_000)));
    table.get("thousands of unknown parameters", &[400], &format!("{data}/people?{}", "a=1&".repeat(15_000)));
    table.get("thousands of sorts", &[400], &format!("{data}/people?{}", "sort=email&".repeat(5_000)));
    table.get("a parameter of bad UTF-8", &[400], &format!("{data}/people?q=%ff"));
    table.get("a limit beyond all numbers", &[400], &format!("{data}/people?limit={}", "9".repeat(1_000)));
    table.get("a cursor that is none", &[422], &format!("{data}/people?cursor={}", "A".repeat(10_000)));
    let accept = "Accept: application/graphql-response+json";
    let request = request(table.token, "GET", "/graphql?query=%00", &[accept], b"");
    table.add("a query of NUL", &[400], request);
}

fn heads(table: &mut Table) {
    let people = "/api/v2/data/people";
    let long = "x".repeat(100_000);
    let large = request(table.token, "GET", people, &[&format!("X-Large: {long}")], b"");
    table.add("a header of 100 kB", &[431], large);
    let many: Vec<String> = (0..1_000).map(|n| format!("X-{n}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = request(table.token, "GET", people, &many, b"");
    table.add("a thousand headers", &[431], many);
    let token = request(&"x".repeat(50_000), "GET", people, &[], b"");
    table.add("a token of 50 kB", &[401], token);
    let binary = b"GET /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\r\nConnection: close\r\n\r\n";
    table.add("a token of bytes", &[401], binary.to_vec());
    let two = request(table.token, "GET", people, &[&format!("Authorization: {}", table.token)], b"");
    table.add("two tokens", &[401], two);
    for (name, line) in [
        ("NUL in a header", "X-A: a\0b"),
        ("a folded header", "X-A: a\r\n b"),
        ("a header without a name", ": a"),
        ("a space before the colon", "Transfer-Encoding : chunked"),
        ("a carriage return alone", "X-A: a\rX-B: b"),
    ] {
        let request = headed(table.token, "GET", people, &[line], b"");
        table.add(name, &[400], request);
    }
    for (name, text) in [
        ("no HTTP at all", &b"\0\x01\x02\x03\r\n\r\n"[..]),
        ("HTTP/0.9", b"GET /\r\n\r\n"),
        ("HTTP/3.0", b"GET / HTTP/3.0\r\nHost: x\r\n\r\n"),
        ("TLS where there is none", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ] {
        table.add(name, &[400], text.to_vec()).breaks_off = name.contains("TLS");
    }
    for method in ["TRACE", "OPTIONS", "PROPFIND", &"M".repeat(10_000)] {
        let request = request(table.token, method, people, &[], b"");
        table.add(&method[..5], &[400, 405], request);
    }
    let accept =
        request(table.token, "GET", people, &[&format!("Accept: {}", "a/b;q=0,".repeat(5_000))], b"");
    table.add("thousands of media types", &[400, 406], accept);
}

/// Wrong lengths, and request smuggling.
fn framing(table: &mut Table) {
    let person = br#"{"email":"x@y"}"#;
    let chunks = b"2\r\n{}\r\n0\r\n\r\n";
    let chunked = "Transfer-Encoding: chunked";
    for (name, statuses, headers, body) in [
        ("a length that is more", &[400][..], &["Content-Length: 1000"][..], &person[..]),
        ("a length that is less", &[400], &["Content-Length: 3"], person),
        ("a length below zero", &[400], &["Content-Length: -1"], person),
        ("a length with a sign", &[400], &["Content-Length: +15"], person),
        ("a length in words", &[400], &["Content-Length: 0xf"], person),
        ("a length beyond all numbers", &[400], &["Content-Length: 99999999999999999999999"], person),
        ("two lengths", &[400], &["Content-Length: 15", "Content-Length: 3"], person),
        ("two lengths in one", &[400], &["Content-Length: 15, 3"], person),
        ("no length", &[400], &[], person),
        ("chunks with a length", &[400, 422], &[chunked, "Content-Length: 5"], chunks),
        ("a length with chunks", &[400, 422], &["Content-Length: 5", chunked], chunks),
        ("another coding", &[400], &["Transfer-Encoding: gzip"], chunks),
        ("chunks within another coding", &[400], &["Transfer-Encoding: chunked, identity"], chunks),
        ("a coding that looks like chunks", &[400], &["Transfer-Encoding: xchunked"], chunks),
        ("two codings", &[400, 422], &[chunked, chunked], chunks),
        ("a chunk of no number", &[400], &[chunked], b"z\r\n{}\r\n0\r\n\r\n"),
        ("a chunk beyond all numbers", &[400], &[chunked], b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("a chunk larger than it says", &[400], &[chunked], b"1\r\n{}\r\n0\r\n\r\n"),
        ("chunks that never end", &[400], &[chunked], b"2\r\n{}\r\n"),
        ("lines that end in LF alone", &[400], &[chunked], b"2\n{}\n0\n\n"),
    ] {
        let mut all = vec![JSON];
        all.extend_from_slice(headers);
        let request = headed(table.token, "POST", "/api/v2/data/people", &all, body);
        // If there are several responses, the first counts.
        table.add(name, statuses, request).breaks_off = name.contains("more") || name.contains("never end");
    }
    let endless = [b"100000\r\n", &b"x".repeat(MIB)[..], b"\r\n"].concat().repeat(3);
    let request = headed(table.token, "POST", "/api/v2/data/people", &[JSON, chunked], &endless);
    table.add("chunks without end", &[400, 413], request).breaks_off = true;
    let extended = [b"1;", &b"x".repeat(100_000)[..], b"\r\n{\r\n0\r\n\r\n"].concat();
    let request = headed(table.token, "POST", "/api/v2/data/people", &[JSON, chunked], &extended);
    table.add("a chunk with an extension of 100 kB", &[400], request);
    let trailers = [b"2\r\n{}\r\n0\r\n".to_vec(), b"X-A: 1\r\n".repeat(10_000), b"\r\n".to_vec()].concat();
    let request = headed(table.token, "POST", "/api/v2/data/people", &[JSON, chunked], &trailers);
    table.add("thousands of trailers", &[400, 422], request);
}
