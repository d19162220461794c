//! The password file: lines `hostname:port:database:username:password`, `*` for any, `\` before a colon or a backslash.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::domain::error::{Fault, FaultKind};
use crate::domain::file;
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// The password for a place, if the file is there and has one.
pub fn password(path: &Path, wanted: &[&str; 4]) -> Result<Option<String>, Fault> {
    let Ok(about) = std::fs::metadata(path) else { return Ok(None) };
    let name = || Raw::from(path.display().to_string());
    if about.is_file() && about.mode() & 0o077 != 0 {
        return Err(Fault::new(
            FaultKind::Usage,
            shown!("the password file {} can be read by others", name()),
            Shown::fixed("make it yours alone with `chmod 600`"),
        ));
    }
    let text = file::read_text(path, file::TEXT_CAP).map_err(|error| {
        let why = Raw::from(error.to_string());
        Fault::new(FaultKind::Usage, shown!("the password file {} {}", name(), why), Shown::fixed("mend it"))
    })?;
    Ok(text.lines().find_map(|line| of_line(line, wanted)))
}

fn of_line(line: &str, wanted: &[&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut stars = true;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        // The password is the rest: its own colons need no escape.
        match c {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut()?.extend(chars.next()),
            c => fields.last_mut()?.push(c),
        }
    }
    let (password, place) = fields.split_last()?;
    for (field, wanted) in place.iter().zip(wanted) {
        stars &= field == "*" || field == wanted;
    }
    (place.len() == 4 && stars).then(|| password.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let wanted = ["db.example", "5432", "audit", "tierdeck"];
        for (line, password) in [
            ("db.example:5432:audit:tierdeck:s3cret", Some("s3cret")),
            ("*:*:*:tierdeck:a:b\\:c\\\\", Some("a:b:c\\")),
            ("*:5433:*:*:no", None),
            ("# *:*:*:*:no", None),
            ("db.example:5432:audit:no", None),
        ] {
            assert_eq!(of_line(line, &wanted).as_deref(), password, "{line}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        assert_eq!(password(&path, &wanted), Ok(None));
        std::fs::write(&path, "*:*:*:other:no\n*:*:*:*:yes\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        mode(0o640);
        assert!(password(&path, &wanted).unwrap_err().what.as_str().contains("can be read by others"));
        mode(0o600);
        assert_eq!(password(&path, &wanted), Ok(Some("yes".to_owned())));
    }
}
