"""The board's rows for the rig's shop are what kubectl says, at rest and while things change."""
import json
import subprocess
import threading
import time

from report import Mismatch, expect, same
from servers import Cluster, until
from tierdeck import components, healths, source

KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets", "Rollout": "rollouts"}
SLOW = {"tierdeck.test/ready-delay": "2s"}


def counts(item):
    """Ready and desired instances of a workload, as its own status says."""
    if item["kind"] == "DaemonSet":
        return item["status"].get("numberReady", 0), item["status"].get("desiredNumberScheduled", 0)
    return item["status"].get("readyReplicas", 0), item["spec"].get("replicas", 1)


def identity(item):
    meta = item["metadata"]
    return f"{item['kind'].lower()}/{meta['namespace']}/{meta['name']}"


def workloads(items):
    return {identity(item): counts(item) for item in items}


def rows(cluster, *scope):
    """What the board should hold for the workloads in scope, by default all of them."""
    return workloads(cluster.items(",".join(KINDS.values()), *(scope or ("-A",))))


def nodes(cluster):
    def ready(node):
        return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])

    return {f"node/{node['metadata']['name']}": (int(ready(node)), 1) for node in cluster.items("nodes")}


def shown(report, kinds=(*(kind.lower() for kind in KINDS), "node")):
    return {
        identifier: (row["ready"], row["desired"])
        for identifier, row in components(report).items()
        if row["kind"] in kinds
    }


def settled(watch, cluster, what, deadline=15):
    """The board comes to hold exactly what kubectl says; gives the last report."""
    def equal(report):
        return shown(report) == {**rows(cluster), **nodes(cluster)}

    try:
        return watch.until(equal, deadline, what)[0]
    except Mismatch as mismatch:
        same(shown(watch.reports[-1][1]), {**rows(cluster), **nodes(cluster)}, f"{mismatch}")
        raise


class States:
    """Every state of a workload that the API server publishes, as `kubectl get -w` sees it."""

    def __init__(self, cluster, resource):
        argv = cluster.command("get", *resource, "-w", "-o", "json")
        self.seen = []
        self.child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        decoder, text = json.JSONDecoder(), ""
        for line in self.child.stdout:
            text += line
            if line.rstrip() == "}":
                self.seen.append(decoder.decode(text))
                text = ""

    def __enter__(self):
        until(lambda: self.seen, 10, "kubectl get -w shows the workload")
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(10)
        self.reader.join(5)


def rolling_update(cluster, watch):
    name, begun = "deployment/backend/payments", time.monotonic()
    template = {"metadata": {"annotations": SLOW}, "spec": {"containers": [{"name": "main", "image": "shop/payments:2.1.0"}]}}
    with States(cluster, ("-n", "backend", "deployment/payments")) as states:
        cluster.kubectl("-n", "backend", "patch", "deployment", "payments", "-p", json.dumps({"spec": {"template": template}}))
        report, _ = watch.until(lambda r: components(r)[name]["rollout"], 10, "the update is shown")
        rollout = components(report)[name]["rollout"]
        expect(rollout["phase"] == "Progressing", f"phase {rollout['phase']}")
        images = rollout["stable"]["image"], rollout["canary"]["image"]
        expect(images == ("shop/payments:2.0.0", "shop/payments:2.1.0"), f"revisions {images}")
        cluster.kubectl("-n", "backend", "rollout", "status", "deployment/payments", "--timeout=60s")
        watch.until(lambda r: components(r)[name]["rollout"] is None, 10, "the update is over")
        settled(watch, cluster, "the rows after the update")
    published = {counts(state) for state in states.seen}
    during = {shown(report)[name] for report in watch.since(begun)}
    expect(during <= published, f"shown {during}, published only {published}")
    expect(len(published) > 1, "the update had no state between start and end: nothing was compared")


def canary(report):
    return components(report)["rollout/backend/checkout"]["rollout"]


def progress(report):
    rollout = canary(report)
    taking_part = rollout["canary"] or {}
    return {
        "phase": rollout["phase"], "step": rollout["step"], "weight": rollout["set_weight"],
        "actual": rollout["actual_weight"], "canary": taking_part.get("image"), "ready": taking_part.get("ready"),
        "stable": rollout["stable"]["image"], "stable ready": rollout["stable"]["ready"],
    }


def reaches(watch, wanted, what):
    try:
        watch.until(lambda r: progress(r) == wanted, 15, what)
    except Mismatch as mismatch:
        same(progress(watch.reports[-1][1]), wanted, f"{mismatch}")
        raise


def canary_steps(cluster, watch):
    old, new = "shop/checkout:1.0.0", "shop/checkout:1.1.0"
    container = {"name": "main", "image": new, "ports": [{"containerPort": 8080}]}
    cluster.patch("backend", "rollout/checkout", {"spec": {"template": {"spec": {"containers": [container]}}}})
    paused = {"phase": "Paused", "canary": new, "stable": old}
    reaches(watch, {**paused, "step": 1, "weight": 20, "actual": 20, "ready": 1, "stable ready": 4}, "paused at 20 %")
    settled(watch, cluster, "the rows at 20 %")
    hashes = {rollout["status"][key] for rollout in cluster.items("rollouts", "-n", "backend") for key in ("stableRS", "currentPodHash")}
    rollout = canary(watch.reports[-1][1])
    expect({rollout["stable"]["hash"], rollout["canary"]["hash"]} == hashes, f"hashes {hashes} are not {rollout}")
    cluster.patch("backend", "rollout/checkout", {"status": {"pauseConditions": None}}, "--subresource=status")
    reaches(watch, {**paused, "step": 3, "weight": 50, "actual": 50, "ready": 3, "stable ready": 3}, "paused at 50 %")
    cluster.patch("backend", "rollout/checkout", {"status": {"promoteFull": True}}, "--subresource=status")
    watch.until(lambda r: canary(r)["phase"] == "Healthy" and not canary(r)["canary"], 15, "the canary is promoted")
    expect(canary(watch.reports[-1][1])["stable"]["image"] == new, "the promoted image is the stable one")
    settled(watch, cluster, "the rows after the promotion")


