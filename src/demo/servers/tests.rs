//! Faults on the wire: they begin and end while clients are connected, and the port stays the same.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fault::{Fault, Gate, Switch};
use super::http::{plain_refusal, serve};

const BODY: &str = "0123456789";

fn served() -> (Switch, SocketAddr) {
    let switch = Switch::default();
    let gate = Gate::open(&switch).expect("a port");
    let address = gate.address();
    serve(gate, Router::new().route("/", get(|| async { BODY })), &switch, plain_refusal);
    (switch, address)
}

/// Sends one request and reads to the end of the connection.
async fn exchange(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Repeats the exchange until it is as expected: the listener follows the switch a moment later.
async fn until(address: SocketAddr, expected: impl Fn(&std::io::Result<String>) -> bool) {
    for _ in 0..200 {
        if expected(&exchange(address).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", exchange(address).await);
}

#[tokio::test]
async fn stop_refuses_and_start_opens_the_same_port() {
    let (switch, address) = served();
    until(address, |answer| answer.as_ref().is_ok_and(|text| text.ends_with(BODY))).await;
    for _ in 0..3 {
        switch.set(Fault::Stopped);
        until(address, |answer| answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)).await;
        switch.set(Fault::Ok);
        until(address, |answer| answer.as_ref().is_ok_and(|text| text.ends_with(BODY))).await;
    }
}

#[tokio::test]
async fn a_server_that_the_world_has_down_stays_down_when_it_is_started() {
    let (switch, address) = served();
    switch.set_up(false);
    switch.set(Fault::Ok);
    until(address, |answer| answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)).await;
    switch.set_up(true);
    until(address, |answer| answer.as_ref().is_ok_and(|text| text.ends_with(BODY))).await;
}

#[tokio::test]
async fn statuses_and_cuts_show_in_the_answers() {
    let (switch, address) = served();
    for code in [401, 403, 500] {
        switch.set(Fault::Status(code));
        until(address, |a| a.as_ref().is_ok_and(|text| text.starts_with(&format!("HTTP/1.1 {code} ")))).await;
    }
    switch.set(Fault::Truncate);
    until(address, |answer| {
        answer.as_ref().is_ok_and(|text| text.contains("content-length: 10") && text.ends_with("\r\n\r\n01234"))
    })
    .await;
}

#[tokio::test]
async fn refuse_closes_each_connection_with_a_reset() {
    let (switch, address) = served();
    switch.set(Fault::Refuse);
    until(address, |answer| answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::ConnectionReset)).await;
}

#[tokio::test]
async fn a_hanging_server_accepts_and_answers_once_it_is_let_go() {
    let (switch, address) = served();
    switch.set(Fault::Hang);
    let mut pending = tokio::spawn(exchange(address));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut pending).await;
    assert!(early.is_err(), "{early:?}");
    switch.set(Fault::Ok);
    let answer = tokio::time::timeout(Duration::from_secs(5), pending).await.expect("in time").expect("a task");
    assert!(answer.expect("an answer").ends_with(BODY));
}

#[tokio::test]
async fn any_other_fault_cuts_what_was_open() {
    for fault in [Fault::Stopped, Fault::Refuse, Fault::Truncate, Fault::Status(401)] {
        let (switch, address) = served();
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        let mut answer = [0; 1024];
        assert!(stream.read(&mut answer).await.expect("an answer") > 0);
        switch.set(fault);
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await.expect("in time");
        assert!(matches!(closed, Ok(0) | Err(_)), "{fault:?}: {closed:?}");
    }
}

#[test]
fn the_manifest_lists_each_route_once_with_an_oracle() {
    let manifest: toml::Table = toml::from_str(include_str!("manifest.toml")).expect("TOML");
    let rows = manifest.get("route").and_then(toml::Value::as_array).expect("routes");
    let text = |row: &toml::Value, key: &str| row.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let mut listed: Vec<_> =
        rows.iter().map(|row| (text(row, "server"), text(row, "method"), text(row, "path"))).collect();
    let mut served: Vec<_> =
        super::routes().into_iter().map(|(s, m, p)| (s.to_owned(), m.to_owned(), p.to_owned())).collect();
    listed.sort();
    served.sort();
    assert_eq!(listed, served);
    assert!(rows.iter().all(|row| !text(row, "oracle").is_empty()));
}
