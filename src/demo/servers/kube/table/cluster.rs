//! Everything that is not a workload.

use serde_json::{Value, json};

use super::{AGE, NAME, Printer, created, join, name, or_none, pairs, since};
use crate::demo::store::json::{array, at, count, text};

/// Kinds that have nothing more to show.
pub const NAMED: Printer =
    Printer { columns: &[NAME, AGE], print: |object, now| vec![name(object), created(object, now)] };

pub const NAMESPACES: Printer = Printer {
    columns: &[NAME, ("Status", "string", false), AGE],
    print: |ns, now| vec![name(ns), json!(text(ns, "/status/phase")), created(ns, now)],
};

pub const NODES: Printer = Printer {
    columns: &[
        NAME,
        ("Status", "string", false),
        ("Roles", "string", false),
        AGE,
        ("Version", "string", false),
        ("Internal-IP", "string", true),
        ("External-IP", "string", true),
        ("OS-Image", "string", true),
        ("Kernel-Version", "string", true),
        ("Container-Runtime", "string", true),
    ],
    print: |node, now| {
        vec![
            name(node),
            json!(node_status(node)),
            roles(node),
            created(node, now),
            json!(text(node, "/status/nodeInfo/kubeletVersion")),
            node_address(node, "InternalIP"),
            node_address(node, "ExternalIP"),
            json!(text(node, "/status/nodeInfo/osImage")),
            json!(text(node, "/status/nodeInfo/kernelVersion")),
            json!(text(node, "/status/nodeInfo/containerRuntimeVersion")),
        ]
    },
};

