//! Small files that a person or a tool names: regular ones only, up to a size. A named pipe would hang its reader, and a
//! device fill the memory.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// The largest configuration, keymap, theme, token or certificate that is read, bytes.
pub const TEXT_CAP: u64 = 1 << 20;
/// The largest kubeconfig that is read, bytes: it may hold the certificates of many clusters.
pub const KUBECONFIG_CAP: u64 = 4 << 20;

/// Why a file is not read, in words that follow its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is no regular file; copy what it gives to one and name that")]
    NotRegular,
    #[error("is larger than {} MiB; is it the right file?", .0 >> 20)]
    TooLarge(u64),
    #[error("is not UTF-8 text; is it the right file?")]
    NotText,
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Whether a file is regular and at most `cap` bytes long.
///
/// # Errors
/// It is not, or the system does not say.
pub fn check(path: &Path, cap: u64) -> Result<(), FileError> {
    judge(&std::fs::metadata(path)?, cap)
}

/// Reads a regular file of at most `cap` bytes.
///
/// # Errors
/// It is no such file, or no text.
pub fn read_text(path: &Path, cap: u64) -> Result<String, FileError> {
    // Before it is opened: to open a named pipe is to wait for its writer.
    check(path, cap)?;
    let file = File::open(path)?;
    judge(&file.metadata()?, cap)?;
    let mut bytes = Vec::new();
    // Some files are longer than they say (those below /proc).
    file.take(cap + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > cap) {
        return Err(FileError::TooLarge(cap));
    }
    String::from_utf8(bytes).map_err(|_| FileError::NotText)
}

fn judge(metadata: &Metadata, cap: u64) -> Result<(), FileError> {
    if metadata.is_dir() {
        // A wrong name, not a strange kind of file.
        return Err(FileError::Unreadable("is a directory".to_owned()));
    }
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    if metadata.len() > cap { Err(FileError::TooLarge(cap)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_up_to_a_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (folder.path().join("small"), folder.path().join("large"));
        std::fs::write(&small, "text").unwrap();
        std::fs::write(&large, "x".repeat(11)).unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(read_text(&small, 10), Ok("text".to_owned()));
        assert_eq!(read_text(&large, 10), Err(FileError::TooLarge(10)));
        assert_eq!(read_text(&pipe, 10), Err(FileError::NotRegular));
        assert_eq!(read_text(Path::new("/dev/zero"), 10), Err(FileError::NotRegular));
        assert_eq!(read_text(Path::new("/proc/self/status"), 10), Err(FileError::TooLarge(10)));
        assert!(matches!(read_text(folder.path(), 10), Err(FileError::Unreadable(_))));
    }
}
