"""Every operation on a Kubernetes control plane with Argo Rollouts: `tierdeck run`, the end state as kubectl reads it,
and what the API server's own audit log says was sent."""
import concurrent.futures
import json
import signal
import subprocess
import time

from operated import DEFINITIONS, SLOW, SPACE, Rig, Run, Webhook, door, objects, operate, settled, workload
from report import expect, same
from servers import Cluster, folder, until


def paused(rig, name):
    """A canary at its first pause."""
    rig.image("rollout", name, 2)
    step = lambda: rig.get("rollout", name).get("status", {})
    until(lambda: step().get("phase") == "Paused" and step().get("currentStepIndex") == 1, 30, f"{name} is paused")
    return rig.get("rollout", name)["status"]


ON_STATUS, ON_MAIN, ON_SCALE = "patch rollouts/status 200", "patch rollouts 200", "patch deployments/scale 200"


def abort_then_rollback(rig):
    before = paused(rig, "abort")
    operate(rig, "abort", "abort").verified(ON_STATUS)
    status = rig.get("rollout", "abort")["status"]
    expect(status["abort"] is True and status["phase"] == "Degraded", f"{status['phase']}")
    expect(status["stableRS"] == before["stableRS"] != status["currentPodHash"], "the stable revision stays")
    operate(rig, "rollback", "abort").verified(ON_MAIN)
    seen = rig.get("rollout", "abort")
    expect(seen["status"]["phase"] == "Healthy" and not seen["status"].get("abort"), f"{seen['status']['phase']}")
    image = seen["spec"]["template"]["spec"]["containers"][0]["image"]
    expect(image == "shop/abort:1", f"its template names {image}")


def retry(rig):
    paused(rig, "retry")
    rig.cluster.patch(SPACE, "rollout/retry", {"status": {"abort": True}}, "--subresource", "status")
    until(lambda: rig.get("rollout", "retry")["status"]["phase"] == "Degraded", 15, "it is aborted")
    operate(rig, "retry", "retry").verified(ON_STATUS)
    status = rig.get("rollout", "retry")["status"]
    expect((status["phase"], status["currentStepIndex"]) == ("Paused", 1), f"{status['phase']}")


def hold_and_release(rig):
    paused(rig, "hold")
    operate(rig, "pause", "hold").verified(ON_MAIN)
    expect(rig.get("rollout", "hold")["status"]["message"] == "manually paused", "it is held by hand")
    # A promotion takes the hold off first.
    run = operate(rig, "promote", "hold").verified(ON_MAIN, ON_STATUS)
    expect(len(run.report["plan"]["steps"]) == 2, "two steps")
    status = rig.get("rollout", "hold")["status"]
    expect(status["currentStepIndex"] == 3, f"step {status['currentStepIndex']}")
    operate(rig, "pause", "hold").verified(ON_MAIN)
    operate(rig, "resume", "hold").verified(ON_MAIN)
    expect(not rig.get("rollout", "hold")["spec"].get("paused"), "it is let go")


def promote(rig):
    paused(rig, "promote")
    operate(rig, "promote", "promote").verified(ON_STATUS)
    status = rig.get("rollout", "promote")["status"]
    expect((status["phase"], status["currentStepIndex"]) == ("Paused", 3), f"{status['phase']} {status}")


def promote_full_then_back(rig):
    before = paused(rig, "full")
    operate(rig, "promote-full", "full").verified(ON_STATUS)
    status = rig.get("rollout", "full")["status"]
    expect(status["stableRS"] == before["currentPodHash"] and status["phase"] == "Healthy", f"{status['phase']}")
    # An older revision walks through the steps again.
    operate(rig, "rollback", "full", "1").verified(ON_MAIN)
    status = rig.get("rollout", "full")["status"]
    expect(status["currentPodHash"] == before["stableRS"] and status["phase"] == "Paused", f"{status['phase']}")


def previewed(rig, name):
    """A blue-green rollout whose new revision waits beside the active one."""
    rig.image("rollout", name, 2)
    state = lambda: rig.get("rollout", name).get("status", {})
    until(lambda: state().get("message") == "BlueGreenPause", 30, f"the preview of {name} waits")
    return state()


