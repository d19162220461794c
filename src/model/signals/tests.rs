use std::convert::Infallible;
use std::time::Duration;

use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr};

use super::*;

const WINDOW: Duration = Duration::from_secs(60);

fn questions() -> impl Iterator<Item = (&'static SignalSpec, &'static PromQl)> {
    all().filter_map(|spec| Some((spec, spec.promql()?)))
}

fn parse(id: &str, query: &str) -> Expr {
    parser::parse(query).unwrap_or_else(|error| panic!("{id}: {error}\n{query}"))
}

#[test]
fn every_file_of_the_catalogue_loads_and_ids_are_unique() {
    let mut count = 0;
    for (name, text) in FILES {
        count += rows(text).unwrap_or_else(|error| panic!("{name}: {error}")).len();
    }
    assert_eq!(count, all().count(), "an id stands twice");
    assert!(questions().count() > 200, "{}", questions().count());
}

#[test]
fn a_row_with_a_typing_mistake_or_without_exactly_one_feed_is_refused() {
    let row = |extra: &str| format!("[[signal]]\nid='a.b'\nlabel='b'\nrole='rate'\nunit='per-second'\n{extra}");
    let good = "promql.detect='up'\npromql.query='up'";
    assert_eq!(rows(&row(good)).map(|rows| rows.len()).ok(), Some(2), "the row and its twin of last week");
    for bad in [
        String::new(),
        format!("{good}\nwarm=1.0"),
        format!("{good}\npromql.quary='up'"),
        format!("{good}\nown='x'"),
        format!("{good}\nfeed='x'"),
    ] {
        assert!(rows(&row(&bad)).is_err(), "{bad}");
    }
}

#[test]
fn thresholds_are_in_order() {
    for spec in all() {
        if let (Some(warn), Some(critical)) = (spec.warn, spec.critical) {
            assert!(if spec.above { warn <= critical } else { warn >= critical }, "{}", spec.id);
        }
    }
}

#[test]
fn every_question_parses_and_leaves_no_placeholder() {
    for (spec, promql) in questions() {
        let labels = promql.by.iter().map(|name| (name.clone(), "x".to_owned())).collect();
        for query in [promql.for_all("found", WINDOW), promql.for_one("found", WINDOW, &labels)] {
            assert!(!query.contains('$'), "{}: {query}", spec.id);
            parse(&spec.id, &query);
        }
    }
}

/// Takes the matchers away that narrowing has added, counting them per selector.
struct Widen {
    selectors_narrowed: usize,
    per_selector: usize,
}

impl promql_parser::util::visitor::ExprVisitorMut for Widen {
    type Error = Infallible;
    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Infallible> {
        let selector = match expr {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &mut matrix.vs,
            _ => return Ok(true),
        };
        let before = selector.matchers.matchers.len();
        selector.matchers.matchers.retain(|matcher: &Matcher| !matcher.value.starts_with("narrow-"));
        let added = before - selector.matchers.matchers.len();
        if added > 0 {
            self.selectors_narrowed += 1;
            assert_eq!(added, self.per_selector, "a selector is narrowed by some labels only");
        }
        Ok(true)
    }
}

#[test]
fn narrowing_keeps_the_question_and_only_adds_matchers() {
    for (spec, promql) in questions() {
        let labels: Labels = promql.by.iter().map(|name| (name.clone(), format!("narrow-{name}"))).collect();
        let mut widened = parse(&spec.id, &promql.for_one("found", WINDOW, &labels));
        let mut widen = Widen { selectors_narrowed: 0, per_selector: promql.by.len() };
        promql_parser::util::visitor::walk_expr_mut(&mut widen, &mut widened).unwrap();
        let whole = PromQl { only: None, ..promql.clone() };
        assert_eq!(widened.to_string(), parse(&spec.id, &whole.for_all("found", WINDOW)).to_string(), "{}", spec.id);
        assert_eq!(widen.selectors_narrowed == 0, promql.by.is_empty(), "{}", spec.id);
    }
}

