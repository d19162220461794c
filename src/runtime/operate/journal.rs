//! The open stream of this session, wherever it had to go: the trail's own folder, or, for what breaks the glass while
//! that one fails, the first shelter that works.

use std::path::PathBuf;
use std::time::Duration;

use super::Actor;
use crate::audit::journal::{Disk, Durable, Journal, JournalFault, Limits, Opening, RealDisk, host_facts, shelters};
use crate::audit::record::{Intent, Record, StreamId, Subject, Text};
use crate::domain::secret::Secrets;
use crate::domain::text::Shown;
use crate::domain::time::Human;
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::{Control, Inbox};
use crate::shown;

pub struct Trail {
    clocks: Clocks,
    actor: Actor,
    inbox: Inbox,
    /// What is masked in every line, whichever stream it goes to.
    secrets: Secrets,
    journal: Option<Journal>,
    /// It stands in a shelter: only what breaks the glass may go out on its strength.
    sheltered: bool,
    /// The last write failed.
    ailing: bool,
    /// The streams of this session, oldest first.
    own: Vec<StreamId>,
    told: Option<Result<(), Shown>>,
    /// Failed attempts to open it, and when the next one is due.
    tries: u32,
    again: Human,
    disk: Box<dyn Fn() -> Box<dyn Disk> + Send>,
}

/// Between two attempts to open a trail that fails: doubled from one to the next, up to the longest.
const AGAIN: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

impl Trail {
    pub fn new(clocks: Clocks, actor: Actor, inbox: Inbox) -> Self {
        Self {
            clocks,
            actor,
            inbox,
            secrets: Secrets::default(),
            journal: None,
            sheltered: false,
            ailing: false,
            own: Vec::new(),
            told: None,
            tries: 0,
            again: Human::default(),
            disk: Box::new(|| Box::new(RealDisk)),
        }
    }

    pub fn own(&self) -> &[StreamId] {
        &self.own
    }

    /// The trail's folder and its shelters, those that are there.
    pub fn places(&self) -> Vec<PathBuf> {
        let shelters = self.actor.shelters.iter().filter(|place| place.is_dir());
        self.actor.trail.iter().chain(shelters).cloned().collect()
    }

    pub fn know_secret(&mut self, secret: &str) {
        self.secrets.know(secret);
        if let Some(journal) = &mut self.journal {
            journal.know_secret(secret);
        }
    }