def active(rig, name):
    return rig.get("service", f"{name}-active")["spec"]["selector"]["rollouts-pod-template-hash"]


def switch_back_and_over(rig):
    before = previewed(rig, "switched")
    operate(rig, "abort", "switched").verified(ON_STATUS)
    expect(active(rig, "switched") == before["stableRS"], "the old revision stays active")
    # Within the scale-down delay of the aborted revision there is no pause: everyone is switched at once, which is why
    # it counts as risky.
    run = operate(rig, "retry", "switched").verified(ON_STATUS)
    expect(run.report["plan"]["risk"] == "risky", run.report["plan"]["risk"])


def switch_over(rig):
    before = previewed(rig, "green")
    operate(rig, "promote", "green").verified(ON_STATUS)
    expect(active(rig, "green") == before["currentPodHash"], "the new revision is active")
    expect(rig.get("rollout", "green")["status"]["stableRS"] == before["currentPodHash"], "and stable")


def turn_a_rollout(rig):
    operate(rig, "scale", "turn", "4").verified("patch rollouts/scale 200")
    old = {pod["metadata"]["uid"] for pod in rig.pods("turn")}
    expect(len(old) == 4, f"{len(old)} pods")
    operate(rig, "restart", "turn").verified(ON_MAIN)
    new = {pod["metadata"]["uid"] for pod in rig.pods("turn")}
    expect(len(new) == 4 and not new & old, f"{len(new & old)} pods are the old ones")


def rollback_of_a_stuck_deployment(rig):
    first = rig.cluster.items("replicasets", "-n", SPACE, "-l", "app=stuck")[0]["metadata"]["uid"]
    rig.image("deployment", "stuck", 2, SLOW)
    reason = lambda: [c.get("reason") for c in rig.get("deployment", "stuck")["status"]["conditions"]]
    until(lambda: "ProgressDeadlineExceeded" in reason(), 40, "the update is stuck")
    operate(rig, "rollback", "stuck").verified("patch deployments 200")
    seen = rig.get("deployment", "stuck")
    expect(seen["status"]["availableReplicas"] == 3 and seen["status"]["updatedReplicas"] == 3, "all are back")
    live = [s for s in rig.cluster.items("replicasets", "-n", SPACE, "-l", "app=stuck") if s["spec"]["replicas"]]
    expect([s["metadata"]["uid"] for s in live] == [first], "the old ReplicaSet serves again")


def rollback_of_a_set(rig, kind, name):
    plural = f"{kind}s"
    rig.image(kind, name, 2)
    rig.cluster.kubectl("-n", SPACE, "rollout", "status", f"{kind}/{name}", "--timeout=60s", deadline=90)
    operate(rig, "rollback", name, "1").verified(f"patch {plural} 200")
    images = {pod["spec"]["containers"][0]["image"] for pod in rig.pods(name)}
    expect(images == {f"shop/{name}:1"}, f"its pods run {images}")


def restart_of(rig, kind, name):
    old = {pod["metadata"]["uid"] for pod in rig.pods(name)}
    operate(rig, "restart", name).verified(f"patch {kind}s 200")
    new = {pod["metadata"]["uid"] for pod in rig.pods(name)}
    expect(len(new) == len(old) and not new & old, f"{len(new & old)} of {len(old)} pods are the old ones")


def scale_to_zero_and_back(rig):
    for replicas in (5, 0, 3):
        operate(rig, "scale", "scaled", str(replicas)).verified(ON_SCALE)
        seen = rig.get("deployment", "scaled")
        found = (seen["spec"]["replicas"], seen["status"].get("availableReplicas", 0))
        expect(found == (replicas, replicas), f"{found} instead of {replicas}")
    operate(rig, "scale", "kept", "4").verified("patch statefulsets/scale 200")


def an_autoscaler_keeps_its_target(rig):
    operate(rig, "scale", "guarded", "9").refused("bounds 3 9")
    operate(rig, "bounds", "guarded", "4", "9").verified("patch horizontalpodautoscalers 200")
    found = rig.get("hpa", "guarded")["spec"]
    expect((found["minReplicas"], found["maxReplicas"]) == (4, 9), f"{found}")
    expect(rig.get("deployment", "guarded")["spec"]["replicas"] == 4, "the autoscaler followed")


