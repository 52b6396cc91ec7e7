//! The smallest HTTP client that delivers: one connection to this machine, kept open.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// GitLab waits ten seconds for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct HookConnection {
    host: String,
    path: String,
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl HookConnection {
    /// Takes apart the URL; fails unless it leads to this machine.
    pub(super) fn to(url: &str) -> io::Result<Self> {
        let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{url}: {text}"));
        let rest = url.strip_prefix("http://").ok_or_else(|| invalid("a webhook goes to http://127.0.0.1:PORT"))?;
        let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
        let named = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let address = named.to_socket_addrs()?.find(|address| address.ip().is_loopback());
        let address = address.ok_or_else(|| invalid("a webhook goes to this machine only"))?;
        Ok(Self { host: host.to_owned(), path: format!("/{path}"), address, stream: None })
    }

    /// Sends one delivery and returns the status of its answer.
    pub(super) fn post(&mut self, headers: &[(&'static str, String)], body: &str) -> io::Result<u16> {
        let mut head =
            format!("POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.path, self.host, body.len());
        for (name, value) in headers {
            // Writing into memory does not fail.
            let _ = write!(head, "{name}: {}\r\n", value.replace(['\r', '\n'], " "));
        }
        head.push_str("\r\n");
        head.push_str(body);
        let kept = self.stream.is_some();
        match self.exchange(&head) {
            // A kept connection may have been closed meanwhile.
            Err(_) if kept => self.exchange(&head),
            answer => answer,
        }
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn exchange(&mut self, request: &str) -> io::Result<u16> {
        let mut stream = self.stream.take().map_or_else(|| self.connect(), Ok)?;
        stream.get_mut().write_all(request.as_bytes())?;
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "the receiver of a webhook does not speak HTTP");
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
        let mut length = None;
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<u64>().ok();
            }
        }
        // Without a length the end of the answer is that of the connection.
        if let Some(length) = length {
            io::copy(&mut (&mut stream).take(length), &mut io::sink())?;
            self.stream = Some(stream);
        }
        Ok(status)
    }
}
