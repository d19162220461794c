"""The audit trail in a real PostgreSQL: over TLS, by a role that may insert and nothing else, with the table of the README;
the server away for a while, and no record lost or doubled."""
import contextlib
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

import servers
from report import Mismatch, expect, same
from servers import folder, free_port, package, until, write

README = os.path.join(os.path.dirname(__file__), "..", "..", "..", "README.md")
OWNER, ROLE, PASSWORD = "owner", "tierdeck_audit", "a:b\\c"


class Postgres:
    """A cluster of its own. As root it runs as nobody, which must be able to reach its programs and data."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="tierdeck-postgres-")
        os.chmod(self.home, 0o755)
        found = glob.glob(package("usr", "lib", "postgresql", "*"))
        if len(found) != 1:
            raise Mismatch(f"there is not one PostgreSQL: {found}")
        version = os.path.basename(found[0])
        for part in ("lib", "share"):
            source, target = package("usr", part, "postgresql", version), f"{self.home}/usr/{part}/postgresql/{version}"
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("bitcode", "*.bc", "man", "locale"))
        self.bin = f"{self.home}/usr/lib/postgresql/{version}/bin"
        libraries = f"{self.home}/libraries"
        os.makedirs(libraries)
        for library in glob.glob(package("usr", "lib", "*-linux-gnu", "*.so.*")):
            shutil.copy(library, libraries)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": libraries, "LC_ALL": "C.UTF-8"}
        self.data, self.port = f"{self.home}/data", free_port()
        os.makedirs(self.data, 0o700)
        self.as_nobody = []
        if os.geteuid() == 0:
            os.chown(self.data, 65534, 65534)
            self.as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.child = None

    def program(self, name, *arguments):
        command = [*self.as_nobody, f"{self.bin}/{name}", *arguments]
        return servers.run(command, 120, env=self.environment, cwd=self.home)

    def make(self):
        self.program("initdb", "-D", self.data, "-U", OWNER, "--auth-host=scram-sha-256", "--auth-local=trust", "-N")
        key, certificate = f"{self.data}/server.key", f"{self.data}/server.crt"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        basic = ["-addext", "basicConstraints=critical,CA:FALSE"]
        servers.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate,
             *subject, *basic])
        os.chmod(key, 0o600)
        if self.as_nobody:
            os.chown(key, 65534, 65534)
        self.certificate = write(f"{self.home}/server.crt", open(certificate, encoding="ascii").read())
        write(f"{self.data}/pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")

    def start(self):
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.data, "ssl": "on",
                   "fsync": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with open(os.path.join(folder("logs"), "postgres.log"), "ab") as log:
            command = [*self.as_nobody, f"{self.bin}/postgres", "-D", self.data, *settings]
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        until(lambda: os.path.exists(f"{self.data}/.s.PGSQL.{self.port}") and self.answers(), 30, "PostgreSQL answers")

    def answers(self):
        try:
            return self.ask("SELECT 1") == "1"
        except Mismatch:
            return False

    def ask(self, statement, database="postgres"):
        return self.program(
            "psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", self.data, "-p", str(self.port), "-U", OWNER,
            "-d", database, "-c", statement,
        ).strip()

    def stop(self):
        if self.child:
            self.child.send_signal(signal.SIGINT)
            self.child.wait(20)
            self.child = None

    def __enter__(self):
        self.make()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class Terminal:
    """The console in a terminal of its own, driven by keys."""

    def __init__(self, console, config, passfile):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            environment = {**console.environment, "TERM": "xterm-256color", "PGPASSFILE": passfile, "LINES": "24",
                           "COLUMNS": "80"}
            os.execve(console.binary, [console.binary, "--config", config], environment)
        self.read(2)

    def read(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.terminal], [], [], 0.1)
            if ready:
                with contextlib.suppress(OSError):
                    os.read(self.terminal, 1 << 16)

    def type(self, text):
        for key in text:
            os.write(self.terminal, key.encode())
            self.read(0.05)

    def arm(self, reason):
        """Two records."""
        self.type(f":arm 5m {reason}\r")
        self.type(":disarm\r")
        self.read(0.5)

    def kill(self):
        os.kill(self.child, signal.SIGKILL)
        self.wait()

    def quit(self):
        os.kill(self.child, signal.SIGTERM)
        self.wait()

    def wait(self):
        end = time.monotonic() + 20
        while os.waitpid(self.child, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(self.child, signal.SIGKILL)
                raise Mismatch("the console did not end within 20 s")
            self.read(0.1)
        os.close(self.terminal)


def stored(trail):
    """Every whole line of the trail by its key."""
    lines = {}
    for path in glob.glob(f"{trail}/*/*.jsonl"):
        with open(path, encoding="ascii") as file:
            for line in file:
                record = json.loads(line)
                lines[f"{record['stream']} {record['seq']}"] = line.rstrip("\n")
    return lines


def taken(server):
    """Every line of the table by its key; one that stands there twice is a mismatch."""
    rows = server.ask("SELECT stream || ' ' || seq || E'\\t' || line FROM tierdeck_audit", "audit")
    pairs = [row.split("\t", 1) for row in rows.splitlines()]
    expect(len({key for key, _ in pairs}) == len(pairs), "a record stands in the table twice")
    return dict(pairs)


def doctor(console, config, passfile):
    argv = [console.binary, "--config", config, "doctor", "--json", "--wait", "2"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60,
                          env={**console.environment, "PGPASSFILE": passfile})
    report = json.loads(done.stdout)
    return [check for check in report["checks"] if check["area"] == "sink"], done.returncode


def run_checks(report, console, server):
    with open(README, encoding="utf-8") as file:
        table = re.search(r"```sql\n(CREATE TABLE tierdeck_audit.*?)```", file.read(), re.S).group(1)
    server.ask("CREATE DATABASE audit")
    server.ask(table, "audit")
    server.ask(f"ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'", "audit")
    trail = folder("sinks", "audit")
    os.chmod(trail, 0o700)
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passfile = write(os.path.join(folder("sinks"), "pgpass"), f"127.0.0.1:{server.port}:audit:{ROLE}:{escaped}\n")
    os.chmod(passfile, 0o600)
    config = console.config("sinks", f"""
