//! Back to the template of a chosen revision (facts/kubernetes.md 1.2 and 1.5, facts/controlplane.md 4 and 5).
//!
//! Revisions are addressed by hash or name: numbers are given anew by a rollback, so a number is only looked up. Works
//! half-way through a stuck rollout too: the patch needs no settled state.

use serde_json::{Value, json};

use super::abort::facts;
use super::{Draft, Refusal, listed, resource};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::Gather;
use crate::operation::evidence::json::{Head, Selector};
use crate::operation::evidence::kube::{RevisionSeen, images};
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::{Engine, Params};
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::{Goal, RolloutWant};
use crate::shown;

/// Its revisions, once the selector is known.
pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let selector = |selector: &Selector| (!selector.is_empty()).then(|| selector.query());
    let namespace = draft.target().component.scope.clone();
    if let Some(seen) = draft.sheet.rollout() {
        return selector(&seen.selector)
            .map(|selector| Gather::ReplicaSets { namespace, selector })
            .into_iter()
            .collect();
    }
    let Some(seen) = draft.sheet.workload() else { return Vec::new() };
    let ask = |selector| match seen.resource {
        Resource::DEPLOYMENT => Gather::ReplicaSets { namespace, selector },
        _ => Gather::ControllerRevisions { namespace, selector },
    };
    selector(&seen.selector).map(ask).into_iter().collect()
}

/// What is rolled back, whatever its kind.
struct Now<'a> {
    head: &'a Head,
    template: &'a Value,
    /// Hash of the live template.
    current: Raw,
    /// Hash of the revision that was live before, or still is.
    stable: Raw,
    paused: bool,
    replicas: u32,
}

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let mut revisions: Vec<&RevisionSeen> = Vec::new();
    let all = draft.sheet.revisions().ok_or(Refusal::unread("its revisions"))?;
    let now = match draft.sheet.rollout() {
        Some(seen) if seen.borrows.is_some() => {
            let name = seen.borrows.clone().unwrap_or_default();
            return Err(Refusal::new("it borrows its template", shown!("roll the Deployment {} back", name)));
        }
        Some(seen) => Now {
            head: &seen.head,
            template: &seen.template,
            current: seen.state.current.clone(),
            stable: seen.state.stable.clone(),
            paused: seen.paused,
            replicas: seen.replicas.unwrap_or(1),
        },
        None => {
            let seen = draft.sheet.workload().ok_or(Refusal::unread("the workload"))?;
            revisions.extend(all.iter().filter(|revision| owned(revision, &seen.head)));
            let (current, stable) = present(&revisions, &seen.template, &seen.update_revision);
            Now {
                head: &seen.head,
                template: &seen.template,
                current,
                stable,
                paused: seen.paused,
                replicas: seen.replicas,
            }
        }
    };
    if revisions.is_empty() {
        revisions.extend(all.iter().filter(|revision| owned(revision, now.head)));
    }
    revisions.sort_by_key(|revision| std::cmp::Reverse((revision.number, revision.head.created)));
    let chosen = choose(draft, &now, &revisions)?;
    if now.paused && draft.target().engine == Engine::Deployment {
        return Err(Refusal::new(
            "the Deployment is paused: the rollback would wait",
            "resume it first (kubectl rollout resume)",
        ));
    }
    Ok(assemble(draft, &now, chosen))
}

fn owned(revision: &RevisionSeen, head: &Head) -> bool {
    revision.head.controller.as_ref().is_some_and(|(_, _, uid)| *uid == head.uid)
}

/// Hash of the live template, and of the newest other revision.
fn present(revisions: &[&RevisionSeen], template: &Value, told: &Raw) -> (Raw, Raw) {
    let live = revisions.iter().filter(|revision| revision.template == *template).max_by_key(|r| r.number);
    let by_name = revisions.iter().find(|revision| !told.is_empty() && revision.head.name == *told);
    let newest = revisions.iter().max_by_key(|revision| revision.number);
    let current = by_name.or(live).or(newest).map(|revision| key(revision)).unwrap_or_default();
    let others = revisions.iter().filter(|revision| key(revision) != current);
    // Half-way through an update the old revision still has instances: that is the one that was stable.
    let stable = others.max_by_key(|revision| (revision.ready, revision.number)).map(|revision| key(revision));
    (current, stable.unwrap_or_default())
}

