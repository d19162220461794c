//! What an event costs in a big cluster: counted, not timed, so that the figures are the same on every machine.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use tierdeck::domain::id::{Alias, ComponentId, Kind, SourceId};
use tierdeck::domain::reading::{Provenance, Query};
use tierdeck::domain::settings::{RiskClass, Settings};
use tierdeck::domain::text::{Raw, Shown};
use tierdeck::domain::tier::Tier;
use tierdeck::domain::time::{Human, Stamp};
use tierdeck::domain::unit::Statistic;
use tierdeck::input::{Key, Keymap, keymap};
use tierdeck::model::board::{Board, SourceKind, SourceState, SourceStatus};
use tierdeck::model::facts::{
    ComponentFact, Fact, MemberFact, MemberState, Observation, Point, ReplicaClass, Replicas, SignalFact,
};
use tierdeck::model::world::World;
use tierdeck::operation::policy::Policy;
use tierdeck::runtime::terminal::Capture;
use tierdeck::state::message::{Message, Timed};
use tierdeck::state::session::Session;
use tierdeck::state::{BoardPlace, ComponentPlace, Environment, Filter, Operations, Place, State, Tab};
use tierdeck::theme::Theme;

const NOW: Stamp = Stamp::from_millis(1_795_230_720_000);
/// Pods of one workload.
const PODS: usize = 50;

/// What `work` yields, and how often this thread allocated in it.
fn allocations<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let mut result = None;
    let info = allocation_counter::measure(|| result = Some(work()));
    (result.unwrap(), info.count_total)
}

/// A console of a cluster with that many workloads.
struct Cluster {
    session: Session,
    terminal: Terminal<Capture>,
    theme: Theme,
    now: Stamp,
}

fn workload(index: usize) -> ComponentId {
    ComponentId::new(Kind::Deployment, &format!("team-{}", index % 20), &format!("service-{index}"))
}

fn pod(component: &ComponentId, index: usize, state: MemberState) -> Fact {
    Fact::Member(MemberFact {
        component: component.clone(),
        name: Raw::new(&format!("{}-7d9f8b6c5d-{index:05}", component.name.as_str())),
        state,
        word: Raw::new("Running"),
        zone: Some(Raw::new("eu-west-1a")),
        node: Some(Raw::new("node-1")),
        version: Some(Raw::new("7d9f8b6c5d")),
        role: None,
        restarts: 0,
        since: Some(NOW),
        address: Some(Raw::new("10.0.3.4")),
    })
}

fn observation(complete: bool, facts: Vec<Fact>) -> Observation {
    Observation { source: SourceId::new("k8s"), scope: "pods", observed_at: NOW, complete, facts }
}

fn everything(workloads: usize) -> Vec<Fact> {
    let provenance = Arc::new(Provenance {
        source: SourceId::new("k8s"),
        endpoint: Raw::new("https://10.0.0.1:6443"),
        query: Query::Http { path: Raw::new("/apis/apps/v1/deployments"), pointer: None },
        statistic: Statistic::Last,
        period: Duration::from_secs(10),
        delay: Duration::ZERO,
        threshold_origin: "default",
    });
    let component = |id: &ComponentId| {
        Fact::Component(ComponentFact {
            id: id.clone(),
            aliases: Vec::new(),
            tier: Some(Tier::Application),
            hints: Vec::new(),
            replicas: Some(Replicas { desired: 50, ready: 50, bounds: None, floor: None }),
            role: None,
            rollout: None,
            class: ReplicaClass::Pool,
            condition: None,
            attributes: Vec::new(),
            provenance: provenance.clone(),
        })
    };
    let ids: Vec<ComponentId> = (0..workloads).map(workload).collect();
    ids.iter()
        .flat_map(|id| std::iter::once(component(id)).chain((0..PODS).map(|n| pod(id, n, MemberState::Ready))))
        .collect()
}

impl Cluster {
    fn of(workloads: usize) -> Self {
        Self::sized(workloads, (120, 40))
    }

