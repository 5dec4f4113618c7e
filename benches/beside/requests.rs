//! HTTP requests as bytes. A text that contains [`NUMBER`] gets a different number in each request, so that the
//! response cache never answers it.

/// Placeholder of the number of a request.
pub(crate) const NUMBER: &str = "«n»";

/// A path to GET, a GraphQL document, or a record to POST.
#[derive(Clone)]
pub(crate) enum Question {
    Get(String),
    Document(String),
    Record { path: &'static str, body: String },
}

/// Requests that are sent in turn with one token.
#[derive(Clone)]
pub(crate) struct Requests {
    pub(crate) questions: Vec<Question>,
    pub(crate) token: String,
    /// Numbers are taken modulo this.
    pub(crate) numbers: usize,
}

impl Requests {
    pub(crate) fn new(token: &str, questions: Vec<Question>) -> Self {
        Self { questions, token: token.to_owned(), numbers: usize::MAX }
    }

    /// Builds the request with this number.
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

/// A GET request. `headers` are more header lines, each with its line break.
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

/// A document as a JSON body. Documents here contain no backslash and no control character but line breaks.
fn body_of(document: &str) -> String {
    format!("{{\"query\":\"{}\"}}", document.replace('"', "\\\"").replace('\n', " "))
}