/// How a revision is addressed.
fn key(revision: &RevisionSeen) -> Raw {
    if revision.hash.is_empty() { revision.head.name.clone() } else { revision.hash.clone() }
}

fn choose<'a>(draft: &Draft<'_>, now: &Now<'_>, revisions: &[&'a RevisionSeen]) -> Result<&'a RevisionSeen, Refusal> {
    let known = || Shown::joined(revisions.iter().map(|revision| key(revision).shown()), ", ");
    let wanted = match &draft.request.params.revision {
        Some(wanted) => wanted.clone(),
        None if now.stable != now.current && !now.stable.is_empty() => now.stable.clone(),
        None => {
            let before = revisions.iter().find(|revision| key(revision) != now.current);
            before
                .map(|revision| key(revision))
                .ok_or(Refusal::new("it has no other revision", "nothing to go back to"))?
        }
    };
    let found = revisions.iter().find(|revision| {
        key(revision) == wanted
            || revision.head.name == wanted
            || revision.number.is_some_and(|number| number.to_string() == wanted.as_str())
    });
    let found = found.ok_or_else(|| Refusal::new(shown!("no revision {}", wanted), shown!("choose of {}", known())))?;
    if key(found) == now.current || found.template == *now.template {
        return Err(Refusal::new(shown!("{} is what runs now", wanted), shown!("choose another of {}", known())));
    }
    if found.template.is_null() {
        return Err(Refusal::new(shown!("revision {} has no template", wanted), "choose another"));
    }
    Ok(found)
}

fn assemble(draft: &Draft<'_>, now: &Now<'_>, chosen: &RevisionSeen) -> Plan {
    let to_stable = key(chosen) == now.stable;
    let rollout = draft.sheet.rollout();
    let wanted = images(&chosen.template);
    let mut fingerprint = rollout.map_or_else(|| vec![Fact::new("uid", now.head.uid.clone())], facts);
    fingerprint.extend([Fact::new("from", now.current.clone()), Fact::new("to", key(chosen))]);
    let mut diff = vec![Change::new("revision", now.current.shown(), key(chosen).shown())];
    diff.extend(template_diff(now.template, &chosen.template));
    let steps_again = rollout.is_some() && !to_stable;
    let after = if steps_again {
        "a new canary starts: every step runs again"
    } else {
        "the old template is live, as a new revision number"
    };
    let mut notes =
        vec![Shown::fixed("restores the pod template only: no replicas, ConfigMaps, Secrets or migrations")];
    notes.extend(chosen.cause().map(|cause| shown!("its author wrote: {}", cause)));
    Plan {
        risk: if to_stable { Risk::Careful } else { Risk::Risky },
        steps: vec![step(draft, now, chosen)],
        diff,
        story: Story {
            blast: shown!("every instance of {} ({})", now.head.name, now.replicas),
            meanwhile: Shown::fixed("instances are replaced a few at a time"),
            after: Shown::fixed(after),
            if_wrong: shown!("roll back to {} again", now.current),
            verify: Shown::fixed("its images on every instance, ready, errors < 1 %"),
            notes,
        },
        goal: goal(draft, now, rollout.is_some(), wanted, to_stable),
        timing: Timing::new(60 + 10 * u64::from(now.replicas), 30).with_errors_below(0.01),
        backout: Some(Backout {
            verb: Verb::Rollback,
            params: Params { revision: Some(now.current.clone()), ..Params::default() },
            words: shown!("back to {}", now.current),
        }),
        debts: Vec::new(),
        fingerprint,
        findings: findings(draft, now, chosen, steps_again),
        expected_red: Vec::new(),
    }
}

fn goal(draft: &Draft<'_>, now: &Now<'_>, rollout: bool, wanted: Vec<Raw>, stable: bool) -> Goal {
    let (at, uid) = (draft.named(), now.head.uid.clone());
    if rollout {
        let want = RolloutWant::Template { images: wanted, stable };
        return Goal::Rollout { at, uid, stable: now.stable.clone(), current: now.current.clone(), want };
    }
    let resource = resource(draft.target().engine).unwrap_or(Resource::DEPLOYMENT);
    Goal::Template { resource, at, uid, images: wanted, restarted: None }
}