    fn sized(workloads: usize, size: (u16, u16)) -> Self {
        let keymap = Keymap::load(keymap::DEFAULT, "default.toml").unwrap();
        let world = World::new(&Settings::default());
        let state = State {
            environment: Environment {
                name: Shown::fixed("prod"),
                class: RiskClass::Production,
                user: Shown::fixed("tester@here"),
                notice: None,
            },
            now: NOW,
            board: Arc::new(world.assess(&[], NOW)),
            sources: Vec::new(),
            places: vec![Place::Board(BoardPlace::default())],
            overlay: None,
            filter: Filter::default(),
            notices: Vec::new(),
            hints: Vec::new(),
            help: Vec::new(),
            size,
            operations: Operations::new(Shown::fixed("prod"), RiskClass::Production, Policy::default()),
        };
        let terminal = Terminal::new(Capture::new(size.0, size.1)).unwrap();
        let theme = Theme::builtin("dark").unwrap();
        let mut cluster = Self { session: Session::new(state, world, keymap), terminal, theme, now: NOW };
        cluster.feed(true, everything(workloads));
        cluster.frame();
        cluster
    }

    fn tell(&mut self, message: Message) {
        self.session.update(Timed { now: self.now, human: Human::default(), message });
    }

    fn feed(&mut self, complete: bool, facts: Vec<Fact>) {
        let source = SourceStatus {
            id: SourceId::new("k8s"),
            kind: SourceKind::Kubernetes,
            state: SourceState::Live,
            sample_at: Some(NOW),
            endpoint: Raw::new("https://10.0.0.1:6443"),
            took: None,
            cost: None,
            identity: None,
        };
        self.tell(Message::Feed { observations: vec![observation(complete, facts)], sources: vec![source] });
    }

    /// The bytes of a frame.
    fn frame(&mut self) -> usize {
        let (state, theme) = (self.session.state(), &self.theme);
        let mut reach = 0;
        self.terminal.draw(|frame| reach = tierdeck::ui::draw(frame, state, theme)).unwrap();
        self.session.drawn(reach);
        self.terminal.backend_mut().take().len()
    }

    fn key(&mut self, key: Key) -> usize {
        self.tell(Message::Key(key));
        self.frame()
    }

    /// Shows the pods of the first workload.
    fn members(self) -> Self {
        let place =
            ComponentPlace { component: workload(0), tab: Tab::Members, signal: None, range_minutes: 60, scroll: 0 };
        self.showing(Place::Component(place))
    }

    fn showing(mut self, place: Place) -> Self {
        let state = State { places: vec![place], ..self.session.state().clone() };
        let keymap = Keymap::load(keymap::DEFAULT, "default.toml").unwrap();
        self.session = Session::new(state, World::new(&Settings::default()), keymap);
        self.frame();
        self
    }
}

/// The allocations of taking one pod's change into a cluster of that many workloads. No assessment is due yet.
fn one_change(workloads: usize) -> u64 {
    let mut cluster = Cluster::of(workloads);
    let change = vec![pod(&workload(1), 7, MemberState::NotReady)];
    cluster.now = NOW + Duration::from_millis(1);
    allocations(|| cluster.feed(false, change)).1
}

#[test]
fn the_change_of_a_pod_costs_what_the_pod_costs() {
    let (small, big) = (one_change(2), one_change(200));
    assert_eq!(small, big, "the size of the cluster is in it");

    assert!(big <= 60, "{big} allocations");
}

#[test]
fn an_assessment_costs_little_for_each_pod() {
    let assessment = |workloads| {
        let mut cluster = Cluster::of(workloads);
        cluster.now = NOW + Duration::from_secs(1);
        allocations(|| cluster.tell(Message::Tick)).1
    };
    let (small, big) = (assessment(20), assessment(200));
    let each = (big - small) as f64 / (180 * PODS) as f64;

    assert!(each <= 1.0, "{each} allocations a pod ({small}, {big})");
}

