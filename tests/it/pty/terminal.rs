//! A pseudo-terminal with the real binary in it, and a model of its screen.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Everything the program has written so far.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    ended: bool,
    /// The terminal has been taken away: the reader lets go of its end, too.
    hung_up: bool,
}

pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    output: Arc<(Mutex<Output>, Condvar)>,
    /// The terminal's settings before the program was started.
    settings: String,
    size: (u16, u16),
    home: tempfile::TempDir,
}

impl Terminal {
    /// Starts `tierdeck ARGS` in a terminal of that many columns and lines, with an empty home.
    pub fn start(args: &[&str], size: (u16, u16)) -> Self {
        Self::start_with(args, size, &[])
    }

    pub fn start_with(args: &[&str], size: (u16, u16), env: &[(&str, &str)]) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_tierdeck")), args, size, env)
    }

    pub fn start_program(program: &Path, args: &[&str], size: (u16, u16), env: &[(&str, &str)]) -> Self {
        let (columns, lines) = size;
        let pair = native_pty_system()
            .openpty(PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let settings = settings_of(pair.master.as_ref());
        let home = tempfile::tempdir().expect("a home");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let output = Arc::new((Mutex::new(Output::default()), Condvar::new()));
        let shared = output.clone();
        std::thread::spawn(move || {
            let mut buffer = [0u8; 65536];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let (lock, news) = &*shared;
                let mut output = lock.lock().unwrap();
                output.bytes.extend_from_slice(&buffer[..count]);
                output.ended = count == 0 || output.hung_up;
                news.notify_all();
                if output.ended {
                    return;
                }
            }
        });
        Self { master: Some(pair.master), writer: Some(writer), child, output, settings, size, home }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn keys(&mut self, bytes: &str) {
        let writer = self.writer.as_mut().expect("the terminal is there");
        writer.write_all(bytes.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Esc, apart from the keys around it, and then waits until the text has left the screen.
    pub fn escape_from(&mut self, text: &str) {
        self.keys("\x1b");
        self.until("way out", |screen| !screen.iter().any(|line| line.contains(text)));
    }

    pub fn resize(&mut self, columns: u16, lines: u16) {
        let size = PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("the terminal is there").resize(size).unwrap();
        self.size = (columns, lines);
    }

    /// The screen as lines, drawn from all that was written.
    pub fn screen(&self) -> Vec<String> {
        let bytes = self.output.0.lock().unwrap().bytes.clone();
        let mut parser = vt100::Parser::new(
            std::num::NonZeroU16::new(self.size.1).unwrap(),
            std::num::NonZeroU16::new(self.size.0).unwrap(),
            0,
        );
        parser.process(&bytes);
        parser.screen().rows(0, self.size.0).collect()
    }

    pub fn written(&self) -> Vec<u8> {
        self.output.0.lock().unwrap().bytes.clone()
    }

    /// Waits until the screen satisfies `wanted`; fails with the screen when it does not within 20 s.
    pub fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.until_in(Duration::from_secs(20), what, wanted)
    }

    /// The same with another patience.
    pub fn until_in(&self, patience: Duration, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + patience;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            let (lock, news) = &*self.output;
            let left = deadline.saturating_duration_since(Instant::now());
            let output = lock.lock().unwrap();
            assert!(!left.is_zero() && !output.ended, "no {what} on:\n{}", screen.join("\n"));
            drop(news.wait_timeout(output, left.min(Duration::from_millis(500))).unwrap());
        }
    }

    /// Waits for the first byte; fails when there is none within 20 s.
    pub fn until_written(&self) {
        let (lock, news) = &*self.output;
        let patience = Duration::from_secs(20);
        let (output, _) = news.wait_timeout_while(lock.lock().unwrap(), patience, |o| o.bytes.is_empty()).unwrap();
        assert!(!output.bytes.is_empty(), "nothing was written");
    }

    pub fn until_text(&self, text: &str) -> Vec<String> {
        self.until(text, |screen| screen.iter().any(|line| line.contains(text)))
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().expect("a process").to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until the process is stopped, as by SIGSTOP; fails after 5 s.
    pub fn until_stopped(&self) {
        let file = format!("/proc/{}/stat", self.child.process_id().expect("a process"));
        let deadline = Instant::now() + Duration::from_secs(5);
        while !std::fs::read_to_string(&file).unwrap().contains(") T ") {
            assert!(Instant::now() < deadline, "the process runs on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until so many more bytes than `before` have come that `text` is among them: it was drawn again.
    pub fn until_drawn_again(&self, text: &str, before: usize) {
        self.until("second drawing", |_| String::from_utf8_lossy(&self.written()[before..]).contains(text));
    }

    /// Whether the terminal's own settings (echo, line mode) are those from before the program.
    pub fn settings_are_restored(&self) -> bool {
        settings_of(self.master.as_ref().expect("the terminal is there").as_ref()) == self.settings
    }

    /// Takes the terminal away, as a dropped connection does. The program writes once a second, so the reader notices.
    pub fn hang_up(&mut self) {
        self.output.0.lock().unwrap().hung_up = true;
        self.writer = None;
        self.master = None;
    }

    /// Waits for the end of the process and gives its exit code; fails after 5 s.
    pub fn ended(&mut self) -> u32 {
        self.ended_within(Duration::from_secs(5))
    }

    /// As [`Terminal::ended`], for a program that has something to bring to its end.
    pub fn ended_within(&mut self, limit: Duration) -> u32 {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // Its last words may still be on their way.
                let (lock, news) = &*self.output;
                let rest = Duration::from_secs(1);
                drop(news.wait_timeout_while(lock.lock().unwrap(), rest, |output| !output.ended).unwrap());
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the process lives on:\n{}", self.screen().join("\n"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether alternate screen, hidden cursor and bracketed paste were undone, by the last of each that was written.
    pub fn modes_are_restored(&self) -> bool {
        let text = String::from_utf8_lossy(&self.written()).into_owned();
        [("\x1b[?1049l", "\x1b[?1049h"), ("\x1b[?25h", "\x1b[?25l"), ("\x1b[?2004l", "\x1b[?2004h")]
            .iter()
            .all(|(off, on)| text.rfind(off) > text.rfind(on) && text.contains(on))
    }
}

fn settings_of(master: &dyn MasterPty) -> String {
    let settings = master.get_termios().expect("a terminal has settings");
    format!("{:?} {:?} {:?}", settings.input_flags, settings.output_flags, settings.local_flags)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
