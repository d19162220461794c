"""nginx, with TLS and without, comes and goes before the probes of this host."""
import os
import time

from report import expect
from servers import Process, answers, folder, free_port, package, run as execute, until, write
from tierdeck import components

DAYS = 40


def certificate(home):
    key, chain = os.path.join(home, "key.pem"), os.path.join(home, "cert.pem")
    execute([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
        "-out", chain, "-days", str(DAYS), "-subj", "/CN=shop.test", "-addext", "subjectAltName=DNS:shop.test",
    ])
    ends = execute(["openssl", "x509", "-in", chain, "-noout", "-enddate"]).strip().removeprefix("notAfter=")
    return key, chain, time.strptime(ends, "%b %d %H:%M:%S %Y %Z")


def nginx(home, http, https, key, chain):
    config = write(os.path.join(home, "nginx.conf"), f"""
daemon off; worker_processes 1; pid {home}/pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3; uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{ listen 127.0.0.1:{http}; location / {{ return 200 "ok\\n"; }} location /broken {{ return 503; }} }}
  server {{ listen 127.0.0.1:{https} ssl; server_name shop.test; ssl_certificate {chain}; ssl_certificate_key {key}; location / {{ return 200 "ok\\n"; }} }}
}}
""")
    # Nobody need own its worker: what an account may read is not what is checked here.
    argv = [package("usr/sbin/nginx"), "-c", config, "-p", home, "-e", "stderr"]
    if os.geteuid() == 0:
        argv += ["-g", "user root;"]
    return Process("nginx", argv).wait_for(f"http://127.0.0.1:{http}/")


def settings(http, https, chain):
    tls = f'address = "127.0.0.1:{https}"\nca_file = "{chain}"\n'
    probes = {
        "tcp": f'kind = "tcp"\naddress = "127.0.0.1:{http}"\n',
        "http": f'kind = "http"\naddress = "127.0.0.1:{http}"\n',
        "tls": f'kind = "tls"\n{tls}server_name = "shop.test"\n',
        "https": f'kind = "https"\n{tls}server_name = "shop.test"\n',
        "broken": f'kind = "http"\naddress = "127.0.0.1:{http}"\npath = "/broken"\n',
        "wrong-name": f'kind = "tls"\n{tls}server_name = "other.test"\n',
    }
    return "".join(f'[[probe]]\nname = "{name}"\ntier = "edge"\n{text}' for name, text in probes.items())


GOOD = ("tcp", "http", "tls", "https")
BAD = ("broken", "wrong-name")


def value(report, name, signal):
    row = components(report).get(f"endpoint/{name}", {"parts": []})
    found = [part["figure"] for part in row["parts"] if part["signal"] == signal and part["figure"]]
    return found[0] if found else None


def up(report, name):
    """1 or 0 as long as the answer is fresh."""
    figure = value(report, name, "probe.up")
    return figure["value"] if figure and "stale_seconds" not in figure else None


def health(report, name):
    return components(report)[f"endpoint/{name}"]["health"]


def run(report, console):
    home = folder("nginx")
    key, chain, ends = certificate(home)
    http, https = free_port(), free_port()
    config = console.config("probes", settings(http, https, chain))
    with nginx(home, http, https, key, chain) as server, console.watch(config) as watch:
        with report.check("what serves well is up, what does not is down"):
            wanted = {**dict.fromkeys(GOOD, 1.0), **dict.fromkeys(BAD, 0.0)}
            found, _ = watch.until(lambda r: {name: up(r, name) for name in wanted} == wanted, 20, f"{wanted}")
            expect(all(health(found, name) == "ok" for name in GOOD), f"{[health(found, name) for name in GOOD]}")
            expect(all(value(found, name, "probe.latency")["value"] > 0 for name in GOOD), "it took some time")
            words = str(components(found)["endpoint/broken"]["reasons"])
            expect("503" in words, f"the reason names the answer: {words}")
        with report.check("the days left of the certificate are those of openssl"):
            for name in ("tls", "https", "wrong-name"):
                figure = value(found, name, "probe.certificate_days")
                at = time.strptime(figure["at"][:19], "%Y-%m-%dT%H:%M:%S")
                left = (time.mktime(ends) - time.mktime(at)) / 86_400
                expect(abs(figure["value"] - left) < 2 / 86_400, f"{name}: {figure['value']} instead of {left}")
                expect(DAYS - 1 < left <= DAYS, f"openssl gave {left} days")
        with report.check("gone is down at once, not unknown"):
            server.stop()
            expect(not answers(f"http://127.0.0.1:{http}/"), "nginx still answers")
            gone, _ = watch.until(lambda r: all(up(r, name) == 0.0 for name in GOOD), 11, "every probe is down")
            expect(all(health(gone, name) in ("warn", "critical") for name in GOOD), f"{[health(gone, name) for name in GOOD]}")
            expect("refused" in str(components(gone)["endpoint/http"]["reasons"]), f"{components(gone)['endpoint/http']['reasons']}")
            expect(gone["evidence"] == "full", f"probes that say no are evidence, not {gone['evidence']}")
        with report.check("back is up again"):
            with nginx(home, http, https, key, chain):
                until(lambda: answers(f"http://127.0.0.1:{http}/"), 5, "nginx answers")
                watch.until(lambda r: all(up(r, name) == 1.0 for name in GOOD), 11, "every probe is up")
                watch.until(lambda r: all(health(r, name) == "ok" for name in GOOD), 30, "every component is ok")