def nodes(rig):
    node = "node/node-004"
    operate(rig, "cordon", "node-004").verified("patch nodes 200")
    expect(rig.get("node", "node-004")["spec"].get("unschedulable") is True, f"{node} is cordoned")
    operate(rig, "uncordon", "node-004").verified("patch nodes 200")
    expect("unschedulable" not in rig.get("node", "node-004")["spec"], f"{node} is open")
    drained(rig)


def drained(rig):
    # Two pods of one budget on the node, and a replacement that takes its time: the second has to be waited for.
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-004"]}]}
    slow = workload("Deployment", "moved", 2)
    slow["spec"]["template"]["metadata"]["annotations"] = {"tierdeck.test/ready-delay": "2s"}
    near = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": here}]}
    slow["spec"]["template"]["spec"]["affinity"] = {"nodeAffinity": near}
    rig.apply(slow, {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "moved", "namespace": SPACE},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "moved"}}},
    })
    until(lambda: rig.get("deployment", "moved")["status"].get("availableReplicas") == 2, 30, "they are ready")
    places = {pod["spec"]["nodeName"] for pod in rig.pods("moved")}
    expect(places == {"node-004"}, f"they are on {places}")
    on_node = ("-A", "--field-selector", "spec.nodeName=node-004")
    owner = lambda pod: pod["metadata"]["ownerReferences"][0]["kind"]
    moving = [p["metadata"] for p in rig.cluster.items("pods", *on_node) if owner(p) != "DaemonSet"]
    run = Run(rig, "drain", "node-004").end()
    same({"outcome": run.outcome, "code": run.code}, {"outcome": "verified", "code": 0}, f"{run.words} ({run.reasons})")
    expect(run.changes == ["patch nodes 200"], f"{run.changes}")
    moved = [rig.sent(run.began, pod["name"]) for pod in moving]
    expect(len(moving) > 2 and all(sent[-1:] == ["create pods/eviction 201"] for sent in moved), f"{moved}")
    refused = [sent for sent in moved if "create pods/eviction 429" in sent]
    expect(refused, "no eviction had to wait for its budget")
    left = {owner(pod) for pod in rig.cluster.items("pods", *on_node)}
    expect(left == {"DaemonSet"}, f"{left} are left")
    operate(rig, "uncordon", "node-004").verified("patch nodes 200")


def evictions(rig):
    pod = rig.pods("evicted")[0]["metadata"]
    run = operate(rig, "evict", "evicted", pod["name"], name=pod["name"])
    run.refused("budget evicted needs 3 healthy and has 3")
    rig.cluster.patch(SPACE, "pdb/evicted", {"spec": {"minAvailable": 2}})
    until(lambda: rig.get("pdb", "evicted")["status"]["disruptionsAllowed"] == 1, 10, "the budget allows one")
    operate(rig, "evict", "evicted", pod["name"], name=pod["name"]).verified("create pods/eviction 201")
    expect(pod["uid"] not in {p["metadata"]["uid"] for p in rig.pods("evicted")}, "it has moved")
    # What is not ready may go although the budget allows no disruption.
    until(lambda: rig.get("deployment", "evicted")["status"].get("availableReplicas") == 3, 20, "all are ready")
    pod = rig.pods("evicted")[0]["metadata"]
    broken = {"status": {"conditions": [{"type": kind, "status": "False"} for kind in ("Ready", "ContainersReady")]}}
    rig.cluster.kubectl(
        "-n", SPACE, "patch", "pod", pod["name"], "--subresource", "status", "--type", "strategic", "-p", json.dumps(broken)
    )
    until(lambda: rig.get("pdb", "evicted")["status"]["disruptionsAllowed"] == 0, 10, "the budget is spent")
    operate(rig, "evict", "evicted", pod["name"], name=pod["name"]).verified("create pods/eviction 201")