/// A world in which a Prometheus alone speaks of that many services and as many databases.
fn measured(things: usize) -> World {
    let mut world = World::new(&Settings::default());
    let provenance = Arc::new(Provenance {
        source: SourceId::new("prom"),
        endpoint: Raw::new("http://10.0.0.2:9090"),
        query: Query::PromQl(Raw::new("up")),
        statistic: Statistic::Last,
        period: Duration::from_secs(15),
        delay: Duration::ZERO,
        threshold_origin: "default",
    });
    let of = |name: &str, index: usize, signal| {
        let subject = Alias::Workload { namespace: Raw::new("shop"), name: Raw::from(format!("{name}-{index}")) };
        let points = vec![Point { at: NOW, value: 1.0 }];
        let (member, version, peer) = (None, None, None);
        Fact::Signal(SignalFact { subject, member, version, peer, signal, points, provenance: provenance.clone() })
    };
    let facts = (0..things).flat_map(|n| [of("orders", n, "app.otel.rps"), of("postgres", n, "db.pg.tps")]).collect();
    let source = SourceId::new("prom");
    world.apply(Observation { source, scope: "signals", observed_at: NOW, complete: false, facts });
    world
}

#[test]
fn what_only_prometheus_knows_costs_the_same_each_and_is_bounded() {
    let prom = SourceStatus {
        id: SourceId::new("prom"),
        kind: SourceKind::Prometheus,
        state: SourceState::Live,
        sample_at: Some(NOW),
        endpoint: Raw::default(),
        took: None,
        cost: None,
        identity: None,
    };
    let assessment = |things| {
        let world = measured(things);
        allocations(|| world.assess(std::slice::from_ref(&prom), NOW))
    };
    let ((_, few), (board, many)) = (assessment(50), assessment(200));
    let components = |board: &Board| board.tiers.iter().map(|tier| tier.components.len()).sum::<usize>();
    assert_eq!((components(&board), board.gaps.len()), (400, 0), "{:?}", board.gaps);
    assert!(many < few * 5, "{few} allocations for 100 things, {many} for 400");

    let (board, _) = assessment(1_000);
    assert_eq!(components(&board), 1_000);
    let said: Vec<&str> = board.gaps.iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(said, ["1000 of the things that only prom speaks of are left out: 1000 are taken"]);
}

#[test]
fn an_unchanged_screen_is_not_written_again() {
    let mut cluster = Cluster::of(200);
    assert_eq!(cluster.frame(), 0);
    cluster.feed(false, vec![pod(&workload(1), 7, MemberState::Ready)]);
    assert_eq!(cluster.frame(), 0);
}

#[test]
fn scrolling_formats_the_rows_that_are_seen() {
    let scroll = |pods: usize| {
        let mut cluster = Cluster::of(1);
        let id = workload(0);
        cluster.feed(true, [everything(1), (PODS..pods).map(|n| pod(&id, n, MemberState::Ready)).collect()].concat());
        cluster.session.assess(NOW);
        let mut cluster = cluster.members();
        cluster.key(Key::char('j'));
        allocations(|| cluster.key(Key::char('j')))
    };
    let ((few_bytes, few), (many_bytes, many)) = (scroll(100), scroll(10_000));
    assert!(few_bytes > 0 && few_bytes <= 2_000 && many_bytes <= 2_000, "{few_bytes}, {many_bytes} bytes");
    assert!(many <= few + few / 10 + 20, "{few} allocations for 100 pods, {many} for 10,000");
}

#[test]
fn a_list_of_workloads_formats_the_rows_that_are_seen() {
    let scroll = |workloads: usize| {
        let mut cluster = Cluster::of(workloads).showing(Place::Rollouts { selected: None });
        cluster.key(Key::char('j'));
        allocations(|| cluster.key(Key::char('j')))
    };
    let ((few_bytes, few), (many_bytes, many)) = (scroll(40), scroll(240));
    assert!(few_bytes > 0 && few_bytes <= 2_000 && many_bytes <= 2_000, "{few_bytes}, {many_bytes} bytes");
    // The lists of names themselves grow a few times.
    assert!(many <= few + few / 10 + 40, "{few} allocations for 40 workloads, {many} for 240");
}

#[test]
fn a_key_on_the_board_writes_little() {
    // A wide screen also shows another tier's detail beside the table.
    for (size, limit) in [((80, 24), 2_000), ((120, 40), 4_000)] {
        let mut cluster = Cluster::sized(200, size);
        for key in ['k', 'j', 'k'] {
            let bytes = cluster.key(Key::char(key));
            assert!(bytes > 0 && bytes <= limit, "{key} at {size:?}: {bytes} bytes");
        }
    }
}
