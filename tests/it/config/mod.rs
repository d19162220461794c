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
    for (name, text) in files("valid-policy") {
        let policy = tierdeck::config::parse_policy(&text, &name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((policy.per_target, policy.freezes.len()), (Some(2), 2));
    }
}

#[test]
fn invalid_files_say_where_and_how_to_mend_it() {
    let files: Vec<_> = files("invalid").into_iter().chain(files("invalid-policy")).collect();
    assert!(files.len() >= 8, "the cases are gone");
    let mut wrong = Vec::new();
    for (name, text) in files {
        let expected = text.lines().next().unwrap().strip_prefix("#! ").expect("the first line holds the error");
        let parsed = if name.starts_with("policy-") {
            tierdeck::config::parse_policy(&text, &name).map(drop)
        } else {
            tierdeck::config::parse(&text, &name).map(drop)
        };
        match parsed {
            Err(error) if error.to_string() == expected => {}
            other => wrong.push(format!(
                "expected {expected}\n     got {}",
                other.map_or_else(|e| e.to_string(), |_| "none".into())
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_no_regular_one_is_refused_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let url = "url = \"http://127.0.0.1:1\"";
    for (table, line, key) in [("kubernetes", "", "kubeconfig"), ("prometheus", url, "bearer_file")] {
        std::fs::write(&file, format!("[[{table}]]\nname = \"a\"\n{line}\n{key} = \"/dev/zero\"\n")).unwrap();
        let error = tierdeck::config::load(&file).unwrap_err().to_string();
        let expected = format!("config.toml:4:{}: /dev/zero is no regular file", key.len() + 4);
        assert!(error.contains(&expected), "{error}");
    }
}
