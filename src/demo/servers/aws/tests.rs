//! The servers, driven by the AWS SDK's own clients and, where these cannot, by plain HTTP.

use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::operation::RequestId;
use aws_sdk_cloudwatch::operation::get_metric_data::builders::GetMetricDataFluentBuilder;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StateValue, StatusCode};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum;

use super::fixture::{GROUP_ARN, LB, LB_ARN, LISTENER_ARN, MINUTE, NOON, REGION, Served, lb_metric, serve};
use super::{ACCESS_KEY, AwsFault, routes};
use crate::demo::store::cloudwatch::{MetricId, Point};

/// What the AWS SDK's clients are built from.
fn sdk(served: &Served) -> aws_config::SdkConfig {
    sdk_of(served, ACCESS_KEY, REGION)
}

fn sdk_of(served: &Served, key: &str, region: &str) -> aws_config::SdkConfig {
    let credentials = aws_sdk_sts::config::Credentials::new(key, "demo", None, None, "test");
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(region.to_owned()))
        .endpoint_url(served.url.clone())
        .credentials_provider(aws_sdk_sts::config::SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

fn query(id: &str, metric: &MetricId, stat: &str, period: i32) -> MetricDataQuery {
    let dimension = |(n, v): &(String, String)| Dimension::builder().name(n).value(v).build();
    let metric = Metric::builder()
        .namespace(&metric.namespace)
        .metric_name(&metric.name)
        .set_dimensions(Some(metric.dimensions.iter().map(dimension).collect()))
        .build();
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

fn ask(served: &Served, from: i64, to: i64) -> GetMetricDataFluentBuilder {
    aws_sdk_cloudwatch::Client::new(&sdk(served))
        .get_metric_data()
        .start_time(DateTime::from_millis(from))
        .end_time(DateTime::from_millis(to))
}

#[tokio::test]
async fn points_arrive_newest_first_after_their_delay_and_before_the_end() {
    let served = serve().await;
    let answer = ask(&served, NOON - 5 * MINUTE, NOON)
        .metric_data_queries(query("rate", &lb_metric("RequestCount"), "Sum", 60))
        .metric_data_queries(query("p95", &lb_metric("TargetResponseTime"), "p95", 60))
        .metric_data_queries(query("none", &lb_metric("RejectedConnectionCount"), "Sum", 60))
        .send()
        .await
        .unwrap();
    assert!(answer.request_id().is_some_and(|id| id.len() == 36));
    let [rate, p95, none] = answer.metric_data_results() else { panic!("{answer:?}") };
    // The minute 11:58 is published at 12:00, the minute 11:59 is not yet.
    let at: Vec<i64> = rate.timestamps().iter().map(|t| t.to_millis().unwrap()).collect();
    assert_eq!(at, [2, 3, 4, 5].map(|back| NOON - back * MINUTE));
    assert_eq!(rate.values(), [1_200.0; 4]);
    assert_eq!((rate.id(), rate.label()), (Some("rate"), Some("RequestCount")));
    assert!(p95.values().iter().all(|v| (v - 0.19).abs() < 0.005), "{:?}", p95.values());
    assert_eq!((none.values().len(), none.status_code()), (0, Some(&StatusCode::Complete)));
    served.set_now(NOON + 2 * MINUTE);
    let later = ask(&served, NOON - 5 * MINUTE, NOON)
        .metric_data_queries(query("rate", &lb_metric("RequestCount"), "Sum", 60))
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .unwrap();
    let at: Vec<i64> = later.metric_data_results()[0].timestamps().iter().map(|t| t.to_millis().unwrap()).collect();
    assert_eq!(at, [5, 4, 3, 2, 1].map(|back| NOON - back * MINUTE), "the start is included, the end is not");
}

#[tokio::test]
async fn a_longer_period_aggregates_its_minutes() {
    let served = serve().await;
    let answer = ask(&served, NOON - 15 * MINUTE, NOON - 5 * MINUTE)
        .metric_data_queries(query("sum", &lb_metric("HTTPCode_Target_5XX_Count"), "Sum", 300))
        .metric_data_queries(query("n", &lb_metric("RequestCount"), "SampleCount", 300))
        .send()
        .await
        .unwrap();
    let [sum, n] = answer.metric_data_results() else { panic!("{answer:?}") };
    // Errors began at 11:51: four minutes of them in the bucket of 11:50.
    assert_eq!(sum.values(), [48.0]);
    assert_eq!(n.values(), [6_000.0, 6_000.0]);
}

#[tokio::test]
async fn pages_hold_max_datapoints_and_join_up() {
    let served = serve().await;
    let first = ask(&served, NOON - 10 * MINUTE, NOON)
        .metric_data_queries(query("a", &lb_metric("RequestCount"), "Sum", 60))
        .metric_data_queries(query("b", &lb_metric("TargetResponseTime"), "Average", 60))
        .max_datapoints(12);
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let page = first.clone().set_next_token(token).send().await.unwrap();
        let ids = |r: &aws_sdk_cloudwatch::types::MetricDataResult| (r.id().unwrap().to_owned(), r.values().len());
        pages.push(page.metric_data_results().iter().map(ids).collect::<Vec<_>>());
        // Time goes on between the pages; what they show does not.
        served.set_now(NOON + 5 * MINUTE);
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
        assert_eq!(page.metric_data_results().last().unwrap().status_code(), Some(&StatusCode::PartialData));
    }
    let page = |items: &[(&str, usize)]| items.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect::<Vec<_>>();
    assert_eq!(pages, [page(&[("a", 9), ("b", 3)]), page(&[("b", 6)])]);
}

#[tokio::test]
async fn what_cloudwatch_refuses_is_refused_with_its_code() {
    let served = serve().await;
    let rate = || query("rate", &lb_metric("RequestCount"), "Sum", 60);
    let base = || ask(&served, NOON - 5 * MINUTE, NOON);
    let expression = MetricDataQuery::builder().id("e").expression("rate / 2").build();
    let many = (0..501).map(|n| query(&format!("q{n}"), &lb_metric("RequestCount"), "Sum", 60)).collect();
    let cases = [
        (base().metric_data_queries(query("Upper", &lb_metric("RequestCount"), "Sum", 60)), "ValidationError"),
        (base().metric_data_queries(rate()).metric_data_queries(rate()), "ValidationError"),
        (base().set_metric_data_queries(Some(many)), "ValidationError"),
        (base().metric_data_queries(expression), "ValidationError"),
        (base().metric_data_queries(query("q", &lb_metric("RequestCount"), "tm99", 60)), "ValidationError"),
        (base().metric_data_queries(query("q", &lb_metric("RequestCount"), "Sum", 90)), "ValidationError"),
        (ask(&served, NOON, NOON - MINUTE).metric_data_queries(rate()), "ValidationError"),
        (base(), "MissingParameter"),
        (base().metric_data_queries(rate()).next_token("x"), "InvalidNextToken"),
    ];
    for (request, code) in cases {
        let error = request.send().await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert!(error.message().is_some_and(|m| !m.is_empty()));
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    }
}

#[tokio::test]
async fn metrics_are_listed_by_filter_and_page() {
    let served = serve().await;
    served.change(|stores| {
        for n in 0..600 {
            let id = MetricId::new("Shop/Bulk", "Orders", [("Shard", format!("{n:03}").as_str())]);
            stores.cloudwatch.record(&id, Point::single(NOON - 10 * MINUTE, 1.0));
        }
        let old = MetricId::new("Shop/Old", "Orders", []);
        stores.cloudwatch.record(&old, Point::single(NOON - 20 * 60 * MINUTE, 1.0));
    });
    let client = aws_sdk_cloudwatch::Client::new(&sdk(&served));
    let first = client.list_metrics().namespace("Shop/Bulk").send().await.unwrap();
    assert_eq!(first.metrics().len(), 500);
    let rest =
        client.list_metrics().namespace("Shop/Bulk").next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((rest.metrics().len(), rest.next_token()), (100, None));
    let filter = aws_sdk_cloudwatch::types::DimensionFilter::builder().name("LoadBalancer").value(LB).build();
    let lb = client.list_metrics().dimensions(filter).send().await.unwrap();
    let names: Vec<_> = lb.metrics().iter().filter_map(|m| m.metric_name()).collect();
    assert_eq!(names, ["HTTPCode_Target_5XX_Count", "RequestCount", "TargetResponseTime"]);
    let old = client.list_metrics().namespace("Shop/Old");
    assert_eq!(old.clone().send().await.unwrap().metrics().len(), 1);
    let recent = old.recently_active(aws_sdk_cloudwatch::types::RecentlyActive::Pt3H).send().await.unwrap();
    assert_eq!(recent.metrics().len(), 0);
}

#[tokio::test]
async fn alarms_are_told_by_state() {
    let served = serve().await;
    let client = aws_sdk_cloudwatch::Client::new(&sdk(&served));
    let firing = client.describe_alarms().state_value(StateValue::Alarm).send().await.unwrap();
    let [alarm] = firing.metric_alarms() else { panic!("{firing:?}") };
    assert_eq!(alarm.alarm_name(), Some("shop-5xx"));
    assert_eq!(alarm.state_updated_timestamp().unwrap().to_millis().unwrap(), NOON - 5 * MINUTE);
    assert_eq!(alarm.dimensions()[0].value(), Some(LB));
    let page = client.describe_alarms().max_records(1).send().await.unwrap();
    let rest = client.describe_alarms().max_records(1).next_token(page.next_token().unwrap()).send().await.unwrap();
    assert_eq!(rest.metric_alarms()[0].extended_statistic(), Some("p95"));
    assert_eq!(rest.next_token(), None);
}

#[tokio::test]
async fn global_metrics_live_in_us_east_1_and_resources_in_their_region() {
    let served = serve().await;
    let here = sdk(&served);
    let there = sdk_of(&served, "AKIADEMO", "us-east-1");
    let edge = |config| aws_sdk_cloudwatch::Client::new(config).list_metrics().namespace("AWS/CloudFront").send();
    assert_eq!(edge(&here).await.unwrap().metrics().len(), 0);
    assert_eq!(edge(&there).await.unwrap().metrics().len(), 1);
    let dbs = aws_sdk_rds::Client::new(&there).describe_db_instances().send().await.unwrap();
    assert_eq!(dbs.db_instances().len(), 0);
}

#[tokio::test]
async fn load_balancers_and_their_targets() {
    let served = serve().await;
    let client = aws_sdk_elasticloadbalancingv2::Client::new(&sdk(&served));
    let lbs = client.describe_load_balancers().send().await.unwrap();
    let [lb] = lbs.load_balancers() else { panic!("{lbs:?}") };
    assert_eq!((lb.load_balancer_arn(), lb.availability_zones().len()), (Some(LB_ARN), 2));
    assert_eq!(lb.state().unwrap().code().unwrap().as_str(), "active");
    let listeners = client.describe_listeners().load_balancer_arn(LB_ARN).send().await.unwrap();
    let action = &listeners.listeners()[0].default_actions()[0];
    assert_eq!(action.target_group_arn(), Some(GROUP_ARN));
    assert_eq!(action.forward_config().unwrap().target_groups()[0].weight(), Some(100));
    let rules = client.describe_rules().listener_arn(LISTENER_ARN).send().await.unwrap();
    assert_eq!(rules.rules()[0].is_default(), Some(true));
    let groups = client.describe_target_groups().load_balancer_arn(LB_ARN).send().await.unwrap();
    assert_eq!(groups.target_groups()[0].load_balancer_arns(), [LB_ARN]);
    let health = client.describe_target_health().target_group_arn(GROUP_ARN).send().await.unwrap();
    let told: Vec<_> = health
        .target_health_descriptions()
        .iter()
        .map(|d| {
            let health = d.target_health().unwrap();
            (
                d.target().unwrap().id().unwrap(),
                health.state().unwrap().as_str(),
                health.reason().map(TargetHealthReasonEnum::as_str),
            )
        })
        .collect();
    let unhealthy = ("10.0.2.10", "unhealthy", Some("Target.FailedHealthChecks"));
    assert_eq!(told, [("10.0.1.10", "healthy", None), unhealthy]);
    let error = client.describe_load_balancers().names("nothing").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_load_balancer_not_found_exception(), "{error:?}");
    let error = client.describe_target_health().send().await.unwrap_err();
    assert_eq!(error.code(), Some("MissingParameter"));
}

