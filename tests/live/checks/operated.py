"""What the checks of operations work on: workloads of every kind, accounts with narrow rights, `tierdeck run`, the API
server's audit log, and a webhook that holds requests up."""
import base64
import contextlib
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

from report import Mismatch, expect, same
from servers import folder, until, write

SPACE = "ops"
SLOW = {"tierdeck.test/ready-delay": "600s"}
STEPS = [{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]
# Every run asks these of itself, and they store nothing.
QUESTIONS = {"selfsubjectaccessreviews", "selfsubjectreviews"}


def workload(kind, name, replicas=3, image=1, labels=None, notes=None, **spec):
    """A workload of the namespace with one container."""
    group = "argoproj.io/v1alpha1" if kind == "Rollout" else "apps/v1"
    body = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "main", "image": f"shop/{name}:{image}"}]},
        },
        **spec,
    }
    if kind != "DaemonSet":
        body["replicas"] = replicas
    if kind == "StatefulSet":
        body["serviceName"] = name
    if kind == "Rollout":
        body.setdefault("strategy", {"canary": {"steps": STEPS}})
    metadata = {"name": name, "namespace": SPACE, "labels": labels or {}, "annotations": notes or {}}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": body}


def definition(group, version, plural, kind):
    """A custom resource that takes anything, as the GitOps controllers' own do for what matters here."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


DEFINITIONS = [
    definition("argoproj.io", "v1alpha1", "applications", "Application"),
    definition("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization"),
    definition("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease"),
]
AUTOMATED = {"prune": True, "selfHeal": True}


def flux(kind, name):
    return {f"{kind}.toolkit.fluxcd.io/{part}": value for part, value in (("name", name), ("namespace", SPACE))}


def narrow(name, rules):
    """A service account that may read, and what the rules say besides."""
    reads = [{"apiGroups": ["", "apps", "argoproj.io", "autoscaling", "policy"], "resources": ["*"],
              "verbs": ["get", "list", "watch"]}]
    where = {"name": name, "namespace": SPACE}
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": where, "rules": reads + rules},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": where,
         "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
         "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": SPACE}]},
    ]


SCALES = [{"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]}]
ROLLOUTS = ("abort", "retry", "hold", "promote", "full", "turn")
DEPLOYMENTS = ("scaled", "restarted", "guarded", "evicted", "both", "dead", "gone", "swapped", "viewed", "lockless")


def objects():
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}
    yield from (workload("Rollout", name, 5) for name in ROLLOUTS)
    yield from (workload("Deployment", name) for name in DEPLOYMENTS)
    for name in ("switched", "green"):
        services = {"activeService": f"{name}-active", "previewService": f"{name}-preview", "autoPromotionEnabled": False}
        yield workload("Rollout", name, strategy={"blueGreen": services})
        for service in (f"{name}-active", f"{name}-preview"):
            yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": service, "namespace": SPACE},
                   "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}
    yield workload("Deployment", "stuck", progressDeadlineSeconds=4)
    yield workload("Deployment", "owned", notes={"argocd.argoproj.io/tracking-id": f"owned:apps/Deployment:{SPACE}/owned"})
    yield workload("Deployment", "kustomized", labels=flux("kustomize", "kustomized"))
    yield workload("Deployment", "helmed", labels=flux("helm", "helmed"))
    yield from (workload("StatefulSet", name) for name in ("set", "kept"))
    yield from (workload("DaemonSet", name) for name in ("agent", "guard"))
    scaler = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "guarded"},
              "minReplicas": 3, "maxReplicas": 6}
    yield {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
           "metadata": {"name": "guarded", "namespace": SPACE}, "spec": scaler}
    yield {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "evicted", "namespace": SPACE},
           "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "evicted"}}}}
    yield {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
           "metadata": {"name": "owned", "namespace": "argocd"}, "spec": {"syncPolicy": {"automated": AUTOMATED}}}
    for group, version, kind, name in (
        ("kustomize", "v1", "Kustomization", "kustomized"), ("helm", "v2", "HelmRelease", "helmed"),
    ):
        yield {"apiVersion": f"{group}.toolkit.fluxcd.io/{version}", "kind": kind,
               "metadata": {"name": name, "namespace": SPACE}, "spec": {"interval": "10m"}}
    yield from narrow("viewer", [])
    yield from narrow("scaler", SCALES)


class Rig:
    """The control plane as these checks use it."""

    def __init__(self, cluster, console, door):
        self.cluster, self.console = cluster, console
        self.log = os.path.join(cluster.folder, "log", "audit.log")
        self.door = f'[[probe]]\nname = "door"\ntier = "edge"\nkind = "http"\naddress = "127.0.0.1:{door}"\n'
        self.config = self.configured("rig", cluster.kubeconfig)

    def configured(self, name, kubeconfig, more=""):
        """A configuration without a word on its class, and with a probe: blind, nothing risky goes."""
        text = f'[[kubernetes]]\nname = "k8s"\nkubeconfig = "{kubeconfig}"\nnamespaces = ["{SPACE}"]\n{self.door}{more}'
        return self.console.config(name, text)

    def apply(self, *found):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(found)})
        path = write(os.path.join(folder("applied"), f"{time.monotonic_ns()}.json"), text)
        self.cluster.kubectl("apply", "-f", path, deadline=120)

    def get(self, what, name, namespace=SPACE):
        return json.loads(self.cluster.kubectl("-n", namespace, "get", what, name, "-o", "json"))

    def pods(self, app):
        found = self.cluster.items("pods", "-n", SPACE, "-l", f"app={app}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def image(self, kind, name, number, notes=None):
        """Asks for another image, as a deployment pipeline does."""
        template = {"metadata": {"annotations": notes or {}},
                    "spec": {"containers": [{"name": "main", "image": f"shop/{name}:{number}"}]}}
        self.cluster.patch(SPACE, f"{kind}/{name}", {"spec": {"template": template}})

    def token(self, account):
        """A kubeconfig of a service account."""
        token = self.cluster.kubectl("-n", SPACE, "create", "token", account).strip()
        admin = json.loads(self.cluster.kubectl("config", "view", "--raw", "-o", "json"))
        user = {"name": "u", "user": {"token": token}}
        return write(os.path.join(folder("accounts"), account), json.dumps({**admin, "users": [user]}))

    def sent(self, since, name):
        """What the API server was sent by us about an object since a moment, as `verb resource/subresource code`. Dry
        runs, questions about ourselves and the lock are no changes."""
        changes = []
        for event in self.changes():
            what = event["objectRef"]
            if event["requestReceivedTimestamp"] >= since and what.get("name") == name:
                below = f"/{what['subresource']}" if "subresource" in what else ""
                changes.append(f"{event['verb']} {what['resource']}{below} {event['responseStatus']['code']}")
        return changes

    def changes(self):
        """Our changes in the API server's audit log."""
        with open(self.log, encoding="utf-8") as log:
            events = [json.loads(line) for line in log if line.endswith("\n")]
        for event in events:
            options = (event.get("requestObject") or {}).get("deleteOptions") or {}
            rehearsed = "dryRun=All" in event["requestURI"] or options.get("dryRun")
            ours = event.get("userAgent", "").startswith("tierdeck/")
            if ours and not rehearsed and event["objectRef"]["resource"] not in QUESTIONS | {"leases"}:
                yield event

    @staticmethod
    def moment():
        """Now, as the audit log writes it."""
        now = time.time()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"


