use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use super::*;
use crate::audit::journal::{Journal, Limits, Opening, RealDisk};
use crate::audit::record::{Event, Record, Text};
use crate::domain::secret::Secrets;
use crate::domain::settings::SinkKind;
use crate::runtime::inbox::Control;
use crate::runtime::operate::{Actor, Operator};

/// A console whose sink has no daemon until a test gives it one.
struct Rig {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    inbox: Inbox,
    clocks: Clocks,
    seen: Vec<Control>,
}

impl Rig {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (folder, inbox) = (tempfile::tempdir().unwrap(), Inbox::default());
        Self { runtime, folder, inbox, clocks: Clocks::new(crate::domain::time::Clock::default()), seen: Vec::new() }
    }

    fn trail(&self) -> PathBuf {
        self.folder.path().join("audit")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A session that was killed, with so many records.
    fn earlier(&self, records: usize) -> StreamId {
        let clocks = self.clocks;
        let opening = Opening {
            now: Box::new(move || clocks.moment()),
            limits: Limits { segment_bytes: 4000, ..Limits::default() },
            secrets: Secrets::default(),
            who: Text::of("jane@bastion"),
            host: "bastion".to_owned(),
            facts: BTreeMap::new(),
            mode: "console",
            continues: None,
        };
        let mut journal = Journal::open(Box::new(RealDisk), &self.trail(), opening).unwrap().journal;
        for number in 1..records {
            let text = Text::of(&format!("note {number}"));
            journal.append(&Record::of_session(Event::Note { text, ticket: None })).unwrap();
        }
        journal.stream().clone()
    }

    fn start(&self, required: bool) -> Operator {
        let mut settings = Settings::default();
        settings.audit.sink.push(SinkSettings {
            name: None,
            kind: SinkKind::Journald,
            required,
            address: Some(self.socket().display().to_string()),
            database: None,
            user: None,
            table: None,
            ca_file: None,
            tls: true,
        });
        let actor = Actor {
            who: Shown::fixed("jane@bastion"),
            host: "bastion".to_owned(),
            mode: "console",
            ssh_client: None,
            trail: Ok(self.trail()),
            shelters: Vec::new(),
        };
        Operator::new(self.runtime.handle().clone(), self.inbox.clone(), self.clocks, &settings, actor)
    }

    /// Waits until the loop has heard what `wanted` looks for.
    fn hear(&mut self, what: &str, wanted: impl Fn(&Control) -> bool) {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.seen.iter().any(&wanted) {
            assert!(Instant::now() < until, "not heard: {what}; {:?}", self.seen);
            self.seen.extend(self.inbox.take(Duration::from_millis(50)).control);
        }
        self.seen.clear();
    }
}

/// A daemon that reads all the time, as the kernel keeps only a few datagrams for it.
struct Daemon {
    keys: Arc<Mutex<Vec<(String, u64)>>>,
    ending: Arc<AtomicBool>,
    reader: std::thread::JoinHandle<()>,
}

impl Daemon {
    fn bind(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let (keys, ending) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, stop) = (keys.clone(), ending.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 17];
            loop {
                match socket.recv(&mut buffer) {
                    Ok(length) => seen.lock().unwrap().push(key(std::str::from_utf8(&buffer[..length]).unwrap())),
                    Err(_) if stop.load(Ordering::Acquire) => return,
                    Err(_) => {}
                }
            }
        });
        Self { keys, ending, reader }
    }

    /// Stream and number of everything it was given, in its order; it is gone then.
    fn end(self) -> Vec<(String, u64)> {
        self.ending.store(true, Ordering::Release);
        self.reader.join().unwrap();
        std::mem::take(&mut self.keys.lock().unwrap())
    }
}

fn key(entry: &str) -> (String, u64) {
    let field = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap();
    (field("TIERDECK_STREAM").to_owned(), field("TIERDECK_SEQ").parse().unwrap())
}

#[test]
fn what_a_dead_sink_missed_comes_when_it_is_back_once_each_and_in_order() {
    let mut rig = Rig::new();
    let earlier = rig.earlier(40);
    let before = lag(&rig.trail(), "journald").unwrap();
    assert!(before > 40, "segments were not sealed: {before}");
    let mut operator = rig.start(true);
    let down = |control: &Control| match control {
        Control::Sink { health: Err(why), .. } => why.as_str().contains("records behind"),
        _ => false,
    };
    rig.hear("that the sink is down and by how much", down);
    let sinks = operator.sinks.clone();
    let opened = || sinks.0.own.lock().unwrap().first().map(|stream| stream.id.clone());
    let until = Instant::now() + Duration::from_secs(20);
    while opened().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let own = opened().unwrap();
    let first = Head { stream: own.clone(), seq: 1, hash: crate::audit::record::Digest::NONE };
    let patience = Duration::from_millis(300);
    let hold = || rig.runtime.block_on(async { tokio::time::timeout(patience, sinks.hold(&first)).await });
    assert!(hold().is_err(), "an intent went past a required sink that is down");

    let daemon = Daemon::bind(&rig.socket());
    rig.hear("that the sink is up", |control| matches!(control, Control::Sink { health: Ok(()), .. }));
    assert_eq!(rig.runtime.block_on(sinks.hold(&first)), Ok(()));
    operator.end("the test ended");
    let keys = daemon.end();
    let of = |id: &StreamId| -> Vec<u64> {
        keys.iter().filter(|(stream, _)| stream == id.as_str()).map(|(_, seq)| *seq).collect()
    };
    assert_eq!(of(&earlier), (1..=before).collect::<Vec<_>>());
    // Its start, the sink down, the sink up, its end.
    assert_eq!(of(&own), [1, 2, 3, 4]);
    assert_eq!(lag(&rig.trail(), "journald").unwrap(), 0);

    // The next session has nothing to add but its own.
    std::fs::remove_file(rig.socket()).unwrap();
    let daemon = Daemon::bind(&rig.socket());
    let mut operator = rig.start(true);
    rig.hear("that the sink is up again", |control| matches!(control, Control::Sink { health: Ok(()), .. }));
    operator.end("the test ended");
    let again: Vec<u64> = daemon.end().into_iter().map(|(_, seq)| seq).collect();
    assert_eq!(again, [1, 2]);
}

#[test]
fn what_is_not_delivered_is_told_by_a_run_that_delivers_nothing() {
    let rig = Rig::new();
    rig.earlier(5);
    let mut settings = Settings::default();
    settings.audit.sink = vec![SinkSettings {
        name: Some("team".to_owned()),
        kind: SinkKind::Syslog,
        required: false,
        address: None,
        database: None,
        user: None,
        table: None,
        ca_file: None,
        tls: true,
    }];
    let rows = rows(&settings, &rig.trail(), Stamp::default());
    let SourceState::Failed { fault, .. } = &rows[0].state else { panic!("{rows:?}") };
    assert_eq!(fault.what.as_str(), "5 records of the trail have not been delivered to team");
    let unlocked = rig.trail().join("sinks");
    assert!(!unlocked.exists(), "a look has written");
}
