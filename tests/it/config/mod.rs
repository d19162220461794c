//! Every file of `invalid` begins with the exact error it must give; every file of `valid` must load.

use std::path::Path;

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn valid_files_load() {
    for (name, text) in files("valid") {
        tierdeck::config::parse(&text, &name).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn invalid_files_say_where_and_how_to_mend_it() {
    let files = files("invalid");
    assert!(files.len() >= 8, "the cases are gone");
    for (name, text) in files {
        let expected = text.lines().next().unwrap().strip_prefix("#! ").expect("the first line holds the error");
        let error = tierdeck::config::parse(&text, &name).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
