//! The equivalent command line of a request: what one would type without tierdeck, safe to paste.

use super::aws::{AwsMutation, GroupChange};
use super::{KubeMutation, Mutation, Patch};

/// A word for a POSIX shell: bare where it is harmless, else in single quotes.
#[must_use]
pub fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The words as one command line.
#[must_use]
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The command that sends the same request, where a plan has no shorter one.
#[must_use]
pub fn command(mutation: &Mutation) -> String {
    match mutation {
        Mutation::Kube(mutation) => kube(mutation),
        Mutation::Aws(mutation) => aws(mutation),
    }
}

fn kube(mutation: &KubeMutation) -> String {
    match mutation {
        KubeMutation::Patch { resource, namespace, name, subresource, patch, body, .. } => {
            let kind = match *patch {
                Patch::Merge => "merge",
                Patch::Json => "json",
                Patch::Strategic => "strategic",
            };
            let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
            let resource = format!("{}{group}", resource.plural);
            let mut words = vec!["kubectl", "patch", resource.as_str(), name.as_str()];
            if !namespace.is_empty() {
                words.extend(["-n", namespace.as_str()]);
            }
            let below = subresource.map(|part| format!("--subresource={part}"));
            words.extend(below.as_deref());
            words.extend(["--type", kind, "-p", body.as_str()]);
            line(words)
        }
        KubeMutation::Evict { .. } => {
            let body = mutation.body();
            let path = mutation.path();
            format!("{} | {}", line(["echo", &body]), line(["kubectl", "create", "--raw", &path, "-f", "-"]))
        }
    }
}

fn aws(mutation: &AwsMutation) -> String {
    let region = mutation.region().as_str();
    let mut words: Vec<String> = ["aws", mutation.service()].map(str::to_owned).to_vec();
    let mut flag = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    match mutation {
        AwsMutation::RebootDbInstance { instance, force_failover, .. } => {
            flag("reboot-db-instance", "--db-instance-identifier");
            words.push(instance.as_str().to_owned());
            words.extend(force_failover.then(|| "--force-failover".to_owned()));
        }
        AwsMutation::FailoverDbCluster { cluster, target, .. } => {
            flag("failover-db-cluster", "--db-cluster-identifier");
            words.push(cluster.as_str().to_owned());
            if let Some(target) = target {
                words.extend(["--target-db-instance-identifier".to_owned(), target.as_str().to_owned()]);
            }
        }
        AwsMutation::ModifyReplicationGroup { group, change, .. } => {
            flag("modify-replication-group", "--replication-group-id");
            words.push(group.as_str().to_owned());
            match change {
                GroupChange::Failover { automatic, multi_az } => {
                    let no = |on: bool, name: &str| if on { format!("--{name}") } else { format!("--no-{name}") };
                    words.extend([no(*automatic, "automatic-failover-enabled"), no(*multi_az, "multi-az-enabled")]);
                }
                GroupChange::Primary(cluster) => {
                    words.extend(["--primary-cluster-id".to_owned(), cluster.as_str().to_owned()]);
                }
            }
            words.push("--apply-immediately".to_owned());
        }
    }
    words.extend(["--region".to_owned(), region.to_owned()]);
    line(words.iter().map(String::as_str))
}
