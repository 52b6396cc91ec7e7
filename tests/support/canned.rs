//! A web server that says what a test tells it to: one answer per path, nothing of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Returns status, header lines and body for a path with its query.
type Answer = dyn Fn(&str) -> (u16, String, String) + Send + Sync;

/// The header line of JSON.
pub(crate) const JSON: &str = "content-type: application/json\r\n";

/// A running one. Its threads end with the test's process; they hold nothing that anybody waits for.
pub(crate) struct Canned {
    url: String,
    /// The head of each request so far, its lines ending with a line feed.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// Starts one that answers JSON.
    pub(crate) fn start(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::with_headers(move |path| {
            let (code, body) = answer(path);
            (code, JSON.into(), body)
        })
    }

    pub(crate) fn with_headers(answer: impl Fn(&str) -> (u16, String, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer: Arc<Answer> = Arc::new(answer);
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&heads);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                // A client that hangs up in the middle fails its own run; there is nothing to add.
                std::thread::spawn(move || serve(client, &*answer, &noted).ok());
            }
        });
        Self { url, heads }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the head of each request so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Answers the requests of one connection.
fn serve(mut client: TcpStream, answer: &Answer, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    loop {
        let mut head = String::new();
        // An empty line ends the head.
        while reader.read_line(&mut head)? > 2 {}
        if head.is_empty() {
            return Ok(());
        }
        let head = head.replace('\r', "");
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        reader.read_exact(&mut vec![0; length.unwrap_or(0)])?;
        noted.lock().unwrap().push(format!("{}\n", head.trim_end()));
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (code, headers, body) = answer(path);
        let head = format!("HTTP/1.1 {code} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
        client.write_all(head.as_bytes())?;
        client.write_all(body.as_bytes())?;
    }
}
