"""A real Prometheus on loopback, filled with given samples. Standard library only."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


def get(base, path, **parameters):
    """The JSON answer of an API call, errors included."""
    url = f"{base}{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        body = error.read().decode("utf-8", "replace")
        try:
            return json.loads(body)
        except ValueError:
            return {"status": "error", "errorType": f"HTTP {error.code}", "error": body.strip()}


def escaped(value):
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


class Reference:
    """Use as a context: imports `series` (pairs of a label dictionary and of (ms, value text) samples) as blocks, starts
    the server, and stops it in the end."""

    def __init__(self, series, prometheus="prometheus", promtool="promtool"):
        self.folder = tempfile.TemporaryDirectory(prefix="promql-")
        path = self.folder.name
        self.process = None
        with open(f"{path}/samples.om", "w", encoding="utf-8") as file:
            for labels, samples in series:
                name = labels["__name__"]
                rest = ",".join(f'{k}="{escaped(v)}"' for k, v in sorted(labels.items()) if k != "__name__")
                for at, value in samples:
                    file.write(f"{name}{{{rest}}} {value} {at // 1000}.{at % 1000:03}\n")
            file.write("# EOF\n")
        with open(f"{path}/prometheus.yml", "w", encoding="utf-8") as file:
            file.write("global: {evaluation_interval: 1m}\n")
        command = [promtool, "tsdb", "create-blocks-from", "openmetrics", f"{path}/samples.om", f"{path}/data"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.command = [
            prometheus,
            f"--config.file={path}/prometheus.yml",
            f"--storage.tsdb.path={path}/data",
            "--storage.tsdb.retention.time=100y",
            "--log.level=error",
        ]

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{address}"
        self.process = subprocess.Popen([*self.command, f"--web.listen-address={address}"])
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError(f"prometheus ended with {self.process.returncode}")
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                    return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise RuntimeError("prometheus did not become ready within 30 s")

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
        self.folder.cleanup()


def queries(path):
    """The lines `IDENTIFIER<tab>QUERY` of a file."""
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    return [line.split("\t", 1) for line in lines if line and not line.startswith("#")]


def sibling(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