#[tokio::test]
async fn databases_and_their_events() {
    let served = serve().await;
    let client = aws_sdk_rds::Client::new(&sdk(&served));
    let all = client.describe_db_instances().send().await.unwrap();
    let [primary, replica] = all.db_instances() else { panic!("{all:?}") };
    assert_eq!((primary.multi_az(), primary.secondary_availability_zone()), (Some(true), Some("eu-west-1b")));
    assert_eq!(primary.read_replica_db_instance_identifiers(), ["shop-db-replica"]);
    assert_eq!(primary.latest_restorable_time().unwrap().to_millis().unwrap(), NOON - 4 * MINUTE);
    assert_eq!(primary.endpoint().unwrap().port(), Some(5432));
    assert_eq!(replica.read_replica_source_db_instance_identifier(), Some("shop-db"));
    assert_eq!(
        (replica.status_infos()[0].normal(), replica.status_infos()[0].status()),
        (Some(true), Some("replicating"))
    );
    let error = client.describe_db_instances().db_instance_identifier("nothing").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_db_instance_not_found_fault(), "{error:?}");
    let hour = client.describe_events().send().await.unwrap();
    let [event] = hour.events() else { panic!("{hour:?}") };
    assert_eq!(event.message(), Some("Multi-AZ instance failover completed"));
    assert_eq!(event.event_categories(), ["failover", "notification"]);
    let day = client.describe_events().duration(1_440).send().await.unwrap();
    assert_eq!(day.events().len(), 2);
    let error = client.describe_events().source_identifier("shop-db").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterCombination"));
    assert_eq!(client.describe_db_clusters().send().await.unwrap().db_clusters().len(), 0);
    let pending = client.describe_pending_maintenance_actions().send().await.unwrap();
    assert_eq!(pending.pending_maintenance_actions().len(), 0);
}

