"""Real servers on loopback: each is a context manager, and what it started ends with it."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from report import Mismatch

SANDBOX = os.environ["SANDBOX"]
BIN = os.environ["BIN"]
RIG = os.environ["RIG"]
DEBS = os.environ["DEBS"]
VENV = os.environ["VENV"]


def folder(*names):
    path = os.path.join(SANDBOX, *names)
    os.makedirs(path, exist_ok=True)
    return path


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, deadline, what, pause=0.1):
    """Polls until the condition gives something true, which is returned."""
    end = time.monotonic() + deadline
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Mismatch(f"not within {deadline} s: {what}")
        time.sleep(pause)


def run(argv, deadline=60, **more):
    """Standard output of a program that ends by itself and well."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=deadline, **more)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2_000:]
        raise Mismatch(f"{' '.join(argv)} ended with {done.returncode}: {said}")
    return done.stdout


def answers(url):
    """Whether GET of the URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Process:
    """A process in a session of its own, its output in the sandbox's logs."""

    def __init__(self, name, argv, **more):
        self.name = name
        self.log = os.path.join(folder("logs"), f"{name}.log")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **more
            )

    def wait_for(self, url, deadline=20):
        def answered():
            if self.child.poll() is not None:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise Mismatch(f"{self.name} ended with {self.child.returncode}: {log.read()[-600:]}")
            return answers(url)

        until(answered, deadline, f"{self.name} answers {url}")
        return self

    def signal(self, number):
        os.killpg(self.child.pid, number)

    def stop(self):
        """Ends the process and everything it started."""
        if self.child.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Cluster:
    """The control plane of `rig/`: five nodes, Argo Rollouts, and the shop that seed.sh writes."""

    def __init__(self):
        self.folder = os.path.join(SANDBOX, "rig")
        self.kubeconfig = os.path.join(self.folder, "kubeconfig")

    def script(self, name, *arguments):
        run([os.path.join(RIG, name), self.folder, *arguments], 120, env={**os.environ, "KWOK_CONFIG": self.stages()})

    def stages(self):
        """kwok's stages with one addition: a pod whose annotation asks for it becomes ready so much later, so that an
        update can be watched."""
        path = os.path.join(folder("rig-config"), "kwok.yaml")
        with open(os.path.join(BIN, "kwok.yaml"), encoding="utf-8") as file:
            documents = file.read().split("\n---\n")
        delay = (
            "\n  delay:\n    durationMilliseconds: 0\n    durationFrom:\n"
            "      expressionFrom: '.metadata.annotations[\"tierdeck.test/ready-delay\"]'\n  next:"
        )
        slow = [d.replace("\n  next:", delay, 1) if "name: pod-ready\n" in d else d for d in documents]
        if slow == documents:
            raise Mismatch("kwok has no stage pod-ready with an action")
        return write(path, "\n---\n".join(slow))

    def kubectl(self, *arguments, deadline=60):
        return run(self.command(*arguments), deadline)

    def command(self, *arguments):
        return [os.path.join(BIN, "kubectl"), "--kubeconfig", self.kubeconfig, *arguments]

    def items(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))["items"]

    def patch(self, namespace, name, change, *more):
        self.kubectl("-n", namespace, "patch", name, "--type", "merge", "-p", json.dumps(change), *more)

    def __enter__(self):
        self.script("up.sh")
        try:
            self.script("seed.sh")
        except BaseException:
            self.script("down.sh")
            raise
        return self

    def __exit__(self, *_):
        self.script("down.sh")
        # The next one begins from nothing; what this one said is kept apart.
        said = os.path.join(folder("logs"), f"rig-{time.monotonic_ns()}")
        shutil.move(os.path.join(self.folder, "log"), said)
        shutil.rmtree(self.folder)


def package(*names):
    """A file of the unpacked Debian packages."""
    return os.path.join(DEBS, *names)


class Demo:
    """`demo --serve --json` of a scenario."""

    def __init__(self, console, scenario):
        self.child = subprocess.Popen(
            [console.binary, "demo", "--serve", "--json", "--scenario", scenario, "--seed", "7"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=console.environment,
        )
        self.about = json.loads(self.child.stdout.readline() or "{}")
        if not self.about:
            raise Mismatch(f"the demo ended with {self.child.wait()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def aws(arguments, environment):
    """What the AWS CLI says, as JSON."""
    said = run([os.path.join(VENV, "bin", "aws"), "--output", "json", *arguments], env=environment)
    return json.loads(said) if said.strip() else {}
