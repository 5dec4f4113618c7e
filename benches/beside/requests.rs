//! Requests as bytes. Where a text holds [`NUMBER`], each request has another number, so that no cache answers it.

/// Where the number of a request goes.
pub(crate) const NUMBER: &str = "«n»";

/// A path to GET, or something to POST.
#[derive(Clone)]
pub(crate) enum Question {
    Get(String),
    Document(String),
    Record { path: &'static str, body: String },
}

/// Questions asked in turn with one token.
#[derive(Clone)]
pub(crate) struct Requests {
    pub(crate) questions: Vec<Question>,
    pub(crate) token: String,
    /// Numbers begin anew after this one.
    pub(crate) numbers: usize,
}

impl Requests {
    pub(crate) fn new(token: &str, questions: Vec<Question>) -> Self {
        Self { questions, token: token.to_owned(), numbers: usize::MAX }
    }

    /// The request with this number.
    pub(crate) fn nth(&self, number: usize) -> Vec<u8> {
        let question = &self.questions[number % self.questions.len()];
        let number = (number % self.numbers).to_string();
        let numbered = |text: &str| text.replace(NUMBER, &number);
        match question {
            Question::Get(path) => get(&numbered(path), &self.token, ""),
            Question::Document(document) => post("/graphql", &self.token, &body_of(&numbered(document))),
            Question::Record { path, body } => post(path, &self.token, &numbered(body)),
        }
    }
}

/// A GET, with more headers, each ended.
pub(crate) fn get(path: &str, token: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
        .into_bytes()
}

fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/graphql-response+json, application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A document as JSON. Documents here hold no backslash and no control character but the end of a line.
fn body_of(document: &str) -> String {
    format!("{{\"query\":\"{}\"}}", document.replace('"', "\\\"").replace('\n', " "))
}
