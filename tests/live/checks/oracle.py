"""kubectl and the AWS CLI, the judges of the embedded world's protocols, against `demo --serve`; what they list is what
the console reports of it."""
import json
import os
import subprocess
import time

import cloudwatch
import kubernetes
import prometheus
from report import Mismatch, expect, same
from servers import BIN, Demo, aws, run as execute
from tierdeck import components, source

LISTS = (
    "pods", "deployments", "replicasets", "statefulsets", "daemonsets", "rollouts.argoproj.io", "nodes", "services",
    "endpointslices", "hpa", "pdb", "namespaces",
)


class Kubectl:
    def __init__(self, about):
        self.base = [os.path.join(BIN, "kubectl"), "--kubeconfig", about["kubeconfig"]]

    def __call__(self, *arguments):
        return execute([*self.base, *arguments])

    def items(self, *arguments):
        return json.loads(self("get", *arguments, "-o", "json"))["items"]

    def watched(self, resource, seconds):
        """Lines of `kubectl get -w` within so many seconds."""
        child = subprocess.Popen([*self.base, "get", resource, "-A", "-w", "--output-watch-events"], stdout=subprocess.PIPE, text=True)
        time.sleep(seconds)
        child.terminate()
        return child.communicate(timeout=10)[0].splitlines()


def listings(kubectl, resources):
    for resource in resources:
        items = kubectl.items(resource, "-A")
        expect(items, f"no {resource}")
        # The printed table comes from the server, one row for each object.
        rows = kubectl("get", resource, "-A").splitlines()[1:]
        expect(len(rows) == len(items), f"{resource}: {len(rows)} rows of {len(items)} objects")


def words(kubectl):
    for resource in ("deployment/frontend", "rollout/orders", "hpa/frontend", "service/frontend"):
        name = resource.split("/")[1]
        expect(f"Name:" in (said := kubectl("-n", "shop", "describe", resource)) and name in said, f"describe {resource}: {said[:200]}")
    pod = kubectl.items("pods", "-n", "shop")[0]["metadata"]["name"]
    said = kubectl("-n", "shop", "describe", "pod", pod)
    expect(f"{pod}\n" in said and "Containers:" in said, f"describe pod: {said[:200]}")
    node = kubectl.items("nodes")[0]["metadata"]["name"]
    expect("Allocated resources" in kubectl("describe", "node", node), "describe node counts what its pods ask for")
    for scope in (("nodes",), ("pods", "-A")):
        rows = kubectl("top", *scope, "--no-headers").splitlines()
        expect(len(rows) == len(kubectl.items(*scope)), f"top {scope}: {len(rows)} rows")
    seen = kubectl.watched("pods", 3)
    expect(len(seen) > 10 and all("ADDED" in line for line in seen[1:10]), f"get -w: {seen[:3]}")


def rows_are_kubectls(kubectl, found):
    wanted = kubernetes.workloads(kubectl.items(",".join(kubernetes.KINDS.values()), "-A"))
    same(kubernetes.shown(found), {**wanted, **kubernetes.nodes(kubectl)}, "rows")


def of_kind(found, kind):
    return {row["id"].split("/", 2)[2]: (row["ready"], row["desired"]) for row in components(found).values() if row["kind"] == kind}