#[tokio::test]
async fn caches_groups_and_the_caller() {
    let served = serve().await;
    let client = aws_sdk_elasticache::Client::new(&sdk(&served));
    let groups = client.describe_replication_groups().send().await.unwrap();
    let [group] = groups.replication_groups() else { panic!("{groups:?}") };
    assert_eq!(group.description(), Some("sessions & baskets <shop>"), "markup is escaped");
    assert_eq!(group.automatic_failover().unwrap().as_str(), "enabled");
    let members = group.node_groups()[0].node_group_members();
    assert_eq!(members.iter().map(|m| m.current_role().unwrap()).collect::<Vec<_>>(), ["primary", "replica"]);
    let clusters = client.describe_cache_clusters().show_cache_node_info(true).send().await.unwrap();
    let node = &clusters.cache_clusters()[1].cache_nodes()[0];
    assert_eq!(node.endpoint().unwrap().address(), Some("shop-cache-002.abc.0001.euw1.cache.amazonaws.com"));
    assert_eq!(client.describe_events().send().await.unwrap().events().len(), 0);

    let client = aws_sdk_autoscaling::Client::new(&sdk(&served));
    let groups = client.describe_auto_scaling_groups().send().await.unwrap();
    let group = &groups.auto_scaling_groups()[0];
    assert_eq!((group.min_size(), group.desired_capacity(), group.max_size()), (Some(3), Some(2), Some(20)));
    assert_eq!(group.instances()[1].health_status(), Some("Unhealthy"));
    let activities = client.describe_scaling_activities().send().await.unwrap();
    assert_eq!(activities.activities()[0].end_time().unwrap().to_millis().unwrap(), NOON - 38 * MINUTE);

    let caller = aws_sdk_sts::Client::new(&sdk(&served)).get_caller_identity().send().await.unwrap();
    assert_eq!(caller.account(), Some("123456789012"));
    assert_eq!(caller.arn(), Some("arn:aws:sts::123456789012:assumed-role/oncall/alex"));
}

