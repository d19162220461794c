//! The import rules of the architecture (`src/lib.rs` tells them in words).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use syn::visit::Visit;

use super::{Source, sources, visit_shipped};

/// Room, the rooms it may import, and the outside crates it may name (std is always allowed).
const RULES: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &["serde", "jiff", "thiserror", "unicode_width", "base64"]),
    ("model", &["domain"], &["serde", "toml", "serde_json"]),
    (
        "audit",
        &["domain", "clients"],
        &["serde", "serde_json", "jiff", "regex", "rustix", "sha2", "thiserror", "base64"],
    ),
    ("operation", &["domain", "model", "audit"], &["serde_json", "sha2"]),
    ("action", &["domain"], &[]),
    ("input", &["action", "domain"], &["serde", "toml", "thiserror", "tui_textarea"]),
    ("layout", &["domain", "model"], &["ratatui"]),
    ("theme", &["domain"], &["ratatui", "serde", "toml", "thiserror"]),
    ("state", &["domain", "model", "audit", "operation", "action", "input", "layout"], &[]),
    (
        "ui",
        &["state", "domain", "model", "audit", "operation", "action", "input", "layout", "theme"],
        &["ratatui", "unicode_width"],
    ),
    ("report", &["domain", "model", "audit", "operation"], &["serde"]),
    (
        "clients",
        &["domain"],
        &[
            "serde",
            "serde_json",
            "reqwest",
            "kube",
            "k8s_openapi",
            "base64",
            "http",
            "http_body_util",
            "hyper_util",
            "bytes",
            "futures",
            "tokio",
            "tokio_util",
            "jiff",
            "rustix",
            "aws_config",
            "aws_runtime",
            "aws_sdk_cloudwatch",
            "aws_sdk_rds",
            "aws_sdk_elasticloadbalancingv2",
            "aws_sdk_autoscaling",
            "aws_sdk_elasticache",
            "aws_sdk_sts",
            "aws_smithy_types",
            "hickory_resolver",
            "rustls",
            "tokio_rustls",
            "x509_parser",
            "form_urlencoded",
            "rustls_native_certs",
            "webpki_roots",
            "tokio_postgres",
        ],
    ),
    ("sources", &["clients", "domain", "model"], &["futures", "tokio", "serde_json", "jiff", "serde", "bytes"]),
    ("config", &["domain"], &["toml", "http", "thiserror", "serde"]),
    (
        "demo",
        &[],
        &[
            "tokio",
            "axum",
            "futures",
            "bytes",
            "http",
            "serde",
            "serde_json",
            "toml",
            "thiserror",
            "promql_parser",
            "minicbor",
            "quick_xml",
            "form_urlencoded",
            "regex",
            "rand",
            "rand_pcg",
            "rcgen",
            "simple_dns",
            "rustls",
            "tokio_rustls",
            "tempfile",
            "jiff",
            "tokio_util",
        ],
    ),
    (
        "runtime",
        &[
            "action",
            "audit",
            "clients",
            "config",
            "domain",
            "input",
            "model",
            "operation",
            "report",
            "sources",
            "state",
            "theme",
            "ui",
        ],
        &[
            "tokio",
            "futures",
            "ratatui",
            "termina",
            "rustix",
            "tracing",
            "tracing_appender",
            "tracing_subscriber",
            "color_eyre",
            "serde_json",
            "rand",
            "base64",
        ],
    ),
    (
        "cli",
        &[
            "audit",
            "config",
            "demo",
            "domain",
            "input",
            "model",
            "operation",
            "report",
            "runtime",
            "state",
            "theme",
            "ui",
        ],
        &["clap", "clap_complete", "etcetera", "rustix", "serde", "serde_json"],
    ),
    ("main", &["cli"], &["tierdeck"]),
    ("lib", &[], &[]),
];

/// Every outside crate the package depends on, so that a path's first segment can be told from a local module.
fn crates() -> &'static BTreeSet<String> {
    static CRATES: OnceLock<BTreeSet<String>> = OnceLock::new();
    CRATES.get_or_init(|| {
        let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
        let names = manifest["dependencies"].as_table().unwrap().keys();
        let names: BTreeSet<_> = names.map(|name| name.replace('-', "_")).collect();
        assert!(names.len() > 20, "the dependencies are not where they were");
        names
    })
}

/// What one file reaches for.
#[derive(Default)]
struct Reach {
    module: Vec<String>,
    /// Modules the file declares or imports: their names are not crates.
    children: BTreeSet<String>,
    rooms: BTreeSet<String>,
    /// `room::module` of every import, for the finer rules.
    paths: BTreeSet<String>,
    crates: BTreeSet<String>,
    /// Re-exports of another room's items.
    reexports: BTreeSet<String>,
}

impl Reach {
    fn path(&mut self, segments: &[String], reexport: bool) {
        let Some(first) = segments.first() else { return };
        let absolute: Vec<String> = match first.as_str() {
            "crate" => segments[1..].to_vec(),
            "super" => {
                let ups = segments.iter().take_while(|s| *s == "super").count();
                let keep = self.module.len().saturating_sub(ups);
                [&self.module[..keep], &segments[ups..]].concat()
            }
            name if crates().contains(name) && !self.children.contains(name) => {
                self.crates.insert(name.to_owned());
                return;
            }
            _ => return,
        };
        let Some(room) = absolute.first() else { return };
        if room != &self.module.first().cloned().unwrap_or_default() {
            if reexport {
                self.reexports.insert(absolute.join("::"));
            }
            self.rooms.insert(room.clone());
            self.paths.insert(absolute.join("::"));
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>, reexport: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(&path.tree, prefix, reexport);
                prefix.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, prefix, reexport);
                }
            }
            syn::UseTree::Name(name) => self.leaf(name.ident.to_string(), prefix, reexport),
            syn::UseTree::Rename(rename) => self.leaf(rename.ident.to_string(), prefix, reexport),
            syn::UseTree::Glob(_) => self.path(&prefix.clone(), reexport),
        }
    }

    fn leaf(&mut self, name: String, prefix: &mut Vec<String>, reexport: bool) {
        // A module of ours that is imported by name hides a crate of that name.
        if prefix.first().is_some_and(|first| matches!(first.as_str(), "crate" | "super" | "self")) {
            self.children.insert(name.clone());
        }
        prefix.push(name);
        self.path(&prefix.clone(), reexport);
        prefix.pop();
    }
}

