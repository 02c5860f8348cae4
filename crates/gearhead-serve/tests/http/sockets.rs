//! Over real connections: clients that are slow, break off or send anything.

use std::time::{Duration, Instant};

use gearhead_serve::{Settings, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{service::engine, slow::Slow};

struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(
    engine: Box<dyn gearhead_infer::Diagnose + Send>,
    change: impl FnOnce(&mut Settings),
) -> Server {
    let mut settings = Settings::default();
    change(&mut settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        serve(listener, engine, settings, async { _ = stopped.await }).await.unwrap();
    });
    Server { address, stop, ended }
}

const GOOD: &str = r#"{"equipment": "CAT 320", "symptom": "low power"}"#;

fn request(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/diagnose HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// All that comes back until the service closes the connection.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A service that closes before it has read everything may reset the connection; what came before counts.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn is_well(server: &Server) -> bool {
    exchange(server, &request(GOOD.as_bytes())).await.starts_with("HTTP/1.1 200 ")
}

#[tokio::test]
async fn a_client_that_sends_too_slowly_is_let_go() {
    let server = start(engine(), |settings| settings.request_time = Duration::from_millis(200)).await;
    // A head that never ends, and a body that never comes.
    let begun = Instant::now();
    let head = exchange(&server, b"POST /v1/diagnose HTTP/1.1\r\nHost: local").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408 "), "{head}");
    let body =
        exchange(&server, b"POST /v1/diagnose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
            .await;
    assert!(body.starts_with("HTTP/1.1 408 ") && body.contains("slow_request"), "{body}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(is_well(&server).await);
}

#[tokio::test]
async fn connections_that_break_off_anywhere_leave_no_place_taken() {
    let server = start(engine(), |settings| settings.queue = 2).await;
    let whole = request(GOOD.as_bytes());
    for cut in (0..=whole.len()).step_by(9) {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&whole[..cut]).await.unwrap();
        if cut % 2 == 0 {
            // Half closed: nothing more will come.
            stream.shutdown().await.unwrap();
        }
        drop(stream);
    }
    let begun = Instant::now();
    while !is_well(&server).await {
        assert!(begun.elapsed() < Duration::from_secs(10), "places are still taken");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let server = start(engine(), |settings| settings.request_time = Duration::from_millis(300)).await;
    // Answers to these are far more than the buffers between two programs hold.
    let body = "x\n".repeat(200_000);
    let head = format!(
        "POST /v1/diagnose/batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.unwrap();
        deaf.push(stream);
    }
    let begun = Instant::now();
    let small = "POST /v1/diagnose/batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    while !exchange(&server, small.as_bytes()).await.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < Duration::from_secs(20), "places for files are still taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() > Duration::from_millis(200), "they were let go before they could be slow");
}

#[tokio::test]
async fn one_client_too_many_waits_for_a_connection() {
    let server = start(engine(), |settings| settings.connections = 1).await;
    let first = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = tokio::spawn({
        let address = server.address;
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&request(GOOD.as_bytes())).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished());
    drop(first);
    assert!(second.await.unwrap().starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_finish_and_takes_nothing_new() {
    let (engine, handle) = Slow::engine();
    let server = start(engine, |_| {}).await;
    let Server { address, stop, ended } = server;
    let under_way = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&request(GOOD.as_bytes())).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    while handle.begun.try_recv().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!ended.is_finished());
    assert!(TcpStream::connect(address).await.is_err());
    handle.go_on.send(()).unwrap();
    let answer = under_way.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap().unwrap();
}

/// Random numbers by xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[tokio::test]
async fn ten_thousand_random_bodies_are_all_answered() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "null",
        "1e999",
        "\\u0000",
        "\u{fffd}",
        "\"equipment\":",
        "\"symptom\":",
        "\"CAT 320\"",
        "\"prompt\":",
        "\"messages\":",
        "\"found\":",
        "\"codes\":",
        "\"stop\":",
        "\"n\":",
        "-1",
        "true",
        "{\"equipment\": \"CAT 320\", \"symptom\": \"low power\"",
        "(1700000000.0) can0 18FECA00#04FF640001010000\n",
    ];
    const ROUTES: [&str; 8] = [
        "/v1/diagnose",
        "/v1/diagnose/batch",
        "/v1/codes",
        "/v1/codes/log",
        "/v1/feedback",
        "/v1/completions",
        "/v1/chat/completions",
        "/v1/diagnose?replaces=x",
    ];
    let folder = tempfile::tempdir().unwrap();
    let store = gearhead_serve::Store::open(folder.path().join("serve.db")).unwrap();
    let server = start(engine(), |settings| settings.store = Some(store)).await;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for number in 0..10_000 {
        let mut body = Vec::new();
        for _ in 0..random.below(12) {
            match random.below(8) {
                0 => body.extend((0..random.below(30)).map(|_| random.below(256) as u8)),
                _ => body.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes()),
            }
        }
        let route = ROUTES[random.below(ROUTES.len())];
        let head =
            format!("POST {route} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        let status = tokio::time::timeout(Duration::from_secs(20), status_of(&mut stream)).await;
        let status = status.unwrap_or_else(|_| panic!("no answer to body {number} of {route}: {body:?}"));
        assert!([200, 201, 400, 404, 422].contains(&status), "{status} to {number}, {route}: {body:?}");
    }
    assert!(is_well(&server).await);
}

/// The status of an answer, of which the body is read to its end.
async fn status_of(stream: &mut TcpStream) -> u16 {
    let mut answer = Vec::new();
    let ends = |answer: &[u8], end: &[u8]| answer.windows(end.len()).position(|found| found == end);
    loop {
        let n = stream.read_buf(&mut answer).await.unwrap();
        assert!(n > 0, "the connection was closed: {}", String::from_utf8_lossy(&answer));
        let Some(at) = ends(&answer, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..at]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let is_whole = match length {
            Some(length) => answer.len() >= at + 4 + length.parse::<usize>().unwrap(),
            None => answer.ends_with(b"0\r\n\r\n"),
        };
        if is_whole {
            return head[9..12].parse().unwrap();
        }
    }
}