#[tokio::test]
async fn the_cli_protocol_tells_the_same() {
    let served = serve().await;
    let signed = "AWS4-HMAC-SHA256 Credential=AKIADEMO/20260302/eu-west-1/monitoring/aws4_request, \
                  SignedHeaders=host, Signature=00";
    let body = serde_json::json!({
        "StartTime": (NOON - 3 * MINUTE) / 1_000,
        "EndTime": NOON / 1_000,
        "MetricDataQueries": [{"Id": "rate", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
            "Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount",
            "Dimensions": [{"Name": "LoadBalancer", "Value": LB}]}}}],
    });
    let post = |operation: &str| {
        reqwest::Client::new()
            .post(&served.url)
            .header("x-amz-target", format!("GraniteServiceVersion20100801.{operation}"))
            .header("authorization", signed)
            .body(body.to_string())
            .send()
    };
    let answer = post("GetMetricData").await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-amz-json-1.0");
    let json: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(json["MetricDataResults"][0]["Values"], serde_json::json!([1_200.0, 1_200.0]));
    assert_eq!(json["MetricDataResults"][0]["Timestamps"][0], (NOON - 2 * MINUTE) as f64 / 1e3);
    let unknown = post("PutMetricAlarm").await.unwrap();
    assert_eq!(unknown.status(), 404);
    let json: serde_json::Value = serde_json::from_slice(&unknown.bytes().await.unwrap()).unwrap();
    assert_eq!(json["__type"], "com.amazonaws.cloudwatch#UnknownOperationException");
}

