"""A real Prometheus on loopback, filled with given samples. Standard library only."""
import json
import os
import signal
import socket
import struct
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


STALE = struct.pack("<Q", 0x7FF0_0000_0000_0002)


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def write_request(series):
    """The remote-write protocol's message (prompb.WriteRequest); the value `x` is a staleness marker."""
    message = bytearray()
    for labels, samples in series:
        entry = bytearray()
        for name, value in sorted(labels.items()):
            entry += field(1, field(1, name.encode()) + field(2, value.encode()))
        for at, value in samples:
            entry += field(2, b"\x09" + (STALE if value == "x" else struct.pack("<d", float(value))) + b"\x10" + varint(at))
        message += field(1, bytes(entry))
    return bytes(message)


def snappy(data):
    """Snappy's block format, with literals only."""
    out = bytearray(varint(len(data)))
    for at in range(0, len(data), 0x10000):
        part = data[at:at + 0x10000]
        out += b"\xf4" + struct.pack("<H", len(part) - 1) + part
    return bytes(out)


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
        if series:
            command = [promtool, "tsdb", "create-blocks-from", "openmetrics", f"{path}/samples.om", f"{path}/data"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.command = [
            prometheus,
            f"--config.file={path}/prometheus.yml",
            f"--storage.tsdb.path={path}/data",
            "--storage.tsdb.retention.time=100y",
            "--log.level=error",
            "--web.enable-remote-write-receiver",
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

    def push(self, series):
        """Writes samples newer than the imported ones, all within an hour; staleness markers can come only this way."""
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        body = snappy(write_request(series))
        request = urllib.request.Request(f"{self.url}/api/v1/write", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60):
            pass

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