def inventory(call, found):
    """Load balancers, databases, caches and groups, counted as AWS counts them."""
    targets = {}
    for group in call("elbv2", "describe-target-groups")["TargetGroups"]:
        states = call("elbv2", "describe-target-health", "--target-group-arn", group["TargetGroupArn"])["TargetHealthDescriptions"]
        states = [target["TargetHealth"]["State"] for target in states]
        for arn in group["LoadBalancerArns"]:
            targets.setdefault(arn, []).extend(s for s in states if s not in ("draining", "unused"))
    wanted = {
        balancer["LoadBalancerArn"].rsplit(":loadbalancer/", 1)[1]: (
            targets[balancer["LoadBalancerArn"]].count("healthy"), len(targets[balancer["LoadBalancerArn"]])
        )
        for balancer in call("elbv2", "describe-load-balancers")["LoadBalancers"]
    }
    expect(wanted, "no load balancer")
    same(of_kind(found, "load-balancer"), wanted, "load balancers")
    databases = call("rds", "describe-db-instances")["DBInstances"]
    same(of_kind(found, "db-instance").keys(), {d["DBInstanceIdentifier"] for d in databases}, "databases")
    caches = call("elasticache", "describe-replication-groups")["ReplicationGroups"]
    wanted = {group["ReplicationGroupId"]: (len(group["MemberClusters"]),) * 2 for group in caches}
    same(of_kind(found, "cache-group"), wanted, "caches")
    groups = call("autoscaling", "describe-auto-scaling-groups")["AutoScalingGroups"]
    in_service = {
        g["AutoScalingGroupName"]: (sum(i["LifecycleState"] == "InService" for i in g["Instances"]), g["DesiredCapacity"]) for g in groups
    }
    same(of_kind(found, "auto-scaling-group"), in_service, "groups")


def who(call, found, console, config):
    identity = call("sts", "get-caller-identity")
    expect({"Account", "Arn", "UserId"} <= identity.keys(), f"{identity}")
    # The account stands with the source on its screen; reports do not carry it.
    screen = execute([console.binary, "--config", config, "snapshot", "--screen", "sources", "--size", "160x60"], env=console.environment)
    expect(source(found, "aws-sts")["state"] == "live" and "aws-sts" in screen, "the account's source is live")


def alarms(call, found):
    firing = {a["AlarmName"] for a in call("cloudwatch", "describe-alarms", "--state-value", "ALARM")["MetricAlarms"]}
    told = {a["name"] for a in found["alerts"] if a["source"].startswith("aws-cloudwatch")}
    expect(told == firing, f"firing {firing}, told {told}")
    every = call("cloudwatch", "describe-alarms")["MetricAlarms"]
    expect(every, "the world has alarms")


def run(report, console):
    for scenario in ("calm", "bad-canary"):
        with Demo(console, scenario) as demo:
            against(report, console, demo.about, scenario)


def against(report, console, about, scenario):
    kubectl = Kubectl(about)
    config = about["config"]
    environment = {**console.environment, **about["env"]}

    def call(*arguments):
        return aws(arguments, environment)

    if scenario == "calm":
        with report.check("kubectl lists every collection, as objects and as a table"):
            listings(kubectl, LISTS)
        with report.check("kubectl describes, tops and watches"):
            words(kubectl)
    else:
        with report.check("kubectl lists the events of an incident"):
            listings(kubectl, ["events"])
    found, _ = console.status(config, 30)
    with report.check(f"the report's workloads and nodes are kubectl's in {scenario}"):
        failed = [(row["id"], row["error"]) for row in found["sources"] if row["state"] != "live"]
        expect(not failed, f"every source is live, but {failed}")
        try:
            rows_are_kubectls(kubectl, found)
        except Mismatch:
            # The world moves on between two readings: once more, with a report of its own.
            rows_are_kubectls(kubectl, console.status(config, 30)[0])
    with report.check(f"the report's AWS inventory is the AWS CLI's in {scenario}"):
        inventory(call, found)
    with report.check(f"the figures of CloudWatch are those the AWS CLI reads in {scenario}"):
        listed = {(m["Namespace"], m["MetricName"]) for m in call("cloudwatch", "list-metrics")["Metrics"]}
        expect(("AWS/ApplicationELB", "RequestCount") in listed, f"{listed}")
        expect(cloudwatch.recomputed(found, call) >= 20, "figures were asked for again")
    with report.check(f"the alarms and the account are those of the AWS CLI in {scenario}"):
        alarms(call, found)
        who(call, found, console, config)
    with report.check(f"the figures of Prometheus are those of plain HTTP in {scenario}"):
        asked, _ = prometheus.recomputed(found, about["prometheus"])
        expect(asked > 100, f"only {asked} figures were asked for again")