#[tokio::test]
async fn only_the_demos_credentials_are_taken() {
    let served = serve().await;
    let form = [("Action", "DescribeDBInstances"), ("Version", "2014-10-31")];
    let bare = reqwest::Client::new().post(&served.url).form(&form).send().await.unwrap();
    assert_eq!(bare.status(), 403);
    assert!(bare.headers().contains_key("x-amzn-requestid"));
    let xml = bare.text().await.unwrap();
    assert!(xml.contains("<Code>MissingAuthenticationToken</Code>"), "{xml}");
    let foreign = sdk_of(&served, "AKIAREAL", "eu-west-1");
    let error = aws_sdk_sts::Client::new(&foreign).get_caller_identity().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidClientTokenId"));
    let error = aws_sdk_cloudwatch::Client::new(&foreign).list_metrics().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidClientTokenId"));
}

#[tokio::test]
async fn an_unknown_action_is_named() {
    let served = serve().await;
    let client = aws_sdk_rds::Client::new(&sdk(&served));
    let error = client.stop_db_instance().db_instance_identifier("shop-db").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
    assert!(error.message().unwrap().contains("StopDBInstance"));
    let error = aws_sdk_cloudwatch::Client::new(&sdk(&served))
        .delete_alarms()
        .alarm_names("shop-5xx")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn faults_hit_one_service_in_its_own_protocol() {
    let served = serve().await;
    assert!(!served.faults.set("s3", AwsFault::Hang));
    let rds = aws_sdk_rds::Client::new(&sdk(&served));
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sdk(&served));
    for (status, code) in [(401, "ExpiredToken"), (403, "AccessDenied"), (429, "Throttling"), (500, "InternalFailure")]
    {
        served.faults.set("rds", AwsFault::Status(status));
        served.faults.set("cloudwatch", AwsFault::Status(status));
        assert_eq!(rds.describe_db_instances().send().await.unwrap_err().code(), Some(code));
        assert_eq!(cloudwatch.list_metrics().send().await.unwrap_err().code(), Some(code));
    }
    served.faults.set("rds", AwsFault::Truncate);
    let error = rds.describe_db_instances().send().await.unwrap_err();
    assert_eq!(error.code(), None, "{error:?}");
    served.faults.set("rds", AwsFault::Hang);
    let hung = rds.describe_db_instances().send();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), hung).await.is_err());
    let sts = aws_sdk_sts::Client::new(&sdk(&served));
    assert!(sts.get_caller_identity().send().await.is_ok(), "another service answers");
    served.faults.set("aws", AwsFault::Ok);
    assert!(rds.describe_db_instances().send().await.is_ok());
    assert!(cloudwatch.list_metrics().send().await.is_ok());
}

#[test]
fn routes_are_told_once_each() {
    let mut all: Vec<_> = routes().collect();
    assert!(all.contains(&("cloudwatch", "GetMetricData")) && all.contains(&("sts", "GetCallerIdentity")));
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}
