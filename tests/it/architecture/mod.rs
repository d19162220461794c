//! The structure of the sources is checked: who may import whom, how large things may grow, what must be registered.

mod budgets;
mod imports;

use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// A parsed source file below `src/`.
pub struct Source {
    /// Path below `src/`, with `/`.
    pub path: String,
    pub text: String,
    pub syntax: syn::File,
}

impl Source {
    /// The top-level room: the first folder, or the file's name.
    pub fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Module path below the crate, for example `["ui", "panels", "board"]`.
    pub fn module(&self) -> Vec<String> {
        let mut parts: Vec<_> = self.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            parts.pop();
        }
        parts
    }

    /// Whether the whole file is test code.
    pub fn is_test(&self) -> bool {
        ["/tests.rs", "_tests.rs", "/testing.rs", "/fixture.rs"].iter().any(|end| self.path.ends_with(end))
            || self.path.contains("/tests/")
    }
}

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "the sources are not where they were");
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            Source { path, text, syntax }
        })
        .collect()
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Whether an item is compiled for tests only.
pub fn is_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "test")
    })
}

/// Visits everything that is not test code.
pub fn visit_shipped<V: for<'a> Visit<'a>>(source: &Source, visitor: &mut V) {
    if source.is_test() {
        return;
    }
    for item in &source.syntax.items {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_cfg_test(attributes) {
            visitor.visit_item(item);
        }
    }
}
