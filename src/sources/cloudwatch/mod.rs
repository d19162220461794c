//! CloudWatch of one region: one batched GetMetricData per period and round, 60 minutes of history and last week's hour on
//! connecting, the last minutes afterwards (facts/aws.md 2.1, 2.2).

mod assemble;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, try_join_all};

use self::assemble::{Buckets, Origin};
use self::plan::Plan;
pub use self::plan::{Choice, namespaces};
use super::{Cadence, Outlet, Source};
use crate::clients::aws::read::{self, Alarm, Connection, MetricQuery, billed};
use crate::domain::error::Fault;
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::board::SourceKind;
use crate::model::facts::{AlertFact, ComponentFact, Fact, GapFact, Observation, ReplicaClass};

/// A point a minute is the finest that the catalogue asks for; asking oftener costs and gives nothing.
const EVERY: Duration = Duration::from_secs(60);
/// The rarest that a budget can make it.
const RAREST: Duration = Duration::from_secs(900);
/// The first round looks for what there is, too.
const FIRST_DEADLINE: Duration = Duration::from_secs(15);
/// A later round that hangs must show within 10 s.
const DEADLINE: Duration = Duration::from_secs(9);
const HISTORY: Duration = Duration::from_secs(3_600);
/// Late values replace what was read before: this much is read again every time.
const AGAIN: Duration = Duration::from_secs(300);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Last week's hours around now are read again this often.
const LAST_WEEK_EVERY: Duration = Duration::from_secs(2_700);
/// New resources are looked for this often; CloudWatch lists them up to 15 minutes late.
const DISCOVER_EVERY: Duration = Duration::from_secs(900);
/// USD per metric requested.
const PRICE: f64 = 0.01 / 1_000.0;
const HOURS_A_MONTH: f64 = 730.0;

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
    every: Duration,
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
            every: EVERY,
        }
    }

    async fn discover(&mut self, outlet: &dyn Outlet) -> Result<Plan, Fault> {
        let listed =
            try_join_all(self.scope.choices.keys().map(|namespace| self.client.list_metrics(namespace))).await?;
        let plan = Plan::of(&listed.concat(), &self.scope.choices);
        let now = outlet.now();
        self.discovered_at = now;
        self.every = affordable(&plan, self.scope.monthly_budget_usd);
        outlet.cost(cost_per_hour(&plan, self.every));
        outlet.observe(self.observation(now, "components", true, self.components(&plan)));
        outlet.observe(self.observation(now, "gaps", true, self.gaps(&plan)));
        Ok(plan)
    }

    fn origin(&self) -> Origin {
        Origin { source: self.scope.id.clone(), endpoint: self.endpoint.clone(), every: self.every }
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
        if self.every > EVERY {
            gaps.push(GapFact {
                what: crate::shown!(
                    "CloudWatch in {} is asked every {} s to keep {} USD a month",
                    Raw::new(&self.region),
                    self.every.as_secs(),
                    self.scope.monthly_budget_usd
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
        let everything: Vec<usize> = (0..plan.lines.len()).collect();
        let rates = if due { plan.rates() } else { Vec::new() };
        let week_ago = now - WEEK;
        let (recent, earlier, alarms) = futures::try_join!(
            self.fetch(plan, &everything, start, now),
            self.fetch(plan, &rates, week_ago - HISTORY, week_ago + HISTORY),
            self.client.firing_alarms(),
        )?;
        let (raw, refused) = sorted(plan, earlier, recent);
        let facts = assemble::signals(plan, &raw, &self.origin(), now);
        outlet.observe(self.observation(now, "signals", false, facts));
        outlet.observe(self.observation(now, "alarms", true, alarms.iter().map(|a| alert(a, now)).collect()));
        outlet.observe(self.observation(now, "refusals", true, refused.into_iter().map(refusal).collect()));
        self.read_to = Some(now);
        if due {
            self.last_week_at = Some(now);
        }
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
        let mut periods: BTreeMap<u32, Vec<(usize, MetricQuery)>> = BTreeMap::new();
        for index in lines {
            if let Some(line) = plan.lines.get(*index) {
                periods.entry(line.feed.period).or_default().push((*index, line.query.clone()));
            }
        }
        let asked = periods.into_iter().map(|(period, queries)| async move {
            let step = Duration::from_secs(u64::from(period));
            let (indices, queries): (Vec<usize>, Vec<MetricQuery>) = queries.into_iter().unzip();
            let (from, to) = (start.align_down(step).millis(), end.align_down(step).millis());
            let series = self.client.metric_data(&queries, from, to).await?;
            Ok::<_, Fault>(indices.into_iter().zip(series).collect::<Vec<_>>())
        });
        Ok(try_join_all(asked).await?.concat())
    }
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

/// What a plan costs, USD per hour, asked `every` so often: the rows every time, last week's rates now and then.
fn cost_per_hour(plan: &Plan, every: Duration) -> f64 {
    let queries = |indices: &[usize]| -> Vec<MetricQuery> {
        indices.iter().filter_map(|n| plan.lines.get(*n)).map(|line| line.query.clone()).collect()
    };
    let all = billed(&queries(&(0..plan.lines.len()).collect::<Vec<_>>())) as f64;
    let rates = billed(&queries(&plan.rates())) as f64;
    let times = |every: Duration| 3_600.0 / every.as_secs_f64();
    PRICE * (all * times(every) + rates * times(LAST_WEEK_EVERY))
}

/// The cadence, in whole minutes, that keeps a month of this plan within its budget.
fn affordable(plan: &Plan, monthly_budget_usd: f64) -> Duration {
    let mut every = EVERY;
    while every < RAREST && cost_per_hour(plan, every) * HOURS_A_MONTH > monthly_budget_usd {
        every += EVERY;
    }
    every
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
        Cadence::Poll { every: self.every, deadline }
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let known = self.plan.clone().filter(|_| outlet.now().since(self.discovered_at) < DISCOVER_EVERY);
            let plan = match known {
                Some(plan) => plan,
                None => Arc::new(self.discover(outlet).await?),
            };
            self.plan = Some(Arc::clone(&plan));
            self.read(&plan, outlet).await
        }
        .boxed()
    }

    fn heartbeat<'a>(&'a mut self, _: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        self.client.alive().boxed()
    }
}