def pod_kill(cluster, watch):
    name = "deployment/backend/payments"
    victim = cluster.items("pods", "-n", "backend", "-l", "app=payments")[0]["metadata"]["name"]
    cluster.kubectl("-n", "backend", "delete", "pod", victim, "--force", "--grace-period=0", "--wait=false")
    watch.until(lambda r: shown(r)[name] == (3, 4), 5, "one of four is missing")
    watch.until(lambda r: shown(r)[name] == (4, 4), 10, "its successor is ready")
    settled(watch, cluster, "the rows after the kill")


def outage(cluster, watch):
    """For five seconds there is no API server."""
    before = components(watch.reports[-1][1])
    restart = threading.Thread(target=cluster.script, args=("restart.sh", "apiserver", "6"))
    restart.start()
    begun = time.monotonic()
    try:
        report, took = watch.until(lambda r: source(r, "k8s")["state"] == "failed", 10, "the source is failed")
        expect(source(report, "k8s")["error"], "a failed source says why")
        expect(report["evidence"] != "full", "the evidence is not full")
        green = [where for where, health in healths(report).items() if health != "unknown"]
        expect(not green, f"only unknown while the evidence is gone, but: {green}")
        expect(components(report).keys() == before.keys(), "the last rows stay")
    finally:
        restart.join()
    watch.until(lambda r: source(r, "k8s")["state"] == "live", 30, "the source is live again")
    settled(watch, cluster, "the rows after the outage", 30)
    for report in watch.since(begun):
        green = [where for where, health in healths(report).items() if health == "ok"]
        expect(not green or source(report, "k8s")["state"] == "live", f"ok without evidence: {green}")
    # Changes are seen again, not only what was listed on the way back.
    cluster.kubectl("-n", "backend", "scale", "deployment/search", "--replicas=5")
    watch.until(lambda r: shown(r)["deployment/backend/search"][1] == 5, 5, "changes are followed again")
    # The controllers take their time to come back to the API server.
    cluster.kubectl("-n", "backend", "rollout", "status", "deployment/search", "--timeout=60s")
    settled(watch, cluster, "the rows after a change")
    return took


def restricted(cluster, console):
    kubeconfig = cluster.kubeconfig.replace("kubeconfig", "operator-1.kubeconfig")
    entry = f'[[kubernetes]]\nname = "k8s"\nkubeconfig = "{kubeconfig}"\n'
    report, _ = console.status(console.config("rig-operator", f'{entry}namespaces = ["frontend"]\n'))
    expect(source(report, "k8s")["state"] == "live", f"live, but {source(report, 'k8s')}")
    same(shown(report), rows(cluster, "-n", "frontend"), "the rows of the namespace that may be read")
    said = [gap["what"] for gap in source(report, "k8s")["gaps"]]
    for missing in ("pods", "statefulsets", "services"):
        expect(any("forbidden" in gap and missing in gap for gap in said), f"no gap says that {missing} are forbidden: {said}")
    # Who may list nothing at cluster scope sees nothing, is told so, and goes on being told while it is tried again.
    config = console.config("rig-operator-everywhere", entry)
    report, code = console.status(config)
    expect(code == 7, f"exit code {code}")
    expect("forbidden" in (source(report, "k8s")["error"] or ""), f"{source(report, 'k8s')}")
    expect(source(report, "k8s")["gaps"], "each collection is a gap")
    with console.watch(config) as watch:
        watch.until(lambda r: source(r, "k8s")["state"] == "failed", 10, "the source is failed")
        begun = time.monotonic()
        watch.until(lambda r: len(watch.since(begun)) >= 6, 15, "six reports")
        states = [source(r, "k8s")["state"] for r in watch.since(begun)]
        expect(set(states) == {"failed"}, f"the source stays failed: {states}")


def run(report, console):
    with Cluster() as cluster:
        config = console.config("rig", f'[[kubernetes]]\nname = "k8s"\nkubeconfig = "{cluster.kubeconfig}"\n')
        with report.check("the rows are those of kubectl at rest, in one report"):
            cluster.kubectl("-n", "backend", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s")
            until(lambda: rows(cluster)["rollout/backend/checkout"] == (5, 5), 30, "the Rollout is up")
            found, code = console.status(config)
            same(shown(found), {**rows(cluster), **nodes(cluster)}, "rows")
            expect(len(shown(found)) == 17, f"the shop has 12 workloads and 5 nodes, not {len(shown(found))}")
            # A cluster alone says how its workloads are, not what users feel: nothing is green on that.
            told = (code, found["health"], found["evidence"])
            expect(told == (7, "unknown", "blind"), f"{code} {found['health']} {found['evidence']}")
            sick = [f"{name} {row['health']}" for name, row in components(found).items() if row["health"] != "ok"]
            expect(not sick, f"workloads at rest are not well: {sick}")
        with console.watch(config) as watch:
            watch.until(lambda r: source(r, "k8s")["state"] == "live", 15, "the source is live")
            with report.check("a rolling update is followed state by state"):
                rolling_update(cluster, watch)
            with report.check("a canary is shown at each of its steps"):
                canary_steps(cluster, watch)
            with report.check("a killed pod is missing until its successor is ready"):
                pod_kill(cluster, watch)
            with report.check("without an API server nothing is green, and it comes back by itself"):
                outage(cluster, watch)
        with report.check("a restricted user sees what he may and is told what not"):
            restricted(cluster, console)
