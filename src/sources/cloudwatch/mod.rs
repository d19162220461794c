//! CloudWatch of one region: one batched GetMetricData per period and round, 60 minutes of history and last week's hour on
//! connecting, the last minutes afterwards (facts/aws.md 2.1, 2.2). Metrics and alarms are apart: where our role may read
//! only one of them, the other is a gap.

mod assemble;
mod pace;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, try_join_all};

use self::assemble::{Buckets, Origin};
use self::pace::{DISCOVER_EVERY, Demand, LAST_WEEK_EVERY, Pace};
use self::plan::Plan;
pub use self::plan::{Choice, namespaces};
use super::aws::gaps::{Gaps, allowed, aside};
use super::{Cadence, Outlet, Source};
use crate::clients::aws::read::{self, Alarm, Connection, MetricQuery, billed};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::board::SourceKind;
use crate::model::facts::{AlertFact, ComponentFact, Fact, GapFact, Observation, ReplicaClass};

/// The first round looks for what there is, too.
const FIRST_DEADLINE: Duration = Duration::from_secs(15);
/// A later round that hangs must show within 10 s.
const DEADLINE: Duration = Duration::from_secs(9);
const HISTORY: Duration = Duration::from_secs(3_600);
/// Late values replace what was read before: this much is read again every time.
const AGAIN: Duration = Duration::from_secs(300);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Alarms of one page.
const ALARMS_A_PAGE: usize = 100;

/// What is asked in one region, and how much of it may cost.
#[derive(Clone, Debug)]
pub struct Scope {
    pub id: SourceId,
    /// Namespaces that are not named are not asked for.
    pub choices: BTreeMap<&'static str, Choice>,
    pub monthly_budget_usd: f64,
}

pub struct CloudWatch {
    client: read::CloudWatch,
    endpoint: Raw,
    region: String,
    scope: Scope,
    plan: Option<Arc<Plan>>,
    discovered_at: Stamp,
    read_to: Option<Stamp>,
    last_week_at: Option<Stamp>,
    pace: Pace,
    /// The last sign of life that was asked for or came with a round.
    lived_at: Option<Stamp>,
    refusals: Refusals,
}

/// What our role may not ask, as the last round found.
#[derive(Debug, Default)]
struct Refusals {
    listing: Option<Fault>,
    alarms: bool,
    /// Pages that the alarms took.
    alarm_pages: u64,
}

impl CloudWatch {
    #[must_use]
    pub fn new(connection: &Connection, scope: Scope) -> Self {
        Self {
            client: read::CloudWatch::new(connection),
            endpoint: connection.endpoint("monitoring"),
            region: connection.region().to_owned(),
            scope,
            plan: None,
            discovered_at: Stamp::default(),
            read_to: None,
            last_week_at: None,
            pace: Pace::default(),
            lived_at: None,
            refusals: Refusals::default(),
        }
    }

    /// Looks for what there is. Where listing is forbidden, what was known stays; where nothing was, there is no plan.
    async fn discover(&mut self, outlet: &dyn Outlet) -> Result<Arc<Plan>, Fault> {
        let (_, calls) = self.client.spent();
        let names = self.scope.choices.keys();
        let listed = allowed(try_join_all(names.map(|namespace| self.client.list_metrics(namespace))).await)?;
        let now = outlet.now();
        self.discovered_at = now;
        let plan = match listed {
            Ok(listed) => Arc::new(Plan::of(&listed.concat(), &self.scope.choices)),
            Err(fault) => {
                self.refusals.listing = Some(fault);
                return Ok(self.plan.clone().unwrap_or_default());
            }
        };
        self.refusals.listing = None;
        let billed = |lines: &[usize]| calls_of(&plan, lines).values().map(|(_, queries)| billed(queries)).sum();
        let demand = Demand {
            metrics: billed(&plan.all()),
            last_week: billed(&plan.rates()),
            listings: self.client.spent().1 - calls,
            alarms: self.refusals.alarm_pages.max(1),
        };
        self.pace = Pace::of(demand, self.scope.monthly_budget_usd);
        outlet.cost(self.pace.usd_per_hour);
        outlet.observe(self.observation(now, "components", true, self.components(&plan)));
        outlet.observe(self.observation(now, "gaps", true, self.gaps(&plan)));
        Ok(plan)
    }

    fn origin(&self) -> Origin {
        Origin { source: self.scope.id.clone(), endpoint: self.endpoint.clone(), every: self.pace.every }
    }

    fn observation(&self, at: Stamp, scope: &'static str, complete: bool, facts: Vec<Fact>) -> Observation {
        Observation { source: self.scope.id.clone(), scope, observed_at: at, complete, facts }
    }