def sync_of(rig, target, what, where):
    state = lambda: rig.get(what, target, where)
    before = state()
    operate(rig, "suspend-sync", target).verified(f"patch {what}s 200")
    spec = state()["spec"]
    off = spec["syncPolicy"] == {} if what == "application" else spec["suspend"] is True
    expect(off, f"{what}: {spec}")
    operate(rig, "resume-sync", target).verified(f"patch {what}s 200")
    after = state()
    spec = {name: value for name, value in after["spec"].items() if name != "suspend"}
    expect(spec == before["spec"] and not after["spec"].get("suspend"), f"{what}: {after['spec']}")
    notes = [s["metadata"].get("annotations", {}) for s in (before, after)]
    expect(notes[0] == notes[1], f"{what}: {notes}")


def rights(rig):
    viewer = rig.configured("viewer", rig.token("viewer"))
    operate(rig, "scale", f"{SPACE}/viewed", "4", config=viewer).refused("forbidden: patch deployments/scale")
    # The lock is advisory: without the right to one, it goes on and says so.
    scaler = rig.configured("scaler", rig.token("scaler"))
    run = operate(rig, "scale", f"{SPACE}/lockless", "4", config=scaler).verified(ON_SCALE)
    told = [guard["text"] for guard in run.report["guards"] if guard["id"] == "lock"]
    expect(any("no lock" in text and "leases" in text for text in told), f"guards of the lock: {told}")


def holder(rig, target):
    lease = rig.get("lease", f"tierdeck-deployment-{target}")["spec"]
    return lease.get("holderIdentity", "")


def two_at_once(rig):
    # Whatever stops the second of them, the lock, its own dry run or that it is done already, one is sent.
    runs = [Run(rig, "scale", "both", "5"), Run(rig, "scale", "both", "5")]
    runs = sorted((run.end() for run in runs), key=lambda run: run.code)
    found = [(run.outcome, run.code) for run in runs]
    expect(found == [("verified", 0), ("refused", 3)], f"{found}: {[run.reasons for run in runs]}")
    expect(runs[0].changes == [ON_SCALE], f"sent: {runs[0].changes}")
    expect(rig.get("deployment", "both")["spec"]["replicas"] == 5, "one effect")
    expect(holder(rig, "both") == "", "the lock was let go")
    # Once the first has begun, the second is told who it is.
    first = Run(rig, "scale", "both", "4")
    until(lambda: rig.sent(first.began, "both"), 60, "its request is sent")
    second = operate(rig, "scale", "both", "3")
    expect((second.outcome, second.code) == ("refused", 3), f"{second.outcome} {second.code}: {second.reasons}")
    first.end().verified(ON_SCALE)
    action = first.report["audit"]["action"]
    expect("held by" in second.reasons and f"#{action}" in second.reasons, f"{second.reasons}, not {action}")


def a_dead_holder(rig):
    # On another bastion: in its own trail the target may be in doubt as well, which blocks before any lock does.
    elsewhere = rig.configured("elsewhere", rig.cluster.kubeconfig, f'[audit]\ndir = "{folder("elsewhere")}"\n')
    run = Run(rig, "scale", "dead", "5", config=elsewhere)
    until(lambda: rig.sent(run.began, "dead"), 60, "its request is sent")
    run.child.send_signal(signal.SIGKILL)
    run.child.wait()
    died, who = time.monotonic(), holder(rig, "dead")
    expect("@" in who, f"its lock is held by {who!r}")
    operate(rig, "scale", "dead", "4").refused("held by", who)
    time.sleep(max(0, 64 - (time.monotonic() - died)))
    operate(rig, "scale", "dead", "4").verified(ON_SCALE)


def exchange(rig, name):
    """Deletes a Deployment and makes another one of the same name."""
    rig.cluster.kubectl("-n", SPACE, "delete", "deployment", name, "--cascade=orphan", "--wait=true")
    rig.apply(workload("Deployment", name))


def another_object(rig):
    with Webhook(rig) as webhook:
        # While the lock is taken: the last look sees it.
        webhook.held["tierdeck-deployment-swapped"] = lambda: exchange(rig, "swapped")
        operate(rig, "scale", "swapped", "5").refused("uid")
        # While the request itself is under way: the server sees it.
        webhook.held["gone"] = lambda: exchange(rig, "gone")
        run = operate(rig, "scale", "gone", "5")
        expect((run.outcome, run.code) == ("refused", 3), f"{run.outcome} {run.code}: {run.reasons}")
        expect(len(run.changes) == 1 and run.changes[0].startswith("patch deployments/scale 4"), f"{run.changes}")
    for name in ("swapped", "gone"):
        expect(rig.get("deployment", name)["spec"]["replicas"] == 3, f"{name} is as it was made")


