//! The Kubernetes source against the embedded API server: what it says equals what plain HTTP says.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tierdeck::clients::egress::Egress;
use tierdeck::clients::kube::read::quantity;
use tierdeck::demo::control::{Demo, DemoOptions, start};
use tierdeck::domain::error::{Fault, FaultKind};
use tierdeck::domain::id::Kind;
use tierdeck::domain::reading::{Provenance, Query};
use tierdeck::domain::settings::KubernetesSettings;
use tierdeck::domain::text::Shown;
use tierdeck::domain::time::Stamp;
use tierdeck::model::facts::{ComponentFact, Fact, MemberFact, Observation, SignalFact};
use tierdeck::sources::kubernetes::KubernetesSource;
use tierdeck::sources::{Outlet, Source};

/// Keeps what a source says; a world that stands still gives the time.
struct Ear<'a> {
    demo: &'a Demo,
    heard: Mutex<Vec<Observation>>,
    identity: Mutex<Option<Shown>>,
}

impl<'a> Ear<'a> {
    fn new(demo: &'a Demo) -> Self {
        Self { demo, heard: Mutex::default(), identity: Mutex::default() }
    }

    fn facts<T: Clone>(&self, pick: fn(&Fact) -> Option<&T>) -> Vec<T> {
        let heard = self.heard.lock().unwrap();
        heard.iter().flat_map(|observation| &observation.facts).filter_map(pick).cloned().collect()
    }

    fn has(&self, scope: &str) -> bool {
        self.heard.lock().unwrap().iter().any(|observation| observation.scope == scope)
    }
}

impl Outlet for Ear<'_> {
    fn now(&self) -> Stamp {
        Stamp::from_millis(self.demo.handle().now())
    }
    fn observe(&self, observation: Observation) {
        self.heard.lock().unwrap().push(observation);
    }
    fn alive(&self) {}
    fn identity(&self, identity: Shown) {
        *self.identity.lock().unwrap() = Some(identity);
    }
    fn cost(&self, _: f64) {}
}

fn demo() -> Demo {
    start(&DemoOptions { speed: 0.0, ..DemoOptions::default() }).unwrap()
}

fn source(demo: &Demo) -> KubernetesSource {
    let settings = KubernetesSettings {
        name: "k8s".to_owned(),
        kubeconfig: Some(demo.endpoints().kubeconfig.clone()),
        context: None,
        namespaces: Vec::new(),
    };
    KubernetesSource::new(&settings, Egress::LoopbackOnly)
}

/// Runs a round until `enough`; a round that ends by itself has failed.
async fn listen(source: &mut KubernetesSource, ear: &Ear<'_>, enough: impl Fn(&Ear<'_>) -> bool) -> Result<(), Fault> {
    let until = async {
        while !enough(ear) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        ended = source.round(ear) => ended,
        () = until => Ok(()),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("heard only {:?}", ear.heard.lock().unwrap().iter().map(|o| o.scope).collect::<Vec<_>>()),
    }
}

async fn plain(demo: &Demo, path: &str, accept: &str) -> Value {
    let url = format!("http://{}{path}", demo.address("kubernetes").unwrap());
    let answer = reqwest::Client::new().get(&url).header("accept", accept).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

/// The number a provenance points at: 0 where the API leaves it out, quantities in base units.
async fn fetched(demo: &Demo, provenance: &Provenance) -> f64 {
    let Query::Http { path, pointer: Some(pointer) } = &provenance.query else { panic!("{provenance:?}") };
    let object = plain(demo, path.as_str(), "application/json").await;
    match object.pointer(pointer.as_str()) {
        Some(Value::String(text)) => quantity(text).unwrap(),
        Some(value) => value.as_f64().unwrap(),
        None => 0.0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_equals_what_plain_http_says() {
    let demo = demo();
    let ear = Ear::new(&demo);
    listen(&mut source(&demo), &ear, |ear| ear.has("signals") && ear.has("pods") && ear.has("workloads"))
        .await
        .unwrap();
    let identity = ear.identity.lock().unwrap().clone().unwrap();
    assert!(identity.as_str().contains("@shop-eks v"), "{identity}");

    // A component may be told again while the rest is on its way: the last word counts.
    let told: Vec<ComponentFact> =
        ear.facts(|fact| if let Fact::Component(component) = fact { Some(component) } else { None });
    let told: BTreeMap<_, _> = told.into_iter().map(|component| (component.id.clone(), component)).collect();
    let components: Vec<ComponentFact> = told.into_values().collect();
    let rollouts = components.iter().filter(|component| component.id.kind == Kind::Rollout).count();
    assert_eq!(rollouts, 4, "the gateway and the three parts of the backend");
    for component in components.iter().filter(|component| component.id.kind != Kind::Node) {
        let ready = fetched(&demo, &component.provenance).await;
        assert_eq!(f64::from(component.replicas.unwrap().ready), ready, "{:?}", component.id);
    }

    // The server prints its own table; the status words must be the same.
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let table = plain(&demo, "/api/v1/pods", accept).await;
    let printed: BTreeMap<String, String> = table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["cells"][0].as_str().unwrap().to_owned(), row["cells"][2].as_str().unwrap().to_owned()))
        .collect();
    let members: Vec<MemberFact> = ear.facts(|fact| if let Fact::Member(member) = fact { Some(member) } else { None });
    let said: BTreeMap<String, String> =
        members.iter().map(|member| (member.name.as_str().to_owned(), member.word.as_str().to_owned())).collect();
    assert_eq!(said, printed);
    assert!(members.iter().all(|member| member.zone.is_some() && member.address.is_some()));
    let known: BTreeSet<_> = components.iter().map(|component| &component.id).collect();
    assert!(members.iter().all(|member| known.contains(&member.component)), "a member of nothing");

    let signals: Vec<SignalFact> = ear.facts(|fact| if let Fact::Signal(signal) = fact { Some(signal) } else { None });
    let mut ratios = 0;
    for signal in signals.iter().filter(|signal| signal.member.is_none()) {
        let Query::Derived { from, .. } = &signal.provenance.query else { continue };
        let [a, b] = from.as_slice() else { panic!("{signal:?}") };
        let ratio = fetched(&demo, &a.provenance).await / fetched(&demo, &b.provenance).await;
        let value = signal.points[0].value;
        assert!((value - ratio).abs() <= 1e-9 * ratio.abs(), "{}: {value} is not {ratio}", signal.signal);
        ratios += 1;
    }
    assert!(ratios > 20, "{ratios} figures of metrics.k8s.io");
}

/// Each fault of the server ends the round within 10 s, in words of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_is_noticed_in_time() {
    let demo = demo();
    let cases = [
        ("stop", FaultKind::Refused),
        ("hang", FaultKind::Timeout),
        ("401", FaultKind::Unauthenticated),
        ("truncate", FaultKind::Malformed),
    ];
    for (command, kind) in cases {
        let ear = Ear::new(&demo);
        let mut source = source(&demo);
        let mut round = source.round(&ear);
        tokio::select! {
            ended = &mut round => panic!("{command}: ended before its fault: {ended:?}"),
            () = async { while !ear.has("workloads") { tokio::time::sleep(Duration::from_millis(20)).await } } => {}
        }
        assert!(demo.command(&format!("{command} kubernetes")).starts_with("ok"));
        let since = Instant::now();
        let fault = tokio::time::timeout(Duration::from_secs(10), round).await.expect(command).unwrap_err();
        assert_eq!(fault.kind, kind, "{command}: {fault} after {:?}", since.elapsed());
        assert!(demo.command("start kubernetes").starts_with("ok"));
    }
}