impl<'a> Visit<'a> for Reach {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let reexport = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&item.tree, &mut Vec::new(), reexport);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.path(&segments, false);
        }
        syn::visit::visit_path(self, path);
    }

    /// What stands in a macro's arguments is only tokens: crate paths and names of crates are found in their text.
    fn visit_macro(&mut self, mac: &'a syn::Macro) {
        let text = mac.tokens.to_string();
        let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | ' '))).collect();
        for word in words {
            let segments: Vec<String> = word.split("::").map(|part| part.trim().to_owned()).collect();
            let first = segments.first().and_then(|part| part.split_whitespace().last()).unwrap_or_default().to_owned();
            if segments.len() > 1 {
                let rest =
                    segments[1..].iter().map(|part| part.split_whitespace().next().unwrap_or_default().to_owned());
                let path: Vec<String> = std::iter::once(first).chain(rest).collect();
                self.path(&path, false);
            }
        }
        syn::visit::visit_macro(self, mac);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !super::is_cfg_test(&item.attrs) {
            self.module.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }
}

fn reach(source: &Source) -> Reach {
    let children = source.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) => Some(item.ident.to_string()),
        _ => None,
    });
    let mut reach = Reach { module: source.module(), children: children.collect(), ..Reach::default() };
    visit_shipped(source, &mut reach);
    reach
}

#[test]
fn every_room_imports_only_what_its_rule_allows() {
    let mut broken = Vec::new();
    for source in sources() {
        let Some((_, rooms, crates)) = RULES.iter().find(|(room, ..)| *room == source.room()) else {
            broken.push(format!("{}: the room `{}` has no rule", source.path, source.room()));
            continue;
        };
        let reach = reach(&source);
        for room in reach.rooms.iter().filter(|room| !rooms.contains(&room.as_str())) {
            // The `shown!` macro lives at the crate's root.
            if room != "shown" {
                broken.push(format!("{}: `{}` may not import `{room}`", source.path, source.room()));
            }
        }
        for name in reach.crates.iter().filter(|name| !crates.contains(&name.as_str())) {
            broken.push(format!("{}: `{}` may not use the crate `{name}`", source.path, source.room()));
        }
        for path in reach.reexports {
            broken.push(format!("{}: re-exports `{path}` of another room", source.path));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn pure_rooms_see_only_the_records_of_the_trail() {
    for source in sources().iter().filter(|source| !["audit", "runtime", "cli"].contains(&source.room())) {
        for path in reach(source).paths.iter().filter(|path| path.split("::").next() == Some("audit")) {
            assert!(path.starts_with("audit::record"), "{}: reaches into {path}", source.path);
        }
    }
}

#[test]
fn of_the_trail_only_its_sinks_see_clients() {
    for source in sources().iter().filter(|source| source.room() == "audit" && !source.path.starts_with("audit/sinks/"))
    {
        assert!(!reach(source).rooms.contains("clients"), "{}: reaches into clients", source.path);
    }
}

#[test]
fn rooms_form_no_cycle() {
    let mut order: Vec<&str> = Vec::new();
    while order.len() < RULES.len() {
        let next = RULES
            .iter()
            .find(|(room, needs, _)| !order.contains(room) && needs.iter().all(|need| order.contains(need)));
        let (room, ..) = next.unwrap_or_else(|| panic!("a cycle among the rules; in order so far: {order:?}"));
        order.push(room);
    }
}

#[test]
fn the_command_line_sees_only_the_worlds_front() {
    for source in sources().iter().filter(|source| source.room() == "cli") {
        for path in reach(source).paths.iter().filter(|path| path.starts_with("demo::")) {
            let inner = ["demo::store", "demo::servers", "demo::production", "demo::clock"];
            assert!(!inner.iter().any(|room| path.starts_with(room)), "{}: reaches into {path}", source.path);
        }
    }
}

#[test]
fn shown_text_is_composed_only_where_it_is_made_cut_and_formatted() {
    for source in sources().iter().filter(|source| !source.is_test() && !source.path.contains("/tests/")) {
        let inside = ["domain/text.rs", "ui/canvas.rs", "ui/format/mod.rs", "ui/format/number.rs"]
            .contains(&source.path.as_str());
        assert!(inside || !source.text.contains("Shown::composed"), "{}: composes Shown by hand", source.path);
    }
}

#[test]
fn the_console_knows_no_scenario() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/scenarios");
    let names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|name| name == "calm"), "the scenarios are not where they were");
    for source in sources().iter().filter(|source| source.room() != "demo") {
        for name in &names {
            assert!(!source.text.contains(&format!("\"{name}\"")), "{}: names the scenario {name}", source.path);
            let spoken = name.contains('-') && source.text.contains(name.as_str());
            assert!(!spoken, "{}: speaks of the scenario {name}", source.path);
        }
    }
}