class Run:
    """One `tierdeck run … --json`, with the changes the API server saw of it."""

    def __init__(self, rig, operation, target, *parameters, config=None, name=None):
        self.rig, self.name, self.began = rig, name or target.rsplit("/", 1)[-1], rig.moment()
        confirm = f"{target.rsplit('/', 1)[-1]}@{os.path.basename(config or rig.config).removesuffix('.toml')}"
        flags = ["--json", "--reason", "the rig", "--confirm", confirm]
        argv = [rig.console.binary, "--config", config or rig.config, "run", operation, target, *parameters, *flags]
        self.child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=rig.console.environment,
        )
        self.words = " ".join(["run", operation, target, *parameters])

    def end(self, deadline=420):
        try:
            out, said = self.child.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise Mismatch(f"{self.words} did not end within {deadline} s") from None
        self.code, self.report = self.child.returncode, json.loads(out) if out.strip() else {}
        self.outcome = self.report.get("outcome", said.strip())
        self.reasons = "; ".join(self.report.get("reasons", []))
        self.changes = self.rig.sent(self.began, self.name)
        return self

    def ended(self, outcome, code, changes):
        """The end that was wanted, by as many requests."""
        found = {"outcome": self.outcome, "exit code": self.code, "sent": self.changes}
        wanted = {"outcome": outcome, "exit code": code, "sent": changes}
        guards = [f"{g['verdict']} {g['id']}: {g['text']}" for g in self.report.get("guards", []) if g["verdict"] != "pass"]
        same(found, wanted, f"{self.words} ({self.reasons}; guards: {guards})")
        return self

    def verified(self, *changes):
        return self.ended("verified", 0, list(changes))

    def refused(self, *words):
        """Not done, in these words, and nothing was sent."""
        self.ended("refused", 3, [])
        blocks = [guard for guard in self.report["guards"] if guard["verdict"] == "block"]
        said = "; ".join([self.reasons, *(guard["hint"] or "" for guard in blocks)])
        missing = [word for word in words if word not in said]
        expect(not missing, f"{self.words}: no {missing} in {said!r}")
        return self