    /// The resources that nobody else tells of.
    fn components(&self, plan: &Plan) -> Vec<Fact> {
        let told = plan.subjects.iter().filter_map(|subject| {
            let Alias::Dimension { name, value } = &subject.alias else { return None };
            let (kind, tier, namespace) = match *name {
                "DistributionId" => (Kind::Distribution, Tier::Edge, "AWS/CloudFront"),
                "WebACL" => (Kind::WebAcl, Tier::Security, "AWS/WAFV2"),
                "BucketName" => (Kind::Bucket, Tier::Storage, "AWS/S3"),
                _ => return None,
            };
            Some(Fact::Component(ComponentFact {
                id: ComponentId::new(kind, &self.region, value.as_str()),
                aliases: vec![subject.alias.clone(), Alias::Named(value.clone())],
                tier: Some(tier),
                hints: Vec::new(),
                replicas: None,
                role: None,
                rollout: None,
                class: ReplicaClass::Pool,
                condition: None,
                attributes: vec![("region", Raw::new(&self.region))],
                provenance: assemble::listed(&self.origin(), namespace),
            }))
        });
        told.collect()
    }

    fn gaps(&self, plan: &Plan) -> Vec<Fact> {
        let mut gaps = Vec::new();
        if plan.lines.is_empty() {
            gaps.push(GapFact {
                what: crate::shown!(
                    "CloudWatch in {} has none of the metrics of the catalogue",
                    Raw::new(&self.region)
                ),
                hint: Shown::fixed("check the region and the configured ids"),
            });
        }
        let Pace { every, life, usd_per_hour, overdrawn } = self.pace;
        let budget = self.scope.monthly_budget_usd;
        let region = Raw::new(&self.region);
        if overdrawn {
            gaps.push(GapFact {
                what: crate::shown!(
                    "CloudWatch in {} costs more than {} USD a month, even asked every {} s ({} USD an hour)",
                    region,
                    budget,
                    every.as_secs(),
                    usd_per_hour
                ),
                hint: Shown::fixed("raise monthly_budget_usd, or name fewer resources"),
            });
        } else if every > pace::EVERY || life > pace::LIFE {
            gaps.push(GapFact {
                what: crate::shown!(
                    "CloudWatch in {} is asked every {} s, and whether it lives every {} s, to keep {} USD a month",
                    region,
                    every.as_secs(),
                    life.as_secs(),
                    budget
                ),
                hint: Shown::fixed("raise monthly_budget_usd, or name fewer resources"),
            });
        }
        gaps.into_iter().map(Fact::Gap).collect()
    }

    async fn read(&mut self, plan: &Plan, outlet: &dyn Outlet) -> Result<(), Fault> {
        let now = outlet.now();
        let start = match self.read_to {
            Some(read_to) => (read_to - AGAIN).max(now - HISTORY),
            None => now - HISTORY,
        };
        let due = self.last_week_at.is_none_or(|at| now.since(at) >= LAST_WEEK_EVERY);
        let (everything, rates) = (plan.all(), if due { plan.rates() } else { Vec::new() });
        let week_ago = now - WEEK;
        let metrics = async {
            match &self.refusals.listing {
                Some(fault) if plan.lines.is_empty() => Ok(Err(fault.clone())),
                _ => allowed(futures::try_join!(
                    self.fetch(plan, &everything, start, now),
                    self.fetch(plan, &rates, week_ago - HISTORY, week_ago + HISTORY),
                )),
            }
        };
        let (metrics, alarms) = futures::try_join!(metrics, async { aside(self.client.firing_alarms().await) })?;
        if let (Err(fault), Err(_)) = (&metrics, &alarms) {
            return Err(fault.clone());
        }
        let mut gaps = Gaps::default();
        self.refusals.alarms = alarms.is_err();
        if let Some(alarms) = gaps.keep(alarms) {
            self.refusals.alarm_pages = alarms.len().div_ceil(ALARMS_A_PAGE) as u64;
            outlet.observe(self.observation(now, "alarms", true, alarms.iter().map(|a| alert(a, now)).collect()));
        }
        let mut refused = BTreeSet::new();
        if let Some((recent, earlier)) = gaps.keep(metrics) {
            let (raw, unanswered) = sorted(plan, earlier, recent);
            refused = unanswered;
            let facts = assemble::signals(plan, &raw, &self.origin(), now);
            outlet.observe(self.observation(now, "signals", false, facts));
            self.read_to = Some(now);
            self.last_week_at = if due { Some(now) } else { self.last_week_at };
        }
        let listing = self.refusals.listing.iter().filter(|_| !plan.lines.is_empty()).map(refusal_to_list);
        let facts = gaps.facts().into_iter().chain(listing).chain(refused.into_iter().map(refusal)).collect();
        outlet.observe(self.observation(now, "refusals", true, facts));
        Ok(())
    }

