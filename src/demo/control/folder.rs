//! The folder of a demo: of this user alone, and gone with the demo, even if that was killed.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::TempDir;

use super::DemoError;

const PREFIX: &str = "tierdeck-demo-";
/// Locked as long as the demo runs; the system lets go of it however the process ends.
const LOCK: &str = "lock";

/// A folder that goes when it is dropped. The folders of demos that were killed go when the next one is made.
pub struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes a folder in `parent`, and removes those that dead demos of this user left there.
    ///
    /// # Errors
    /// `parent` cannot be written.
    pub fn create(parent: &Path) -> Result<Self, DemoError> {
        let made = Self::make(parent).map_err(|why| DemoError::Folder { folder: parent.to_owned(), why })?;
        // What cannot be removed is left to the system's own cleaning of its folder for temporary files.
        let _ = remove_dead(parent, made.path());
        Ok(made)
    }

    fn make(parent: &Path) -> io::Result<Self> {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(parent)?;
        // Locked before it has its name: nobody can take it for a dead demo's.
        let unlocked = folder.path().join("lock.new");
        let lock = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unlocked)?;
        lock.try_lock().map_err(io::Error::from)?;
        fs::rename(&unlocked, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Writes a file that only this user may read: it holds tokens, though they open nothing real.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content.as_ref())
}

/// Removes the folders of demos that are dead and were this user's, as `own` is.
fn remove_dead(parent: &Path, own: &Path) -> io::Result<()> {
    let user = fs::symlink_metadata(own)?.uid();
    for entry in fs::read_dir(parent)?.flatten() {
        let path = entry.path();
        let is_demo = entry.file_name().to_string_lossy().starts_with(PREFIX) && path != own;
        let is_ours = || fs::symlink_metadata(&path).is_ok_and(|of| of.is_dir() && of.uid() == user);
        if is_demo && is_ours() && is_dead(&path, user) {
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// Whether nobody holds the lock of a folder. One without a lock is being made.
fn is_dead(folder: &Path, user: u32) -> bool {
    let lock = folder.join(LOCK);
    let is_ours = fs::symlink_metadata(&lock).is_ok_and(|of| of.is_file() && of.uid() == user);
    is_ours && File::open(&lock).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_go_and_those_of_the_living_stay() {
        let parent = tempfile::tempdir().unwrap();
        let living = Folder::create(parent.path()).unwrap();
        let dead = parent.path().join("tierdeck-demo-dead");
        let young = parent.path().join("tierdeck-demo-young");
        let other = parent.path().join("other");
        for folder in [&dead, &young, &other] {
            fs::create_dir(folder).unwrap();
            write(&folder.join("kubeconfig"), "token").unwrap();
        }
        for folder in [&dead, &other] {
            write(&folder.join(LOCK), "").unwrap();
        }
        // A link to somewhere else is not followed.
        std::os::unix::fs::symlink(&other, parent.path().join("tierdeck-demo-link")).unwrap();
        let next = Folder::create(parent.path()).unwrap();
        assert!(!dead.exists());
        for folder in [living.path(), &young, &other.join("kubeconfig"), next.path()] {
            assert!(folder.exists(), "{}", folder.display());
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(next.path()), mode(&young.join("kubeconfig"))), (0o700, 0o600));
        drop(living);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 4);
    }
}
