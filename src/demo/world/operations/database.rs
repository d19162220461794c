//! Reboots and Multi-AZ failovers of RDS instances (facts/aws.md 1.2).
//!
//! A failover takes the writer to the standby: connections are dropped at once, the endpoint's name is moved after about
//! half of the outage, and the zone is told a while after all is over. What ailed the old host stays behind with it.

use std::ops::Range;

use crate::demo::world::database::DatabaseState;
use crate::demo::world::noise::{digest, mix};
use crate::demo::world::spec::{self, Database, ZONES};

/// A failover asked for this soon after another one is abandoned (RDS-EVENT-0034), ms.
const RECENT: i64 = 120_000;

/// One entry of DescribeEvents.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: i64,
    pub message: &'static str,
    pub categories: &'static [&'static str],
}

const FAILOVER: &[&str] = &["failover"];
const AVAILABILITY: &[&str] = &["availability"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reboot,
    Failover,
    Abandoned,
}

/// A reboot under way.
#[derive(Clone, Debug)]
struct Reboot {
    kind: Kind,
    /// When nobody answers.
    outage: Range<i64>,
    /// When the endpoint's name leads to the other host, and whether it does.
    moved_at: i64,
    moved: bool,
    /// When the status is `available` again, and when the zones are told right.
    available_at: i64,
    zones_told_at: i64,
}

/// What RDS knows of one instance beside its load.
#[derive(Clone, Debug)]
pub struct Instance {
    spec: &'static Database,
    /// Zone of the writer as it is told, and of its standby.
    pub zone: &'static str,
    pub standby: Option<&'static str>,
    /// Whether the endpoint's name leads to the host that was the standby at the start.
    pub moved: bool,
    reboot: Option<Reboot>,
    failed_over_at: Option<i64>,
    reboots: u64,
    /// Ascending; some of them may be yet to come.
    pub told: Vec<Told>,
}

/// Why a reboot is refused: the code and the sentence of the API.
pub type Refusal = (&'static str, &'static str);

impl Instance {
    #[must_use]
    pub fn new(spec: &'static Database) -> Self {
        Self {
            spec,
            zone: spec.zone,
            standby: (!spec.replica).then_some(ZONES[1]),
            moved: false,
            reboot: None,
            failed_over_at: None,
            reboots: 0,
            told: Vec::new(),
        }
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        self.spec.id
    }

    /// `DBInstanceStatus`.
    #[must_use]
    pub fn status(&self, at: i64) -> &'static str {
        if self.reboot.as_ref().is_some_and(|r| at < r.available_at) { "rebooting" } else { "available" }
    }

    /// Whether a reboot would be taken on.
    ///
    /// # Errors
    /// What RDS refuses: an instance that is not available, a failover without a standby.
    pub fn may_reboot(&self, at: i64, failover: bool) -> Result<(), Refusal> {
        if failover && self.standby.is_none() {
            return Err((
                "InvalidParameterCombination",
                "Reboot with failover is only supported for Multi-AZ DB instances.",
            ));
        }
        if self.status(at) != "available" {
            return Err(("InvalidDBInstanceState", "Database instance is not in available state."));
        }
        Ok(())
    }

    /// Begins a reboot at `at`. Its moments are drawn from the seed.
    pub fn reboot(&mut self, seed: u64, at: i64, failover: bool, abandon: bool) {
        self.settle();
        self.reboots += 1;
        let own = mix(mix(seed, digest(self.spec.id)), self.reboots);
        let draw = |n: u64, range: Range<i64>| range.start + (mix(own, n) % (range.end - range.start) as u64) as i64;
        let recent = self.failed_over_at.is_some_and(|before| at - before < RECENT);
        let kind = match (failover, abandon || recent) {
            (false, _) => Kind::Reboot,
            (true, false) => Kind::Failover,
            (true, true) => Kind::Abandoned,
        };
        let begins = at + draw(1, 2_000..5_000);
        let lasts = match kind {
            Kind::Reboot => draw(2, 15_000..35_000),
            Kind::Failover => draw(2, 60_000..120_000),
            Kind::Abandoned => 0,
        };
        let ends = begins + lasts;
        let mut told = |after: i64, message, categories| self.told.push(Told { at: after, message, categories });
        match kind {
            Kind::Reboot => {
                told(begins, "DB instance shutdown", AVAILABILITY);
                told(ends, "DB instance restarted", AVAILABILITY);
            }
            Kind::Failover => {
                told(begins + 3_000, "Multi-AZ instance failover started.", FAILOVER);
                told(ends + 4_000, "Multi-AZ instance failover completed", FAILOVER);
                told(ends + 19_000, "DB instance restarted", AVAILABILITY);
                self.failed_over_at = Some(ends);
            }
            Kind::Abandoned => told(
                begins + 2_000,
                "Abandoning user requested failover since a failover recently occurred on the database instance",
                FAILOVER,
            ),
        }
        let available_at = ends + if kind == Kind::Failover { 24_000 } else { 8_000 };
        self.reboot = Some(Reboot {
            kind,
            moved_at: begins + lasts / 2,
            moved: false,
            available_at,
            zones_told_at: available_at + draw(3, 20_000..120_000),
            outage: begins..ends,
        });
    }

    pub fn control(&mut self, at: i64, state: &mut DatabaseState) {
        let Some(reboot) = &mut self.reboot else { return };
        state.down = reboot.outage.contains(&at);
        if reboot.kind == Kind::Failover && at >= reboot.moved_at && !reboot.moved {
            (reboot.moved, self.moved) = (true, !self.moved);
            // What ailed the host stays behind with it.
            (state.slow, state.errors) = (1.0, 0.0);
        }
        if at >= reboot.zones_told_at {
            self.settle();
        }
    }

    /// Ends what is under way; the zones are told as they are.
    pub fn settle(&mut self) {
        self.reboot = None;
        if self.standby.is_some() {
            (self.zone, self.standby) =
                if self.moved { (ZONES[1], Some(self.spec.zone)) } else { (self.spec.zone, Some(ZONES[1])) };
        }
    }

    /// Address that the endpoint's name leads to.
    #[must_use]
    pub fn address(&self) -> &'static str {
        if self.moved { spec::STANDBY_ADDRESS } else { self.spec.address }
    }
}
