//! What the journal asks of a file system: a seam, so that full disks and failing syncs can be played in tests.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FallocateFlags, OFlags};

use super::streams::segment_file;

/// A file that is only ever appended to.
pub trait Tape: Send {
    /// Appends some of `bytes` and says how many.
    ///
    /// # Errors
    /// As `write(2)`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Returns when everything written is on the disk. After a failure the kernel may have dropped what it could not
    /// write, so a second try proves nothing (PostgreSQL's fsyncgate): it must never be tried again on this file.
    ///
    /// # Errors
    /// As `fdatasync(2)`.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes back what a failed write left behind.
    ///
    /// # Errors
    /// As `ftruncate(2)`.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Takes the lock that says that this stream has a living writer; it is held until the file is closed.
    ///
    /// # Errors
    /// Another process has it, or the file system has no locks.
    fn lock(&mut self) -> io::Result<()>;
}

/// A file system.
pub trait Disk: Send {
    /// Makes a folder for its owner alone, with what is missing above it, and syncs the folder it is in.
    ///
    /// # Errors
    /// It cannot be made, is no folder, or others may write into it.
    fn folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a new file for its owner alone, or opens an existing one, to append; a symbolic link is not followed.
    ///
    /// # Errors
    /// It is there already (`new`), or is not (else), or cannot be written.
    fn tape(&self, path: &Path, new: bool) -> io::Result<Box<dyn Tape>>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As `fsync(2)`.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file of allocated but unused bytes.
    ///
    /// # Errors
    /// There is no room.
    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Removes the reserve.
    fn release(&self, path: &Path);

    /// Removes a stream's folder in which no line was written.
    fn discard(&self, stream: &Path);
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let about = std::fs::symlink_metadata(path)?;
        if !about.is_dir() {
            return Err(io::Error::other("it is no folder"));
        }
        if about.mode() & 0o022 != 0 {
            return Err(io::Error::other("others may write into it; make it yours alone with `chmod 700`"));
        }
        path.parent().map_or(Ok(()), |above| self.sync_folder(above))
    }

    fn tape(&self, path: &Path, new: bool) -> io::Result<Box<dyn Tape>> {
        // The standard library opens with O_CLOEXEC. A pipe in the place of a file is no reason to wait.
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
        let file = OpenOptions::new().append(true).create_new(new).mode(0o600).custom_flags(flags).open(path)?;
        Ok(Box::new(RealTape(file)))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            Err(rustix::io::Errno::OPNOTSUPP) => {
                io::copy(&mut io::Read::take(io::repeat(0), bytes), &mut &file).map(drop)
            }
            other => other.map_err(io::Error::from),
        }
    }

    fn release(&self, path: &Path) {
        let _ = std::fs::remove_file(path);
    }

    fn discard(&self, stream: &Path) {
        let first = segment_file(stream, 1);
        if std::fs::metadata(&first).is_ok_and(|about| about.len() == 0) {
            let _ = std::fs::remove_file(&first);
        }
        // A folder with anything in it stays.
        let _ = std::fs::remove_dir(stream);
    }
}

/// Whether a folder, or the nearest one above it, can serve when the trail's own fails: on a file system that keeps what
/// it confirms, which one in memory does not, and not somebody else's.
///
/// # Errors
/// Why it cannot.
pub fn shelters(path: &Path) -> io::Result<()> {
    let existing = path.ancestors().find(|above| above.exists()).unwrap_or(path);
    if path.exists() && std::fs::symlink_metadata(path)?.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::other("it belongs to somebody else"));
    }
    let kind = u64::try_from(rustix::fs::statfs(existing)?.f_type).unwrap_or(0);
    if IN_MEMORY.contains(&kind) {
        return Err(io::Error::other("it is in memory, where nothing is durable"));
    }
    Ok(())
}

/// `tmpfs` and `ramfs` (linux/magic.h): their fsync(2) succeeds and confirms nothing.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

struct RealTape(File);

impl Tape for RealTape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn lock(&mut self) -> io::Result<()> {
        // A reader that asks whether the stream is alive holds it for a moment.
        for _ in 0..20 {
            match self.0.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("another process writes it"))
    }
}
