//! Standard output and error. A reader that went away (`| head`) is no error of ours, and nothing from outside is
//! written unescaped.

use std::io::Write;

use crate::domain::text::Shown;

/// Writes text of our own making (already escaped where it came from outside); `false` when nobody reads any more.
pub fn write(text: &str) -> bool {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

/// Writes an error message; line breaks are kept, everything else that is not printable is escaped.
pub fn error(message: &str) {
    let mut stderr = std::io::stderr().lock();
    for (index, line) in message.lines().enumerate() {
        let prefix = if index == 0 { "tierdeck: " } else { "  " };
        let _ = writeln!(stderr, "{prefix}{}", Shown::of(line));
    }
}
