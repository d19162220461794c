//! From the world to the board: pure, and the same for the same facts and moment.

pub mod component;
pub mod curve;
pub mod finding;
pub mod flow;
pub mod hysteresis;
pub mod live;
pub mod node;
mod probes;
mod provenance;
mod replicas;
mod rows;
pub mod thresholds;
pub mod tier;
mod users;
pub mod words;

use std::collections::BTreeMap;

use component::{Assessed, Context};
use flow::{Flow, Red};
use live::Live;
use node::Nodes;
use tier::TierView;

use super::board::{AlertRow, Board, Evidence, SourceStatus, TierRow};
use super::cause;
use super::resolve::Resolver;
use super::topology::Graph;
use super::world::World;
use crate::domain::health::Health;
use crate::domain::id::ComponentId;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;

/// Reasons shown of one row.
const REASONS: usize = 6;

/// The health and findings of every component.
pub type AllAssessed = BTreeMap<ComponentId, Assessed>;

/// The board of `world` as of `now`, given how its sources are doing.
#[must_use]
pub fn assess(world: &World, sources: &[SourceStatus], now: Stamp) -> Board {
    let live = Live::new(sources, now).listening(world);
    let resolver = Resolver::new(world);
    let (mut nodes, left_out) = node::build(world, &resolver, &live);
    let business = node::take_business(&mut nodes);
    let graph = Graph::build(world, &resolver, &nodes);
    let flow = Flow::of(&nodes, &graph);
    let context = Context { live: &live, flow: &flow, graph: &graph, targets: &world.rules.targets };
    let alerts = rows::alerts(world, &resolver, &nodes, &live);
    let mut alerts_of: BTreeMap<&ComponentId, Vec<&AlertRow>> = BTreeMap::new();
    for (id, alert) in alerts.iter().filter_map(|alert| Some((alert.component.as_ref()?, alert))) {
        alerts_of.entry(id).or_default().push(alert);
    }
    let assessed: AllAssessed = nodes
        .values()
        .map(|node| {
            let of = alerts_of.get(&node.id).into_iter().flatten().copied();
            (node.id.clone(), component::assess(node, of, &context))
        })
        .collect();
    let views = views(&nodes, &assessed, &context);
    let evidence = users::evidence(&views, &nodes, &context);
    let tiers = tier_rows(&views, &assessed, &context);
    let changes = rows::changes(world);
    let cause = cause::find(&cause::Question {
        nodes: &nodes,
        assessed: &assessed,
        context: &context,
        tiers: &tiers,
        changes: &changes,
        resolver: &resolver,
        changed: cause::changed(&changes, &resolver, &live),
        path: cause::path(&nodes, &context),
    });
    let users = users::row(&views, &business, &cause, &context);
    let links = rows::links(&flow, &graph, &context);
    Board {
        at: now,
        holds_until: live.turns_at(),
        health: overall(&tiers, &evidence),
        evidence,
        users,
        links,
        tiers,
        cause,
        alerts,
        changes,
        gaps: [rows::gaps(world), rows::left_out(&left_out), rows::mute(&live)].concat(),
    }
}

fn views<'t, 'a>(nodes: &'t Nodes<'a>, assessed: &'t AllAssessed, context: &Context<'_, 'a>) -> Vec<TierView<'t, 'a>> {
    let mut views: Vec<TierView> = Vec::new();
    for tier in Tier::ALL {
        let of: Vec<_> = nodes
            .values()
            .filter(|node| node.tier == tier)
            .filter_map(|node| assessed.get(&node.id).map(|assessed| (node, assessed)))
            .collect();
        if !of.is_empty() {
            views.push(TierView::new(tier, of, context));
        }
    }
    let nexts: Vec<Option<Red<'a>>> = (0..views.len()).map(|at| next(&views, at, |red| red.errors.is_some())).collect();
    for (view, next) in views.iter_mut().zip(nexts) {
        view.add(next.as_ref(), context);
    }
    views
}

/// The next tier on the users' path that is measured so.
fn next<'a>(views: &[TierView<'_, 'a>], at: usize, measured: impl Fn(&Red) -> bool) -> Option<Red<'a>> {
    let here = views.get(at)?;
    if !here.tier.is_user_facing() {
        return None;
    }
    let behind = views.iter().skip(at + 1).filter(|v| v.tier.is_user_facing());
    behind.map(|v| &v.red).find(|red| measured(red)).cloned()
}

fn tier_rows(views: &[TierView], assessed: &AllAssessed, context: &Context) -> Vec<TierRow> {
    let fallen = fallen(views, context);
    let mut rows = Vec::with_capacity(views.len());
    for (at, view) in views.iter().enumerate() {
        let traffic = fallen.as_ref().filter(|(tier, _)| *tier == view.tier).map(|(_, finding)| finding);
        let (health, findings) = view.health(traffic, context);
        let slower = next(views, at, |red| red.latency.is_some());
        let mut components: Vec<_> =
            view.nodes.iter().map(|(node, assessed)| rows::component(node, assessed, view, context.live)).collect();
        components.sort_by_key(|row| std::cmp::Reverse(row.health.rank()));
        rows.push(TierRow {
            tier: view.tier,
            health,
            reasons: finding::reasons(&findings, REASONS),
            rate: tier::reading(view.red.rate.as_ref(), context),
            rate_vs_last_week: view.against_last_week(context),
            error_ratio: tier::reading(view.red.error_ratio.as_ref(), context),
            error_added_ratio: tier::reading(view.added_ratio().as_ref(), context),
            latency: view.latency(context),
            latency_added: view.latency_added(slower.as_ref(), context),
            saturation: view.saturation(context),
            capacity: view.capacity(context),
            trend: view.trend(context.live.now),
            components,
        });
    }
    debug_assert_eq!(rows.iter().map(|r| r.components.len()).sum::<usize>(), assessed.len());
    rows
}

/// A fall in traffic runs through every tier behind the one where it begins: the outermost that shows it carries it, as
/// bad as any of them knows it to be, for the outermost figures are the last to tell of it.
fn fallen(views: &[TierView], context: &Context) -> Option<(Tier, finding::Finding)> {
    let user_facing = views.iter().filter(|v| v.tier.is_user_facing());
    let found: Vec<_> = user_facing.filter_map(|v| v.traffic(context).map(|finding| (v.tier, finding))).collect();
    let health = found.iter().fold(Health::Warn, |worst, (_, finding)| worst.worst(finding.health));
    found.into_iter().next().map(|(tier, finding)| (tier, finding::Finding { health, ..finding }))
}

/// The worst tier; without evidence of what users feel nothing is known, except what is critical anyway.
fn overall(tiers: &[TierRow], evidence: &Evidence) -> Health {
    let tiers = tiers.iter().map(|row| row.health).filter(|health| *health != Health::NoTraffic);
    let worst = tiers.fold(None, |worst: Option<Health>, health| Some(worst.map_or(health, |w| w.worst(health))));
    match (evidence, worst) {
        (_, Some(Health::Critical)) => Health::Critical,
        (Evidence::Full | Evidence::Partial { .. }, Some(worst)) => worst,
        (Evidence::Connecting | Evidence::Blind { .. }, _) | (_, None) => Health::Unknown,
    }
}
