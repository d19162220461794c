//! Incidents: the board must name what is to blame, and nothing that is not.

use std::collections::BTreeSet;

use serde_json::Value;
use tierdeck::demo::world::{Truth, scenario, shop};

use super::quiet;
use crate::support::seeds::{Draw, draws, each};
use crate::support::wire::Wire;
use crate::support::{Report, Shop};

/// How many Rollouts the world has; a draw of seeds covers all of them.
const ROLLOUTS: usize = 4;

/// A report and what the world knows to be true.
struct Case {
    truth: Truth,
    report: Report,
    /// How people call the culprit's newest revision: `payments: canary rev 36`.
    canary: Option<String>,
}

fn case(scenario: &str, draw: Draw) -> Case {
    case_after(scenario, draw, 0)
}

/// The case as it is `ms` later.
fn case_after(scenario: &str, draw: Draw, ms: i64) -> Case {
    let mut shop = Shop::standing(scenario, draw.seed, draw.at);
    shop.advance(ms);
    let truth = shop.demo.handle().truth();
    let canary = truth.culprit.as_ref().and_then(|culprit| {
        let name = &culprit.workload;
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{name}");
        let rollout = Wire::to(&shop.demo).kubernetes(&path).ok()?;
        let number = rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"].as_str()?;
        Some(format!("{name}: canary rev {number} "))
    });
    Case { truth, report: shop.status(), canary }
}

/// Whom a seed blames, without a world.
fn drawn_culprit(scenario: &str, seed: u64) -> String {
    let timeline = scenario::plan(&shop::EKS, scenario, seed, 0, |_| None).expect("a scenario");
    timeline.truth.culprit.expect("a culprit").workload
}

impl Case {
    fn culprit(&self) -> &str {
        &self.truth.culprit.as_ref().expect("a culprit").workload
    }

    fn revision(&self) -> &str {
        self.truth.culprit.as_ref().and_then(|c| c.revision.as_deref()).expect("a revision")
    }

    fn cause(&self) -> &Value {
        &self.report.0["cause"]
    }

    /// The last part of the id of the component that is named as the cause.
    fn blamed(&self) -> Option<&str> {
        self.cause()["component"].as_str()?.rsplit('/').next()
    }

    fn blamed_revision(&self) -> Option<&str> {
        self.cause()["revision"].as_str()
    }

    fn blames_a_decoy(&self) -> bool {
        self.blamed().is_some_and(|name| self.truth.decoys.iter().any(|decoy| decoy == name))
    }

    /// The reasons of a tier, as the board writes them behind `why`.
    fn why(&self, tier: &str) -> Vec<&str> {
        let reasons = self.report.tier(tier)["reasons"].as_array().expect("reasons");
        reasons.iter().filter_map(|reason| reason["text"].as_str()).collect()
    }

    fn words(&self, draw: Draw) -> String {
        format!("{draw:?} {:?}\n{}", self.truth, self.report.summary())
    }
}

/// Prints the cases that are not `right`; how many there are.
fn wrong(cases: &[(Draw, Case)], right: impl Fn(&Case) -> bool) -> usize {
    let wrong: Vec<_> = cases.iter().filter(|(_, case)| !right(case)).collect();
    for (draw, case) in &wrong {
        println!("not right: {}\n", case.words(*draw));
    }
    wrong.len()
}

fn assert_no_decoy(cases: &[(Draw, Case)]) {
    for (draw, case) in cases {
        assert!(!case.blames_a_decoy(), "a decoy is blamed: {}", case.words(*draw));
    }
}

#[test]
fn a_bad_canary_is_named_with_its_revision_and_no_decoy_is() {
    let _machine = crate::support::busy();
    let _quiet = quiet();
    let culprits = |seeds: &[Draw]| -> BTreeSet<String> {
        seeds.iter().map(|draw| drawn_culprit("bad-canary", draw.seed)).collect()
    };
    let mut seeds = draws(20);
    while culprits(&seeds).len() < ROLLOUTS {
        seeds = draws(20);
    }
    let cases = each(&seeds, |draw| case("bad-canary", draw));
    assert_no_decoy(&cases);
    let healthy_canaries = cases.iter().filter(|(_, case)| case.truth.decoys.len() > 1).count();
    assert_eq!(healthy_canaries, 10, "half of the draws have a healthy canary beside the bad one");
    let wrong = wrong(&cases, |case| {
        let canary = case.canary.as_deref().expect("the culprit is a Rollout");
        case.blamed() == Some(case.culprit())
            && case.blamed_revision() == Some(case.revision())
            && case.why("application").first().is_some_and(|why| why.starts_with(canary))
    });
    assert!(wrong <= 1, "{wrong} of 20 are not told right");
    for (draw, case) in &cases {
        let balancer = case.report.tier("load-balancer");
        let ratio = |name: &str| balancer[name]["value"].as_f64().unwrap_or(f64::NAN);
        let passes_on = ratio("error_added_ratio") < 0.1 * ratio("error_ratio");
        assert!(passes_on, "the load balancer adds errors of its own: {}", case.words(*draw));
    }
}

#[test]
fn no_canary_is_blamed_while_the_stable_revision_fails() {
    let _machine = crate::support::busy();
    let _quiet = quiet();
    let cases = each(&draws(5), |draw| case("stable-fails", draw));
    assert_no_decoy(&cases);
    for (draw, case) in &cases {
        assert_ne!(case.report.0["health"], "ok", "{}", case.words(*draw));
        let canary = case.report.components().find_map(|row| {
            let name = row["name"].as_str()?;
            case.truth.decoys.iter().any(|decoy| decoy == name).then_some(row)
        });
        assert!(canary.is_some(), "the healthy canary is on the board: {}", case.words(*draw));
        assert!(
            case.blamed().is_none_or(|name| name == case.culprit()),
            "only the ill workload may be blamed: {}",
            case.words(*draw)
        );
        assert!(
            case.blamed_revision().is_none_or(|hash| hash == case.revision()),
            "no revision but the stable one: {}",
            case.words(*draw)
        );
    }
    assert_eq!(wrong(&cases, |case| case.blamed() == Some(case.culprit())), 0);
}

#[test]
fn nobody_is_blamed_for_users_who_stay_away() {
    let _machine = crate::support::busy();
    let _quiet = quiet();
    // The edge is told of two minutes late, and two minutes of three decide.
    let cases = each(&draws(5), |draw| case_after("traffic-drop", draw, 5 * 60_000));
    assert_no_decoy(&cases);
    for (draw, case) in &cases {
        let felt =
            case.report.tier("edge")["reasons"].as_array().expect("reasons").iter().any(|r| r["rule"] == "traffic");
        assert!(felt, "it is an incident: {}", case.words(*draw));
        assert_eq!(case.cause()["verdict"], "not-found", "{}", case.words(*draw));
    }
}

#[test]
fn a_degraded_primary_is_named_and_no_deploy_is() {
    let _machine = crate::support::busy();
    let _quiet = quiet();
    let cases = each(&draws(5), |draw| case("db-primary-degraded", draw));
    assert_no_decoy(&cases);
    for (draw, case) in &cases {
        assert!(case.blamed_revision().is_none(), "a revision is blamed: {}", case.words(*draw));
    }
    let wrong = wrong(&cases, |case| case.blamed() == Some("orders-db"));
    assert!(wrong <= 1, "{wrong} of 5 do not name the primary");
}