    /// The series of these lines between `start` and `end`, asked for by period; with their indices.
    async fn fetch(
        &self,
        plan: &Plan,
        lines: &[usize],
        start: Stamp,
        end: Stamp,
    ) -> Result<Vec<(usize, read::Series)>, Fault> {
        let asked = calls_of(plan, lines).into_iter().map(|(period, (indices, queries))| async move {
            let step = Duration::from_secs(u64::from(period));
            let (from, to) = (start.align_down(step).millis(), end.align_down(step).millis());
            let series = self.client.metric_data(&queries, from, to).await?;
            Ok::<_, Fault>(indices.into_iter().zip(series).collect::<Vec<_>>())
        });
        Ok(try_join_all(asked).await?.concat())
    }
}

/// The lines by period, each with its query. The statistics of one metric stand together: within one call they are
/// billed as one.
fn calls_of(plan: &Plan, lines: &[usize]) -> BTreeMap<u32, (Vec<usize>, Vec<MetricQuery>)> {
    let mut lines: Vec<(usize, &plan::Line)> = lines.iter().filter_map(|n| Some((*n, plan.lines.get(*n)?))).collect();
    lines.sort_by(|(_, a), (_, b)| a.query.cmp(&b.query));
    let mut calls: BTreeMap<u32, (Vec<usize>, Vec<MetricQuery>)> = BTreeMap::new();
    for (index, line) in lines {
        let (indices, queries) = calls.entry(line.feed.period).or_default();
        indices.push(index);
        queries.push(line.query.clone());
    }
    calls
}

/// What was known before goes on being asked for.
fn refusal_to_list(fault: &Fault) -> Fact {
    let what = crate::shown!("{}: new resources stay unseen", fault.what);
    Fact::Gap(GapFact { what, hint: fault.hint.clone() })
}

/// A query that CloudWatch did not answer: why, and the namespace it was about.
type Refusal = (&'static str, &'static str);

/// The answers by line, `None` where the question about now has no answer, and the refusals among them.
fn sorted(
    plan: &Plan,
    earlier: Vec<(usize, read::Series)>,
    recent: Vec<(usize, read::Series)>,
) -> (Vec<Option<Buckets>>, BTreeSet<Refusal>) {
    let mut raw = vec![None; plan.lines.len()];
    let mut refused = BTreeSet::new();
    for (is_recent, (index, series)) in
        earlier.into_iter().map(|s| (false, s)).chain(recent.into_iter().map(|s| (true, s)))
    {
        let (Some(slot), Some(line)) = (raw.get_mut(index), plan.lines.get(index)) else { continue };
        match series.problem {
            Some(problem) => {
                refused.insert((problem, line.feed.namespace.as_str()));
                if is_recent {
                    *slot = None;
                }
            }
            None => slot.get_or_insert_with(Buckets::new).extend(series.points),
        }
    }
    (raw, refused)
}

fn refusal((problem, namespace): Refusal) -> Fact {
    Fact::Gap(GapFact {
        what: crate::shown!("{}: metrics of {}", problem, namespace),
        hint: Shown::fixed("ask for cloudwatch:GetMetricData in the role's policy"),
    })
}

/// An alarm is as serious as its owner thinks: CloudWatch has no severities, so it warns.
fn alert(alarm: &Alarm, now: Stamp) -> Fact {
    let names = plan::identities();
    let subject = alarm.dimensions.iter().find_map(|(name, value)| {
        let name = names.iter().find(|known| *known == name)?;
        Some(Alias::Dimension { name, value: Raw::new(value) })
    });
    Fact::Alert(AlertFact {
        key: Raw::new(&alarm.name),
        name: Raw::new(&alarm.name),
        severity: Health::Warn,
        since: alarm.since.map_or(now, Stamp::from_millis),
        subject,
        summary: Raw::new(&alarm.reason),
        runbook: None,
        silenced: false,
    })
}

impl Source for CloudWatch {
    fn id(&self) -> SourceId {
        self.scope.id.clone()
    }

    fn kind(&self) -> SourceKind {
        SourceKind::CloudWatch
    }

    fn endpoint(&self) -> Raw {
        self.endpoint.clone()
    }

    fn cadence(&self) -> Cadence {
        let deadline = if self.read_to.is_some() { DEADLINE } else { FIRST_DEADLINE };
        Cadence::Poll { every: self.pace.every, deadline }
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let known = self.plan.clone().filter(|_| outlet.now().since(self.discovered_at) < DISCOVER_EVERY);
            let plan = match known {
                Some(plan) => plan,
                None => self.discover(outlet).await?,
            };
            self.plan = Some(Arc::clone(&plan));
            let outcome = self.read(&plan, outlet).await;
            self.lived_at = Some(outlet.now());
            outcome
        }
        .boxed()
    }

    /// Asks only as often as the budget bears. A role that may not read alarms gets a refusal, which is an answer.
    fn heartbeat<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let now = outlet.now();
            if self.lived_at.is_some_and(|at| now.since(at) + pace::LIFE / 2 < self.pace.life) {
                return Ok(());
            }
            self.lived_at = Some(now);
            match self.client.alive().await {
                Err(fault) if fault.kind == FaultKind::Forbidden && self.refusals.alarms => Ok(()),
                answer => answer,
            }
        }
        .boxed()
    }
}