/// The patch: a JSON patch that asserts the revision the operator saw, or the ControllerRevision's own data.
fn step(draft: &Draft<'_>, now: &Now<'_>, chosen: &RevisionSeen) -> Step {
    let name = now.head.name.as_str();
    let namespace = now.head.namespace.as_str();
    let title = shown!("put the template of {} back", key(chosen));
    if let Some(data) = &chosen.data {
        let resource = resource(draft.target().engine).unwrap_or(Resource::STATEFUL_SET);
        let mutation = KubeMutation::strategic(&now.head.object(resource), data.clone());
        let number = chosen.number.map(|number| format!("--to-revision={number}")).unwrap_or_default();
        let kind = format!("{}/{name}", resource.kind.to_lowercase());
        return Step::new(title, Mutation::Kube(mutation))
            .typed(["kubectl", "rollout", "undo", &kind, "-n", namespace, &number]);
    }
    let rollout = draft.target().engine == Engine::Rollout;
    let (resource, note) = if rollout {
        (Resource::ROLLOUT, "rollout.argoproj.io/revision")
    } else {
        (Resource::DEPLOYMENT, "deployment.kubernetes.io/revision")
    };
    let pointer = format!("/metadata/annotations/{}", note.replace('/', "~1"));
    let mut asserts: Vec<(&str, Value)> =
        now.head.annotation(note).map(|revision| (pointer.as_str(), json!(revision.as_str()))).into_iter().collect();
    let first = now.template.pointer("/spec/containers/0/image").cloned();
    asserts.extend(first.map(|image| ("/spec/template/spec/containers/0/image", image)));
    let mut changes = vec![json!({ "op": "replace", "path": "/spec/template", "value": chosen.template })];
    if !rollout && !now.head.annotations.is_empty() {
        let cause = format!("tierdeck: rollback to {}", key(chosen).as_str());
        changes
            .push(json!({ "op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": cause }));
    }
    let mutation = KubeMutation::json(&now.head.object(resource), None, &asserts, &changes);
    let number = chosen.number.map(|number| format!("--to-revision={number}")).unwrap_or_default();
    let step = Step::new(title, Mutation::Kube(mutation));
    if rollout {
        step.typed(["kubectl", "argo", "rollouts", "undo", name, "-n", namespace, &number])
    } else {
        step.typed(["kubectl", "rollout", "undo", &format!("deployment/{name}"), "-n", namespace, &number])
    }
}

fn findings(draft: &Draft<'_>, now: &Now<'_>, chosen: &RevisionSeen, steps_again: bool) -> Vec<Finding> {
    let mut findings = vec![
        same_object(draft.request, now.head),
        Finding::unknown(GuardId::State, shown!("whether {} can still be pulled", listed(&chosen.images()))),
    ];
    if steps_again {
        findings.push(Finding::warn(GuardId::State, "not the stable revision: it walks through every step"));
    }
    if let Some(seen) = draft.sheet.workload() {
        if seen.ordered && seen.counts.ready < seen.replicas {
            let text = shown!(
                "{}/{} ready: an unready pod keeps its old revision until it is evicted",
                seen.counts.ready,
                seen.replicas
            );
            findings.push(Finding::warn(GuardId::State, text));
        }
        findings.extend(seen.held_back.iter().map(|why| Finding::warn(GuardId::State, why.clone())));
        if let Some(stuck) = &seen.stuck {
            findings.push(Finding::pass(GuardId::State, shown!("the rollout is stuck: {}", stuck)));
        }
    }
    findings
}

/// Differences of two pod templates, by JSON pointer, images first; values of the environment are not shown.
pub fn template_diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    walk("", Some(before), Some(after), &mut changes);
    changes.sort_by_key(|change| !change.what.as_str().ends_with("/image"));
    changes
}

fn walk(path: &str, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                walk(&format!("{path}/{key}"), a.get(key), b.get(key), out);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if !path.ends_with("/env") => {
            for index in 0..a.len().max(b.len()) {
                walk(&format!("{path}/{index}"), a.get(index), b.get(index), out);
            }
        }
        _ => {
            let hidden = path.contains("/env");
            let shown = |value: Option<&Value>| match value {
                None => Shown::fixed("-"),
                Some(_) if hidden => Shown::fixed("(not shown)"),
                Some(Value::String(text)) => Shown::of(text),
                Some(value) => Shown::of(&value.to_string()),
            };
            out.push(Change::new(Shown::of(path), shown(before), shown(after)));
        }
    }
}
