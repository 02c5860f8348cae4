//! The HTTP service inside a program of one's own, which asks it one question and stops it:
//!
//! ```text
//! cargo run --release --package gearhead --features serve --example serve
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use gearhead::{
    Engine,
    serve::{Settings, serve},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

const CASE: &str =
    r#"{"equipment": "Caterpillar 320 Excavator", "symptom": "low power", "error_codes": ["P0087"]}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Engine::bundled()?.into_diagnose();
    let mut settings = Settings::default();
    settings.queue = 16;
    // Port 0: the system picks a free one.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    println!("listening on http://{address}");

    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn(serve(listener, engine, settings, async { _ = stopped.await }));
    let report = ask(&address).await?;
    println!("the first cause: {}", report["causes"][0]["cause"]);

    // What is under way would still be answered.
    _ = stop.send(());
    service.await??;
    println!("stopped");
    Ok(())
}

/// One request over a plain connection; any HTTP client does.
async fn ask(address: &str) -> anyhow::Result<Value> {
    let mut connection = TcpStream::connect(address).await?;
    let length = CASE.len();
    let request = format!(
        "POST /v1/diagnose HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{CASE}"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    anyhow::ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    Ok(serde_json::from_str(body)?)
}