#[test]
fn a_narrowed_question_excludes_series_that_have_a_label_more() {
    let promql = PromQl {
        detect: "x".to_owned(),
        unless: None,
        by: vec!["namespace".to_owned(), "service".to_owned()],
        query: "sum by ($G) (rate(x{code=~\"5..\",$M}[$W]))".to_owned(),
        only: Some("> 0".to_owned()),
    };
    let labels = Labels::from([("service".to_owned(), "a\"b\\c\n\u{1b}$W".to_owned())]);
    assert_eq!(
        promql.for_one("x", Duration::from_secs(90), &labels),
        "sum by (namespace, service) (rate(x{code=~\"5..\",namespace=\"\",service=\"a\\\"b\\\\c\\n\\x1b$W\"}[90s]))"
    );
    assert_eq!(
        promql.for_all("x", Duration::from_secs(120)),
        "(sum by (namespace, service) (rate(x{code=~\"5..\"}[2m]))) > 0"
    );
}

#[test]
fn every_rate_of_a_component_has_a_twin_one_week_earlier() {
    for (spec, promql) in questions().filter(|(spec, _)| matches!(spec.role, Role::Rate | Role::Business)) {
        let twin = super::spec(&format!("{}{LAST_WEEK}", spec.id));
        assert_eq!(twin.is_none(), promql.is_per_revision() || promql.is_per_call(), "{}", spec.id);
        let Some(twin) = twin.and_then(SignalSpec::promql) else { continue };
        let query = twin.for_all("found", WINDOW);
        assert_eq!(query.matches("[1m] offset 1w").count(), query.matches('[').count(), "{}: {query}", spec.id);
    }
}

/// An answer that a filter made empty must not be mistaken for a missing measurement, nor the other way round.
#[test]
fn error_ratios_survive_an_empty_numerator() {
    for (spec, promql) in questions().filter(|(spec, _)| spec.role == Role::ErrorRatio) {
        let covered = promql.query.contains("* 0) / ") || spec.id == "db.pg.rollback";
        assert!(covered, "{}: {}", spec.id, promql.query);
    }
}

#[test]
fn detection_knows_names_and_endings() {
    let business = super::spec("app.business.rate").and_then(SignalSpec::promql).expect("the business row");
    assert!(business.detects("shop_orders_completed_total"));
    assert!(!business.detects("shop_orders_completed_total_created"));
    assert!(!business.detects("_orders_completed_total"));
    let jobs = super::spec("app.jobs.avg").and_then(SignalSpec::promql).expect("the row of jobs");
    let query = jobs.for_all("shop_job_duration_seconds_count", WINDOW);
    assert!(query.contains("rate(shop_job_duration_seconds_sum[1m])"), "{query}");
    assert!(business.detection().starts_with(".+_orders_completed_total|"));
}

#[test]
fn rows_of_cloudwatch_fit_together() {
    for spec in all() {
        let cloudwatch = |id: &String| match &self::spec(id).unwrap_or_else(|| panic!("{id} is no row")).feed {
            Feed::Cloudwatch(feed) => feed,
            _ => panic!("{id} is not fetched from CloudWatch"),
        };
        match &spec.feed {
            Feed::Cloudwatch(feed) => {
                assert_eq!(feed.divisor == 1, feed.conversion().is_none(), "{}: no words for its divisor", spec.id);
                assert_eq!(feed.period % 60, 0, "{}", spec.id);
                if let Some(other) = &feed.zero_with {
                    assert_eq!(cloudwatch(other).dimensions, feed.dimensions, "{}", spec.id);
                }
            }
            Feed::Derived(derived) => {
                assert!(derived.formula.of(&vec![1.0; derived.from.len()]).is_some(), "{}", spec.id);
                let inputs: Vec<_> = derived.from.iter().map(cloudwatch).collect();
                let same = |a: &CloudWatchFeed, b: &CloudWatchFeed| {
                    (&a.namespace, &a.dimensions, a.period) == (&b.namespace, &b.dimensions, b.period)
                };
                assert!(inputs.windows(2).all(|pair| same(pair[0], pair[1])), "{}", spec.id);
            }
            Feed::Promql(_) | Feed::Own(_) => {}
        }
    }
}

#[test]
fn no_file_is_left_out() {
    assert_eq!(super::defects(), [] as [String; 0]);
}