fn node_status(node: &Value) -> String {
    let ready = array(node, "/status/conditions").iter().find(|condition| *at(condition, "/type") == "Ready");
    let status = match ready.map(|condition| at(condition, "/status")) {
        Some(status) if *status == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if *at(node, "/spec/unschedulable") == true { format!("{status},SchedulingDisabled") } else { status.to_owned() }
}

fn roles(node: &Value) -> Value {
    let labels = at(node, "/metadata/labels").as_object();
    let roles = labels.into_iter().flatten().filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
    or_none(&join(roles))
}

fn node_address(node: &Value, kind: &str) -> Value {
    let found = array(node, "/status/addresses").iter().find(|address| *at(address, "/type") == *kind);
    or_none(found.map_or("", |address| text(address, "/address")))
}

pub const SERVICES: Printer = Printer {
    columns: &[
        NAME,
        ("Type", "string", false),
        ("Cluster-IP", "string", false),
        ("External-IP", "string", false),
        ("Port(s)", "string", false),
        AGE,
        ("Selector", "string", true),
    ],
    print: |service, now| {
        vec![
            name(service),
            json!(text(service, "/spec/type")),
            or_none(text(service, "/spec/clusterIP")),
            external(service),
            ports(service),
            created(service, now),
            pairs(at(service, "/spec/selector")),
        ]
    },
};

fn external(service: &Value) -> Value {
    match text(service, "/spec/type") {
        "ExternalName" => json!(text(service, "/spec/externalName")),
        "LoadBalancer" => {
            let ingress = array(service, "/status/loadBalancer/ingress").iter();
            let names = ingress.map(|i| if at(i, "/ip").is_string() { text(i, "/ip") } else { text(i, "/hostname") });
            let names = join(names);
            json!(if names.is_empty() { "<pending>" } else { &names })
        }
        _ => json!("<none>"),
    }
}

fn ports(service: &Value) -> Value {
    let ports: Vec<String> = array(service, "/spec/ports")
        .iter()
        .map(|port| {
            let (number, node) = (count(port, "/port"), count(port, "/nodePort"));
            let protocol = at(port, "/protocol").as_str().unwrap_or("TCP");
            if node == 0 { format!("{number}/{protocol}") } else { format!("{number}:{node}/{protocol}") }
        })
        .collect();
    or_none(&ports.join(","))
}

pub const EVENTS: Printer = Printer {
    columns: &[
        ("Last Seen", "string", false),
        ("Type", "string", false),
        ("Reason", "string", false),
        ("Object", "string", false),
        ("Subobject", "string", true),
        ("Source", "string", true),
        ("Message", "string", false),
        ("First Seen", "string", true),
        ("Count", "string", true),
        ("Name", "string", true),
    ],
    print: |event, now| {
        // A new-style event has no lastTimestamp, an old-style one no eventTime.
        let stamp = |pointers: &[&str]| {
            let stamp = pointers.iter().map(|p| text(event, p)).find(|stamp| !stamp.is_empty());
            since(stamp.unwrap_or_default(), now)
        };
        let last = stamp(&["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"]);
        let object = at(event, "/involvedObject");
        let kind = text(object, "/kind").to_lowercase();
        let times = count(event, "/series/count").max(count(event, "/count")).max(1);
        vec![
            last,
            json!(text(event, "/type")),
            json!(text(event, "/reason")),
            json!(format!("{kind}/{}", text(object, "/name"))),
            json!(text(object, "/fieldPath")),
            json!(text(event, "/source/component")),
            json!(text(event, "/message").trim()),
            stamp(&["/firstTimestamp", "/eventTime"]),
            json!(times.to_string()),
            name(event),
        ]
    },
};

pub const HPAS: Printer = Printer {
    columns: &[
        NAME,
        ("Reference", "string", false),
        ("Targets", "string", false),
        ("MinPods", "string", false),
        ("MaxPods", "string", false),
        ("Replicas", "string", false),
        AGE,
    ],
    print: |hpa, now| {
        vec![
            name(hpa),
            json!(format!("{}/{}", text(hpa, "/spec/scaleTargetRef/kind"), text(hpa, "/spec/scaleTargetRef/name"))),
            json!(targets(hpa)),
            json!(at(hpa, "/spec/minReplicas").as_i64().map_or_else(|| "<unset>".to_owned(), |n| n.to_string())),
            json!(count(hpa, "/spec/maxReplicas").to_string()),
            json!(count(hpa, "/status/currentReplicas").to_string()),
            created(hpa, now),
        ]
    },
};

/// `cpu: 45%/70%, memory: <unknown>/80%`.
fn targets(hpa: &Value) -> String {
    let current = array(hpa, "/status/currentMetrics");
    let one = |metric: &Value| {
        let resource = text(metric, "/resource/name");
        let now =
            current.iter().find(|c| *at(c, "/resource/name") == *resource).map_or(&Value::Null, |c| at(c, "/resource"));
        let (now, target) = match at(metric, "/resource/target/averageUtilization").as_i64() {
            Some(target) => {
                (at(now, "/current/averageUtilization").as_i64().map(|n| format!("{n}%")), format!("{target}%"))
            }
            None => (
                at(now, "/current/averageValue").as_str().map(str::to_owned),
                text(metric, "/resource/target/averageValue").to_owned(),
            ),
        };
        format!("{resource}: {}/{target}", now.unwrap_or_else(|| "<unknown>".to_owned()))
    };
    let all: Vec<String> = array(hpa, "/spec/metrics").iter().map(one).collect();
    if all.is_empty() { "<none>".to_owned() } else { all.join(", ") }
}

pub const PDBS: Printer = Printer {
    columns: &[
        NAME,
        ("Min Available", "string", false),
        ("Max Unavailable", "string", false),
        ("Allowed Disruptions", "integer", false),
        AGE,
    ],
    print: |pdb, now| {
        let bound = |name: &str| match at(pdb, name) {
            Value::Null => json!("N/A"),
            Value::String(share) => json!(share),
            number => json!(number.to_string()),
        };
        vec![
            name(pdb),
            bound("/spec/minAvailable"),
            bound("/spec/maxUnavailable"),
            json!(count(pdb, "/status/disruptionsAllowed")),
            created(pdb, now),
        ]
    },
};

pub const ENDPOINT_SLICES: Printer = Printer {
    columns: &[NAME, ("AddressType", "string", false), ("Ports", "string", false), ("Endpoints", "string", false), AGE],
    print: |slice, now| {
        let ports: Vec<String> = array(slice, "/ports").iter().map(|port| count(port, "/port").to_string()).collect();
        let addresses: Vec<&str> = array(slice, "/endpoints").iter().map(|e| text(e, "/addresses/0")).collect();
        let more = addresses.len().saturating_sub(3);
        let mut shown = join(addresses.into_iter().take(3));
        if more > 0 {
            shown.push_str(&format!(" + {more} more..."));
        }
        vec![
            name(slice),
            json!(text(slice, "/addressType")),
            json!(if ports.is_empty() { "<unset>".to_owned() } else { ports.join(",") }),
            json!(if shown.is_empty() { "<unset>".to_owned() } else { shown }),
            created(slice, now),
        ]
    },
};

pub const POD_METRICS: Printer = Printer {
    columns: &[NAME, ("CPU", "string", false), ("Memory", "string", false), ("Window", "string", false)],
    print: |metrics, _| {
        let usage =
            |resource: &str| join(array(metrics, "/containers").iter().map(|c| text(at(c, "/usage"), resource)));
        vec![name(metrics), json!(usage("/cpu")), json!(usage("/memory")), json!(text(metrics, "/window"))]
    },
};

pub const NODE_METRICS: Printer = Printer {
    columns: &[NAME, ("CPU", "string", false), ("Memory", "string", false), ("Window", "string", false)],
    print: |metrics, _| {
        vec![
            name(metrics),
            json!(text(metrics, "/usage/cpu")),
            json!(text(metrics, "/usage/memory")),
            json!(text(metrics, "/window")),
        ]
    },
};