    fn is_well(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| !journal.is_short()) && !self.sheltered && !self.ailing
    }

    /// As [`Trail::tend`], if it is time for another attempt.
    pub fn tend_when_due(&mut self) {
        if !self.is_well() && self.clocks.human() >= self.again {
            self.tend();
        }
    }

    /// Opens a stream in the trail's own folder, unless one is open there and well; tells the loop how it stands.
    pub fn tend(&mut self) {
        let well = self.is_well();
        let health = match (&self.actor.trail, well) {
            (_, true) => Ok(()),
            (Err(why), false) => Err(why.clone()),
            (Ok(folder), false) => self.open(&folder.clone()).map_err(|fault| fault.sentence()),
        };
        if health.is_ok() {
            (self.sheltered, self.ailing, self.tries) = (false, false, 0);
        } else {
            let wait = AGAIN.saturating_mul(1 << self.tries.min(6)).min(LONGEST);
            (self.again, self.tries) = (Human(self.clocks.human().0 + wait), self.tries + 1);
        }
        self.tell(health);
    }

    /// A new stream, in place of the one that is open.
    fn open(&mut self, folder: &std::path::Path) -> Result<(), JournalFault> {
        let clocks = self.clocks;
        let opening = Opening {
            now: Box::new(move || clocks.moment()),
            limits: Limits::default(),
            secrets: self.secrets.clone(),
            who: Text::name(self.actor.who.as_str()),
            host: self.actor.host.clone(),
            facts: host_facts(self.actor.ssh_client.as_deref()),
            mode: self.actor.mode,
            continues: self.own.last().cloned(),
        };
        let opened = Journal::open((self.disk)(), folder, opening)?;
        self.own.push(opened.journal.stream().clone());
        self.journal = Some(opened.journal);
        for (stream, recovery) in &opened.recovered {
            let stream = Shown::of(stream.as_str());
            self.note(shown!(
                "a session ended in the middle of a record: {} bytes of {} were set aside; tierdeck audit verify",
                recovery.bytes,
                stream
            ));
        }
        for (stream, why) in &opened.unreadable {
            let (stream, why) = (Shown::of(stream.as_str()), Shown::of(why));
            self.note(shown!("the audit stream {} cannot be read: {}; tierdeck audit verify", stream, why));
        }
        Ok(())
    }

    fn note(&self, text: Shown) {
        self.inbox.control(Control::Told(text));
    }

    fn tell(&mut self, health: Result<(), Shown>) {
        if self.told.as_ref() != Some(&health) {
            self.told = Some(health.clone());
            self.inbox.control(Control::Journal(health));
        }
    }

    /// Appends; where the stream is lost, once more in a new one.
    pub fn append(&mut self, record: &Record) -> Result<(), JournalFault> {
        let result = self.with(|journal| journal.append(record).map(drop));
        let short = self.journal.as_ref().is_some_and(Journal::is_short);
        if short {
            // What was sent still finds its outcome a place; nothing else begins.
            self.tell(Err(Shown::fixed("it has no room but for what is under way: free some")));
        }
        result
    }

    /// Makes an intent durable. What breaks the glass goes to a shelter where the trail itself fails, with `glass` before it.
    pub fn intend(
        &mut self,
        subject: &Subject,
        intent: &Intent,
        glass: Option<&Record>,
    ) -> Result<Durable, JournalFault> {
        let usual = match (self.sheltered, glass) {
            (true, None) => Err(self.closed("only broken glass is recorded elsewhere")),
            _ => self.with(|journal| journal.intend(subject.clone(), intent.clone())),
        };
        match (usual, glass) {
            (Err(fault), Some(glass)) => self.shelter(subject, intent, glass).ok_or(fault),
            (usual, _) => usual,
        }
    }

    /// The first shelter that confirms both records.
    fn shelter(&mut self, subject: &Subject, intent: &Intent, glass: &Record) -> Option<Durable> {
        for folder in self.actor.shelters.clone() {
            if shelters(&folder).is_err() || self.open(&folder).is_err() {
                continue;
            }
            self.sheltered = true;
            let Some(journal) = &mut self.journal else { continue };
            let durable = journal.append(glass).and_then(|_| journal.intend(subject.clone(), intent.clone()));
            if let Ok(durable) = durable {
                self.note(shown!("recorded for review at {}", Shown::of(&folder.display().to_string())));
                return Some(durable);
            }
        }
        None
    }

    /// Runs on the open stream, and once more on a new one where a fault ended that. Never again on the old one.
    fn with<T>(&mut self, run: impl Fn(&mut Journal) -> Result<T, JournalFault>) -> Result<T, JournalFault> {
        if self.journal.is_none() {
            // What stood in the way of opening it may be gone by now.
            self.tend();
        }
        let Some(journal) = &mut self.journal else { return Err(self.closed("it is not open")) };
        let fault = match run(journal) {
            Ok(done) => {
                if std::mem::take(&mut self.ailing) && !journal.is_short() && !self.sheltered {
                    self.tell(Ok(()));
                }
                return Ok(done);
            }
            Err(fault @ JournalFault::TooLong { .. }) => return Err(fault),
            Err(fault) => fault,
        };
        self.ailing = true;
        if !fault.ends_the_stream() {
            self.tell(Err(fault.sentence()));
            return Err(fault);
        }
        self.journal = None;
        self.tend();
        self.journal.as_mut().map_or(Err(fault), run)
    }

    pub fn closed(&self, why: &str) -> JournalFault {
        JournalFault::Unwritable { path: self.actor.trail.clone().unwrap_or_default(), why: why.to_owned() }
    }

    /// Ends the stream in order; which it was.
    pub fn end(&mut self, why: Text) -> Option<StreamId> {
        let journal = self.journal.take()?;
        let stream = journal.stream().clone();
        let _ = journal.end(why);
        Some(stream)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::audit::testing::{SickDisk, intent, note, outcome, subject};
    use crate::audit::verify::verify;
    use crate::domain::time::Clock;

    fn trail(folder: &std::path::Path, disk: &SickDisk) -> (Trail, Inbox) {
        let inbox = Inbox::default();
        let actor = Actor {
            who: Shown::fixed("jane@bastion"),
            host: "bastion".to_owned(),
            mode: "console",
            ssh_client: None,
            trail: Ok(folder.to_owned()),
            shelters: Vec::new(),
        };
        let mut trail = Trail::new(Clocks::new(Clock::REAL), actor, inbox.clone());
        let disk = disk.clone();
        trail.disk = Box::new(move || Box::new(disk.clone()));
        trail.tend();
        (trail, inbox)
    }

    /// What the loop was told last of the journal.
    fn told(inbox: &Inbox) -> Option<Result<(), Shown>> {
        let control = inbox.take(Duration::ZERO).control.into_iter().rev();
        control.filter_map(|control| if let Control::Journal(health) = control { Some(health) } else { None }).next()
    }

    #[test]
    fn a_trail_whose_reserve_was_used_goes_on_in_a_new_stream_once_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let disk = SickDisk::healthy();
        let (mut trail, inbox) = trail(folder.path(), &disk);
        assert_eq!(told(&inbox), Some(Ok(())));
        let _sent = trail.intend(&subject(1), &intent(1), None).unwrap();
        disk.0.room.store(100, Ordering::Relaxed);
        trail.append(&outcome(&subject(1), 1)).unwrap();
        assert!(matches!(told(&inbox), Some(Err(_))), "the guard must block");
        assert!(trail.intend(&subject(2), &intent(1), None).is_err());
        disk.0.room.store(100, Ordering::Relaxed);
        trail.again = Human::default();
        trail.tend_when_due();
        assert!(trail.intend(&subject(2), &intent(1), None).is_err(), "there is no room yet");
        let streams = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(streams(), 1, "an attempt that failed leaves nothing behind");
        disk.0.room.store(u64::MAX / 2, Ordering::Relaxed);
        trail.tend_when_due();
        assert_eq!(streams(), 1, "the next attempt is not due yet");
        trail.again = Human::default();
        trail.tend_when_due();
        assert_eq!((told(&inbox), streams()), (Some(Ok(())), 2));
        assert!(trail.intend(&subject(2), &intent(1), None).is_ok());
        assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().findings, []);
    }

    #[test]
    fn a_disk_that_does_not_confirm_ends_the_stream_and_no_intent_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let disk = SickDisk::healthy();
        let (mut trail, inbox) = trail(folder.path(), &disk);
        disk.0.syncs.store(0, Ordering::Relaxed);
        let glass = note("broken");
        assert!(trail.intend(&subject(1), &intent(1), None).is_err());
        assert!(trail.intend(&subject(1), &intent(1), Some(&glass)).is_err(), "no other place, no intent");
        assert!(matches!(told(&inbox), Some(Err(_))));
        disk.0.syncs.store(u64::MAX / 2, Ordering::Relaxed);
        trail.again = Human::default();
        trail.tend_when_due();
        assert_eq!(told(&inbox), Some(Ok(())));
        assert!(trail.intend(&subject(1), &intent(1), None).is_ok());
    }

    #[test]
    fn secrets_are_masked_in_every_stream_also_encoded() {
        let folder = tempfile::tempdir().unwrap();
        let disk = SickDisk::healthy();
        let (mut trail, _inbox) = trail(folder.path(), &disk);
        trail.know_secret("nine/oranges for lunch");
        // bmluZS9vcmFuZ2VzIGZvciBsdW5jaA is its base64, the other its form in a URL.
        let text = "x nine/oranges for lunch, bmluZS9vcmFuZ2VzIGZvciBsdW5jaA==, nine%2Foranges%20for%20lunch";
        for _ in 0..2 {
            trail.append(&note(text)).unwrap();
            trail.journal = None;
        }
        let mut masked = 0;
        let report = verify(folder.path(), &[], |line, stored| {
            let stored = String::from_utf8_lossy(stored);
            masked += line.redacted;
            assert!(!stored.contains("oranges") && !stored.contains("bmluZS9vcm"), "{stored}");
        });
        assert_eq!((report.unwrap().findings, masked), (Vec::new(), 6));
    }
}
