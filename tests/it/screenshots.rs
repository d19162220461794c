//! The pictures of the README are written by `tierdeck snapshot` from the embedded world, at a moment at which it stands
//! still, so they regenerate identically. `TIERDECK_WRITE=1 cargo test screenshots` writes them anew.

use std::path::Path;
use std::process::Command;

/// File, screen, size, scenario.
const PICTURES: [(&str, &str, &str, &str); 4] = [
    ("board.svg", "board", "100x30", "bad-canary"),
    ("board-wide.svg", "board", "150x40", "db-primary-degraded"),
    ("topology.svg", "topology", "150x40", "bad-canary"),
    ("tier.svg", "tier/application", "100x34", "bad-canary"),
];

#[test]
fn screenshots_regenerate_identically() {
    let _machine = crate::support::busy();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    for (file, screen, size, scenario) in PICTURES {
        let args = ["snapshot", "--demo", "--at", "2026-11-20T03:12:07Z", "--seed", "7", "--format", "svg"];
        let output = Command::new(env!("CARGO_BIN_EXE_tierdeck"))
            .args(args)
            .args(["--scenario", scenario, "--screen", screen, "--size", size])
            .env("LANG", "C.UTF-8")
            .env("COLORTERM", "truecolor")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .output()
            .unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let drawn = String::from_utf8(output.stdout).unwrap();
        let path = folder.join(file);
        if std::env::var_os("TIERDECK_WRITE").is_some_and(|value| !value.is_empty()) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &drawn).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = kept.lines().zip(drawn.lines()).position(|(a, b)| a != b);
        assert!(kept == drawn, "{file} is not what the program draws now (first in line {differs:?})");
    }
}
