//! A real proxy in between: who uses it, and what it gets to see.

use crate::support::Env;
use glwatch_sim::{Access, Options, Sim, TOKEN_READ_API};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A forward proxy on a port of its own: passes on plain requests, and answers a tunnel that leads nowhere.
struct Proxy {
    url: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let ears = Arc::clone(&ears);
                // A client that hangs up is none of a test's business.
                thread::spawn(move || drop(serve(client, &ears)));
            }
        });
        Self { url, heard }
    }

    /// Every byte that clients have sent.
    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

fn serve(mut client: TcpStream, ears: &Mutex<Vec<u8>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    ears.lock().unwrap().extend_from_slice(&head);
    let head = String::from_utf8_lossy(&head).into_owned();
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let mut hello = [0; 4096];
        let length = client.read(&mut hello)?;
        ears.lock().unwrap().extend_from_slice(&hello[..length]);
        return client.shutdown(Shutdown::Both);
    }
    let (method, rest) = head.split_once(" http://").ok_or(io::ErrorKind::InvalidData)?;
    let (authority, rest) = rest.split_once('/').ok_or(io::ErrorKind::InvalidData)?;
    let (line, headers) = rest.split_once("\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let mut server = TcpStream::connect(authority)?;
    write!(server, "{method} /{line}\r\nConnection: close\r\n{headers}")?;
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

fn public() -> Sim {
    Sim::start(Options::default()).unwrap()
}

#[test]
fn the_variables_name_the_proxy_and_no_proxy_names_exceptions() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);
    let cases: [Case<'_>; 6] = [
        ("http_proxy", &[], true),
        ("HTTP_PROXY", &[], true),
        ("ALL_PROXY", &[], true),
        ("https_proxy", &[], false),
        ("http_proxy", &[("NO_PROXY", "127.0.0.1")], false),
        ("ALL_PROXY", &[("no_proxy", "*")], false),
    ];
    for (name, more, is_used) in cases {
        let (sim, proxy) = (public(), Proxy::start());
        let env = more.iter().fold(Env::new().with(name, &proxy.url), |env, (name, value)| env.with(name, value));
        let output = env.run(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]).exits_with(0);
        assert_eq!(output.json()["complete"], true, "{name} {more:?}");
        let asked = proxy.heard().matches("GET http://").count();
        let expected = if is_used { sim.requests().len() } else { 0 };
        assert_eq!(asked, expected, "{name} {more:?}");
        assert!(!sim.requests().is_empty());
    }
}

#[test]
fn a_demo_asks_no_proxy() {
    let proxy = Proxy::start();
    let env = ["http_proxy", "ALL_PROXY"].iter().fold(Env::new(), |env, name| env.with(name, &proxy.url));
    let _ = env.run(&["--demo", "-o", "json"]).exits_with(0);
    assert!(proxy.heard().is_empty());
}

#[test]
fn a_proxy_never_sees_the_token_of_an_encrypted_host() {
    let proxy = Proxy::start();
    let env = Env::new().with("HTTPS_PROXY", &proxy.url).with("GITLAB_TOKEN", TOKEN_READ_API);
    let _ =
        env.run(&["--host", "gitlab.example.com", "--group-id", "12345"]).exits_with(3).says(&["check the network"]);
    let heard = proxy.heard();
    assert!(heard.starts_with("CONNECT gitlab.example.com:443 "), "{heard}");
    assert!(!heard.contains(TOKEN_READ_API) && !heard.to_lowercase().contains("authorization: bearer"), "{heard}");
}

#[test]
fn the_token_of_a_plain_local_host_does_not_leave_this_machine_through_a_proxy() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let proxy = Proxy::start();
    let env = Env::new().with("ALL_PROXY", &proxy.url).with("GITLAB_TOKEN", TOKEN_READ_API);
    let _ = env.run(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]).exits_with(0);
    assert!(proxy.heard().is_empty());
}

#[test]
fn insecure_is_warned_about_each_time() {
    let sim = public();
    let group = ["--host", sim.url(), "--group-id", "12345", "--insecure"];
    let _ = Env::new().run(&group).exits_with(0).says(&["warning: --insecure", "anyone on the way can read the token"]);
    let checked = Env::new().run(&[&["config", "check"], &group[..]].concat()).exits_with(0);
    assert!(checked.stdout.contains("certificates are not checked"), "{checked}");
}