def operate(rig, *arguments, **more):
    return Run(rig, *arguments, **more).end()


class Webhook:
    """An admission webhook that holds requests up: what somebody else does meanwhile is between two steps of ours."""

    def __init__(self, rig):
        self.rig, self.held = rig, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))["request"]
                outer.hold(request)
                answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                          "response": {"uid": request["uid"], "allowed": True}}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        pki = os.path.join(rig.cluster.folder, "pki")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{pki}/apiserver.crt", f"{pki}/apiserver.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        with open(f"{pki}/ca.crt", "rb") as file:
            bundle = base64.b64encode(file.read()).decode()
        port = self.server.server_address[1]
        rules = [("apps", "deployments/scale", "UPDATE"), ("coordination.k8s.io", "leases", "CREATE")]
        rig.apply({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "held"},
            "webhooks": [{
                "name": "held.tierdeck.test", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 20, "failurePolicy": "Ignore",
                "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": bundle},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": SPACE}},
                "rules": [{"apiGroups": [group], "apiVersions": ["v1"], "resources": [resource], "operations": [verb]}
                          for group, resource, verb in rules],
            }],
        })

    def hold(self, request):
        meanwhile = self.held.get(request["name"])
        if meanwhile and not request.get("dryRun"):
            del self.held[request["name"]]
            meanwhile()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.rig.cluster.kubectl("delete", "validatingwebhookconfiguration", "held")
        self.server.shutdown()


@contextlib.contextmanager
def door():
    """Something user-facing that a probe sees."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def settled(rig):
    kinds = "deployments,statefulsets,daemonsets,rollouts"

    def ready():
        items = rig.cluster.items(kinds, "-n", SPACE)
        counts = [
            (i["status"].get("numberReady"), i["status"].get("desiredNumberScheduled")) if i["kind"] == "DaemonSet"
            else (i.get("status", {}).get("readyReplicas"), i["spec"]["replicas"]) for i in items
        ]
        return len(items) > 20 and all(found == wanted for found, wanted in counts)

    until(ready, 120, "the workloads are ready", 0.5)