[audit]
dir = "{trail}"
[[audit.sink]]
kind = "postgres"
address = "127.0.0.1:{server.port}"
database = "audit"
user = "{ROLE}"
ca_file = "{server.certificate}"
required = true
""")

    def delivered():
        return stored(trail) and taken(server) == stored(trail)

    with report.check("doctor says that the role can insert, and what it would have to be told of more"):
        checks, _ = doctor(console, config, passfile)
        expect([check["verdict"] for check in checks] == ["ok"], f"{checks}")
        server.ask(f"GRANT UPDATE ON tierdeck_audit TO {ROLE}", "audit")
        checks, _ = doctor(console, config, passfile)
        expect(checks[0]["verdict"] == "warn" and "may change" in checks[0]["found"], f"{checks}")
        server.ask(f"REVOKE UPDATE ON tierdeck_audit FROM {ROLE}", "audit")
    with report.check("a wrong password is told, and doctor fails"):
        wrong = write(os.path.join(folder("sinks"), "wrong"), f"*:*:*:{ROLE}:no\n")
        os.chmod(wrong, 0o600)
        checks, code = doctor(console, config, wrong)
        expect(code == 1 and "password authentication failed" in checks[0]["found"], f"{code} {checks}")
    terminal = Terminal(console, config, passfile)
    with report.check("records of a console are in the table, as they are stored"):
        terminal.arm("one")
        until(delivered, 15, "the table has what is stored")
        expect(len(taken(server)) >= 3, f"{taken(server)}")
    with report.check("what a server missed that was away comes when it is back, once each"):
        server.stop()
        terminal.arm("two")
        terminal.arm("three")
        status, _ = console.status(config, wait=2)
        sink = [source for source in status["sources"] if source["kind"] == "sink"]
        expect(sink and "have not been delivered" in (sink[0]["error"] or ""), f"{sink}")
        server.start()
        until(delivered, 90, "the table has what is stored")
    with report.check("what a console left that was killed while the server was away comes with the next one"):
        server.stop()
        terminal.arm("four")
        terminal.kill()
        server.start()
        terminal = Terminal(console, config, passfile)
        until(delivered, 90, "the table has what is stored")
        terminal.quit()
        until(delivered, 5, "the table has the end of the session")
        kinds = server.ask("SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM tierdeck_audit", "audit")
        same(dict.fromkeys(kinds.split()), dict.fromkeys("arm disarm session-end session-start sink".split()), "kinds")
    with report.check("what was forgotten of the cursors is sent again and stands there once"):
        shutil.rmtree(f"{trail}/sinks")
        terminal = Terminal(console, config, passfile)
        until(lambda: glob.glob(f"{trail}/sinks/postgres/2*"), 20, "cursors are made")
        terminal.quit()
        until(delivered, 20, "the table has what is stored")


def run(report, console):
    with Postgres() as server:
        run_checks(report, console, server)
