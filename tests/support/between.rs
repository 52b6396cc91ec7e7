//! A server between the program and the simulated GitLab: it passes on what it is asked, and a test may change the answers.
//!
//! It remembers its last unchanged answer to each request, so that a test can give half of the past and half of the present.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request and its answer, as they pass.
pub(crate) struct Passing<'a> {
    /// `GET /api/v4/...`, or `POST /api/graphql Snapshot`.
    pub(crate) asked: &'a str,
    pub(crate) code: u16,
    pub(crate) body: String,
    /// What the same request was answered with the last time.
    pub(crate) before: Option<String>,
    /// Whether the answer names a next page, whatever the simulated GitLab says.
    pub(crate) has_next_page: bool,
}

type Change = dyn FnMut(&mut Passing<'_>) + Send;

/// What the threads of a running one share.
struct Shared {
    /// Where the simulated GitLab is.
    upstream: String,
    url: String,
    change: Mutex<Box<Change>>,
    last: Mutex<HashMap<String, String>>,
}

/// A running one. Its threads end with the test's process; they hold nothing that anybody waits for.
pub(crate) struct Between(Arc<Shared>);

impl Between {
    pub(crate) fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (change, last) = (Mutex::new(Box::new(|_: &mut Passing<'_>| ()) as Box<Change>), Mutex::default());
        let shared = Arc::new(Shared { upstream: upstream.to_owned(), url, change, last });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&served);
                // A client that hangs up in the middle fails its own run; there is nothing to add.
                thread::spawn(move || serve(client, &shared).ok());
            }
        });
        Self(shared)
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// Changes the answers from now on.
    pub(crate) fn change(&self, change: impl FnMut(&mut Passing<'_>) + Send + 'static) {
        *self.0.change.lock().unwrap() = Box::new(change);
    }
}

/// Reads a head up to its empty line, and how long the body is.
fn head(reader: &mut impl BufRead) -> io::Result<Option<(Vec<String>, usize)>> {
    let mut lines = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            return Ok(Some((lines, length)));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        lines.push(line);
    }
}

/// Says whether a header is about the connection and not about what it carries.
fn is_of_connection(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
    ["connection", "content-length", "transfer-encoding", "accept-encoding", "host"].contains(&name.as_str())
}

/// Says whether a header is about the other pages of a list.
fn is_of_page(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["x-next-page", "x-total", "link"].iter().any(|name| line.starts_with(name))
}

/// Passes on the requests of one connection.
fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    // Heads are written line by line: each would wait for the one before it to be acknowledged.
    client.set_nodelay(true)?;
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some((lines, length)) = head(&mut reader)? {
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (code, headers, answer) = fetch(&lines, &body, shared)?;
        let mut asked = lines[0].rsplit_once(' ').map_or_else(String::new, |(asked, _)| asked.to_owned());
        if let Ok(posted) = serde_json::from_slice::<serde_json::Value>(&body) {
            asked = format!("{asked} {}", posted["operationName"].as_str().unwrap_or_default());
        }
        let before = shared.last.lock().unwrap().insert(asked.clone(), answer.clone());
        let mut passing = Passing { asked: &asked, code, body: answer, before, has_next_page: false };
        (shared.change.lock().unwrap())(&mut passing);
        let Passing { code, body, has_next_page, .. } = passing;
        write!(client, "HTTP/1.1 {code} X\r\ncontent-length: {}\r\n", body.len())?;
        let page = asked.rsplit_once("page=").and_then(|(_, page)| page.parse::<u32>().ok()).unwrap_or(1);
        for line in headers.iter().filter(|line| !has_next_page || !is_of_page(line)) {
            write!(client, "{line}\r\n")?;
        }
        if has_next_page {
            write!(client, "x-next-page: {}\r\n", page + 1)?;
        }
        write!(client, "\r\n{body}")?;
    }
    Ok(())
}

/// Asks the simulated GitLab; its own address in the answer becomes ours.
fn fetch(lines: &[String], body: &[u8], shared: &Shared) -> io::Result<(u16, Vec<String>, String)> {
    let address = shared.upstream.trim_start_matches("http://");
    let mut server = TcpStream::connect(address)?;
    server.set_nodelay(true)?;
    write!(server, "{}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n", lines[0], body.len())?;
    for line in lines[1..].iter().filter(|line| !is_of_connection(line)) {
        write!(server, "{line}\r\n")?;
    }
    server.write_all(b"\r\n")?;
    server.write_all(body)?;
    let mut reader = BufReader::new(server);
    let (lines, length) = head(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let code = lines[0].split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let body = String::from_utf8_lossy(&body).replace(&shared.upstream, &shared.url);
    let headers = lines[1..].iter().filter(|line| !is_of_connection(line)).cloned().collect();
    Ok((code, headers, body))
}