def the_trail(rig):
    """Each change that the API server took has its outcome in our trail, under the server's own id."""
    argv = [rig.console.binary, "--config", rig.config, "audit", "export", "--format", "jsonl"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=rig.console.environment)
    taken = {event["auditID"]: event["requestURI"] for event in rig.changes() if event["responseStatus"]["code"] < 300}
    lost = [uri for audit_id, uri in taken.items() if audit_id not in done.stdout and "/dead/" not in uri]
    expect(len(taken) > 30 and not lost, f"of {len(taken)} changes the trail knows nothing of {lost}")


def rehearsal(rig):
    argv = [rig.console.binary, "--config", rig.config, "run", "scale", "restarted", "7", "--dry-run", "--json"]
    began = rig.moment()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=rig.console.environment)
    report = json.loads(done.stdout)
    expect((report["outcome"], done.returncode) == ("dry-run", 0), f"{report['outcome']} {done.returncode}")
    expect(report["class"] == "production", f"a configuration that says nothing is {report['class']}")
    accepted = [guard for guard in report["guards"] if guard["id"] == "dry-run" and guard["verdict"] == "pass"]
    expect(accepted and rig.sent(began, "restarted") == [], "the server's dry run took it, and nothing was sent")


CHECKS = {
    "a blue-green rollout is aborted and tried again": switch_back_and_over,
    "a blue-green rollout is promoted": switch_over,
    "a canary is aborted, and then rolled back": abort_then_rollback,
    "a killed holder's lock is told, and expires": a_dead_holder,
    "a rollout is held, promoted out of the hold, held and let go": hold_and_release,
    "a rollout is promoted fully, and an older revision walks the steps": promote_full_then_back,
    "a canary takes one step": promote,
    "an aborted canary is tried again": retry,
    "a stuck update of a Deployment is rolled back": rollback_of_a_stuck_deployment,
    "a StatefulSet is rolled back": lambda rig: rollback_of_a_set(rig, "statefulset", "set"),
    "a DaemonSet is rolled back": lambda rig: rollback_of_a_set(rig, "daemonset", "agent"),
    "a Rollout is scaled and restarted": turn_a_rollout,
    "Deployments and StatefulSets are scaled, also to zero and from there": scale_to_zero_and_back,
    "what an autoscaler owns is changed by its bounds": an_autoscaler_keeps_its_target,
    "a Deployment is restarted": lambda rig: restart_of(rig, "deployment", "restarted"),
    "a DaemonSet is restarted": lambda rig: restart_of(rig, "daemonset", "guard"),
    "Argo CD's sync is suspended, and resumed as it was": lambda rig: sync_of(rig, "owned", "application", "argocd"),
    "a Flux Kustomization is suspended and resumed": lambda rig: sync_of(rig, "kustomized", "kustomization", SPACE),
    "a Flux HelmRelease is suspended and resumed": lambda rig: sync_of(rig, "helmed", "helmrelease", SPACE),
    "a disruption budget forbids an eviction, and allows it": evictions,
    "a right that is missing blocks, and one to lock does not": rights,
    "two runs at once have one effect": two_at_once,
    "another object of the same name is not touched": another_object,
}
# Alone: it moves pods of all the others.
LAST = {
    "a node is cordoned, opened and drained": nodes,
    "a dry run asks the server and sends nothing": rehearsal,
    "the trail knows every change by the id that the API server gave it": the_trail,
}


def run(report, console):
    with Cluster() as cluster, door() as port:
        rig = Rig(cluster, console, port)
        rig.apply(*DEFINITIONS)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        rig.apply(*objects())
        settled(rig)
        # Most of an operation is watching: they overlap, each on a target of its own, the longest first.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            under_way = {name: pool.submit(check, rig) for name, check in CHECKS.items()}
            for name, ended in under_way.items():
                with report.check(name):
                    ended.result()
        for name, check in LAST.items():
            with report.check(name):
                check(rig)