/// A listener that answers whatever it hears with this head, and counts how often it was called.
fn answering(head: &'static str) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            *counted.lock().unwrap() += 1;
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(head.as_bytes());
        }
    });
    (url, calls)
}

#[test]
fn what_fails_at_the_proxy_is_told_of_the_proxy() {
    let closed = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let login = answering(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
    );
    let blocked = answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let cases = [
        (closed.clone(), "refuses the connection", "comes from HTTPS_PROXY"),
        (login.0.clone(), "asks for a login (407)", "NAME:PASSWORD"),
        (blocked.0.clone(), "does not let the connection through", "NO_PROXY"),
        ("http://no-such-proxy.invalid:3128".to_owned(), "has a name that does not resolve", "comes from HTTPS_PROXY"),
    ];
    for (proxy, problem, hint) in cases {
        // A password in the variable shows nowhere.
        let secret = proxy.replace("http://", "http://ada:geheim@");
        let env = Env::new().with("HTTPS_PROXY", &secret);
        let output = env.run(&["--host", "gitlab.example.com", "--group-id", "12345"]);
        let output = output.refuses(3, &[&format!("the proxy {proxy} {problem}"), hint]);
        assert!(!output.stderr.contains("geheim") && !output.stderr.contains("nothing listens at"), "{output}");
    }
    // The group and its list are asked for at once, each once.
    assert!(*login.1.lock().unwrap() <= 2, "a login was tried again in vain");
    let plain = Env::new().with("HTTP_PROXY", &login.0);
    let output = plain.run(&["--host", "http://gitlab.example.com", "--group-id", "12345"]);
    let output = output.refuses(3, &["407: not GitLab's answer", "the proxy asks for a login"]);
    assert!(!output.stderr.contains("attempts"), "{output}");
}

#[test]
fn a_proxy_of_an_unknown_kind_is_refused_before_anything_is_asked() {
    for (name, host) in [("HTTPS_PROXY", "gitlab.example.com"), ("ALL_PROXY", "http://gitlab.example.com")] {
        let env = Env::new().with(name, "ftp://proxy.example.com");
        let _ =
            env.run(&["--host", host, "--group-id", "12345"]).refuses(2, &[name, "permitted are http, https, socks4"]);
        let excepted = Env::new().with(name, "ftp://proxy.example.com").with("NO_PROXY", "*.example.com,127.0.0.1");
        let sim = public();
        let _ = excepted.run(&["--host", sim.url(), "--group-id", "12345"]).exits_with(0);
    }
}

#[test]
fn an_exception_may_have_a_port() {
    let (sim, proxy) = (public(), Proxy::start());
    let port = sim.url().rsplit(':').next().unwrap().to_owned();
    for (port, is_used) in [(port.as_str(), false), ("1", true)] {
        let env = Env::new().with("http_proxy", &proxy.url).with("NO_PROXY", &format!("127.0.0.1:{port}"));
        let _ = env.run(&["--host", sim.url(), "--group-id", "12345"]).exits_with(0);
        assert_eq!(!proxy.heard().is_empty(), is_used, "port {port}");
    }
}

#[test]
fn a_socks_proxy_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("socks5://{}", listener.local_addr().unwrap());
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            *counted.lock().unwrap() += 1;
            thread::spawn(move || drop(socks(client)));
        }
    });
    let sim = public();
    let _ = Env::new().with("ALL_PROXY", &url).run(&["--host", sim.url(), "--group-id", "12345"]).exits_with(0);
    assert!(*calls.lock().unwrap() > 0, "it was not asked");
}

/// SOCKS 5 for an IPv4 address, without a login (RFC 1928).
fn socks(mut client: TcpStream) -> io::Result<()> {
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting)?;
    client.read_exact(&mut vec![0; greeting[1].into()])?;
    client.write_all(&[5, 0])?;
    let mut wish = [0; 10];
    client.read_exact(&mut wish)?;
    let port = u16::from_be_bytes([wish[8], wish[9]]);
    let server = TcpStream::connect((Ipv4Addr::new(wish[4], wish[5], wish[6], wish[7]), port))?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut up, mut down) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || drop(io::copy(&mut down, &mut up)));
    io::copy(&mut &server, &mut client)?;
    client.shutdown(Shutdown::Both)
}
