//! Standard output and error. A reader that went away (`| head`) is no error of ours, output that cannot be written is, and
//! nothing from outside is written unescaped.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::Failure;
use crate::domain::text::Shown;

/// Writes text of our own making (already escaped where it came from outside); `false` when nobody reads any more.
pub fn write(text: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// What came of writing to standard output.
pub fn written(result: io::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::error(format!("standard output cannot be written: {error}"))),
    }
}

/// Writes one line of JSON in ASCII. Its strings may hold any text from outside, and a terminal may be where it ends: as
/// `\u` escapes they are the same strings for every reader of JSON (RFC 8259 section 7), and harmless to a terminal.
pub fn json(value: &impl Serialize) -> Result<bool, Failure> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, Ascii(CompactFormatter))).map_err(Failure::error)?;
    line.push(b'\n');
    write(&String::from_utf8_lossy(&line))
}

struct Ascii(CompactFormatter);

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if (' '..='~').contains(&c) {
                writer.write_all(&[c as u8])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// Writes an error message; line breaks are kept, everything else that is not printable is escaped.
pub fn error(message: &str) {
    let mut stderr = io::stderr().lock();
    for (index, line) in message.lines().enumerate() {
        let prefix = if index == 0 { "tierdeck: " } else { "  " };
        let _ = writeln!(stderr, "{prefix}{}", Shown::of(line));
    }
}

/// Writes a line of progress to standard error; where nobody reads it nothing is lost.
pub fn tell(line: &Shown) {
    let _ = writeln!(io::stderr().lock(), "{}", line.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii_and_says_the_same() {
        let text = "a\"\\\n\u{1b}\u{7f}\u{9b}2J\u{202e}\u{65e5}\u{1f600}";
        let mut line = Vec::new();
        text.serialize(&mut Serializer::with_formatter(&mut line, Ascii(CompactFormatter))).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line, r#""a\"\\\n\u001b\u007f\u009b2J\u202e\u65e5\ud83d\ude00""#);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
