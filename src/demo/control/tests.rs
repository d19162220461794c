use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::demo::world::World;

use super::{Demo, DemoOptions, serve_json, start};

fn standing() -> Demo {
    start(&DemoOptions { speed: 0.0, ..DemoOptions::default() }).expect("a demo")
}

fn version(demo: &Demo) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(demo.address("kubernetes").expect("an address"))?;
    stream.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Asks for the version until the answer is as expected: listeners follow a command a moment later.
fn until(demo: &Demo, expected: impl Fn(&std::io::Result<String>) -> bool) {
    for _ in 0..200 {
        if expected(&version(demo)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{:?}", version(demo));
}

#[test]
fn a_demo_writes_what_points_a_console_at_it() {
    let demo = standing();
    let endpoints = demo.endpoints();
    let kubeconfig = std::fs::read_to_string(&endpoints.kubeconfig).expect("a kubeconfig");
    let server = format!("http://{}", demo.address("kubernetes").expect("an address"));
    assert!(kubeconfig.contains(&server), "{kubeconfig}");
    let config: toml::Table = std::fs::read_to_string(&endpoints.config).expect("a config").parse().expect("TOML");
    assert_eq!(config["egress"]["loopback_only"].as_bool(), Some(true));
    assert_eq!(config["clock"]["world"].as_integer(), Some(endpoints.clock.world));
    assert_eq!(config["kubernetes"][0]["context"].as_str(), Some("shop-eks"));
    let line = serve_json(endpoints);
    assert_eq!(line["schema"], 1);
    assert_eq!(line["clock"]["origin"], endpoints.clock.origin);
    assert_eq!(line["kubeconfig"], endpoints.kubeconfig.display().to_string());
    let folder = endpoints.folder.clone();
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    for file in ["kubeconfig", "config.toml", "ca.pem"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    drop(demo);
    assert!(!folder.exists());
}

#[test]
fn commands_switch_faults_while_the_servers_run() {
    let demo = standing();
    until(&demo, |answer| answer.as_ref().is_ok_and(|text| text.starts_with("HTTP/1.1 200")));
    assert_eq!(demo.command("stop kubernetes"), "ok stop kubernetes");
    until(&demo, |answer| answer.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused));
    assert_eq!(demo.command(" start  kubernetes "), "ok start kubernetes");
    until(&demo, |answer| answer.as_ref().is_ok_and(|text| text.starts_with("HTTP/1.1 200")));
    assert_eq!(demo.command("403 kubernetes"), "ok 403 kubernetes");
    until(&demo, |answer| answer.as_ref().is_ok_and(|text| text.contains("\"kind\":\"Status\"")));
}

#[test]
fn commands_that_cannot_be_done_say_why() {
    let demo = standing();
    for (line, expected) in [
        ("explode kubernetes", "error: \"explode kubernetes\" is no command; use stop"),
        ("", "error: \"\" is no command"),
        ("stop", "error: \"stop\" is no command"),
        ("stop toaster", "error: no server \"toaster\"; there are "),
        ("401 dns", "error: dns speaks no HTTP and cannot answer 401"),
        ("speed fast", "error: speed \"fast\" is not a number"),
        ("speed 0", "error: speed \"0\" is not a number above 0"),
        ("speed -1", "error: speed \"-1\" is not a number"),
        ("speed nan", "error: speed \"nan\" is not a number"),
        ("scenario no-such-scenario", "error: "),
    ] {
        let answer = demo.command(line);
        assert!(answer.starts_with(expected), "{line:?}: {answer}");
    }
}

#[test]
fn speed_goes_on_from_the_world_time_it_finds() {
    let demo = standing();
    let before = demo.handle().now();
    assert!(demo.command("speed 20").starts_with("ok speed 20 origin "));
    let config: toml::Table =
        std::fs::read_to_string(&demo.endpoints().config).expect("a config").parse().expect("TOML");
    assert_eq!(config["clock"]["rate"].as_float(), Some(20.0));
    assert_eq!(config["clock"]["world"].as_integer(), Some(before));
}

#[test]
fn a_standing_world_moves_by_its_handle_alone() {
    let demo = standing();
    let handle = demo.handle();
    let before = handle.now();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(handle.now(), before);
    handle.advance(90_000);
    assert_eq!(handle.now(), before + 90_000);
    assert_eq!(demo.production.read(World::now), before + 90_000);
}
