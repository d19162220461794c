"""Figures put into an emulator of CloudWatch come back through the AWS SDK, as the AWS CLI reads them."""
import datetime
import json
import math
import os
import time

from report import close, expect, same
from servers import VENV, Process, aws, folder, free_port, write
from tierdeck import components, computed, figures, source

REGION = "eu-west-1"
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
# Points older than this are all published, whatever the metric's delay.
MINUTES = range(1, 16)


def emulator(port):
    home = folder("ministack")
    environment = {
        **os.environ, **KEYS, "HOME": home, "TMPDIR": home, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
    }
    process = Process("ministack", [os.path.join(VENV, "bin", "ministack")], env=environment, cwd=home)
    return process.wait_for(f"http://127.0.0.1:{port}/_ministack/health", 30)


def balancer(call):
    subnets = [subnet["SubnetId"] for subnet in call("ec2", "describe-subnets")["Subnets"]]
    made = call("elbv2", "create-load-balancer", "--name", "shop", "--subnets", *subnets)["LoadBalancers"][0]
    return made["LoadBalancerArn"].rsplit(":loadbalancer/", 1)[1]


def database(call):
    call(
        "rds", "create-db-instance", "--db-instance-identifier", "orders-db", "--engine", "postgres", "--db-instance-class",
        "db.t3.micro", "--allocated-storage", "20", "--master-username", "shop", "--master-user-password", "not-a-secret",
    )


def put(call, namespace, dimension, metric, value_of, now):
    """One value a minute; `value_of` gives a value or a list of them for a minute's age."""
    data = []
    for age in MINUTES:
        value = value_of(age)
        at = datetime.datetime.fromtimestamp(now - 60 * age, datetime.timezone.utc).isoformat()
        datum = {"MetricName": metric, "Timestamp": at, "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}]}
        data.append({**datum, **({"Values": value} if isinstance(value, list) else {"Value": value})})
    body = write(os.path.join(folder("aws"), f"{metric}.json"), json.dumps({"Namespace": namespace, "MetricData": data}))
    call("cloudwatch", "put-metric-data", "--cli-input-json", f"file://{body}")


def asked_again(call, figure):
    """What the AWS CLI reads for a figure's own request."""
    body = write(os.path.join(folder("aws"), "request.json"), figure["query"])
    results = call("cloudwatch", "get-metric-data", "--cli-input-json", f"file://{body}")["MetricDataResults"]
    expect(len(results) == 1 and len(results[0]["Values"]) == 1, f"{figure['query']} gives {results}")
    return results[0]["Values"][0]


def recomputed(report, call):
    """Asks for every CloudWatch figure again; gives how many there were."""
    count, answers = 0, {}
    for path, figure in figures(report):
        if figure.get("api") == "cloudwatch":
            if figure["query"] not in answers:
                answers[figure["query"]] = asked_again(call, figure)
            close(figure["value"], answers[figure["query"]], f"{path}: {figure['query']}")
            count += 1
        elif "formula" in figure and figure["value"] is not None:
            close(figure["value"], computed(figure), f"{path}: {figure['formula']}")
    return count


def run(report, console):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **console.environment, **KEYS, "AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def call(*arguments):
        return aws(arguments, environment)

    config = console.config("emulator", f"""
[egress]
loopback_only = true
[[aws]]
name = "aws"
region = "{REGION}"
endpoint_url = "{url}"
access_key_id = "local"
secret_access_key = "local"
""")
    with emulator(port):
        name = balancer(call)
        database(call)
        now = 60 * math.floor(time.time() / 60)
        put(call, "AWS/ApplicationELB", ("LoadBalancer", name), "RequestCount", lambda age: 6_000.0 + 60 * age, now)
        put(call, "AWS/ApplicationELB", ("LoadBalancer", name), "HTTPCode_Target_5XX_Count", lambda age: 60.0, now)
        put(call, "AWS/RDS", ("DBInstanceIdentifier", "orders-db"), "CPUUtilization", lambda age: 37.5, now)
        put(call, "AWS/RDS", ("DBInstanceIdentifier", "orders-db"), "DatabaseConnections", lambda age: 40.0 + age, now)
        balancer_id, database_id = f"load-balancer/{REGION}/{name}", f"db-instance/{REGION}/orders-db"
        with report.check("metrics put into the emulator are on the board with their units"):
            found, _ = console.status(config)
            failed = [(row["id"], row["error"]) for row in found["sources"] if row["state"] != "live"]
            expect(not failed, f"every service answers, but {failed}")
            rows = components(found)
            expect({balancer_id, database_id} <= rows.keys(), f"{sorted(rows)}")
            figure = rows[balancer_id]["signals"]["lb.alb.rate"]
            at = datetime.datetime.fromisoformat(figure["at"]).timestamp()
            age = (now - at) / 60
            expect(age in MINUTES, f"the point is of {figure['at']}")
            values = {signal: rows[balancer_id]["signals"][signal]["value"] for signal in ("lb.alb.rate", "lb.alb.target5xx", "lb.alb.err")}
            same(values, {"lb.alb.rate": 100.0 + age, "lb.alb.target5xx": 1.0, "lb.alb.err": 1 / (100.0 + age)}, "the balancer")
            signals = rows[database_id]["signals"]
            expect(signals["db.rds.cpu"]["value"] == 0.375, f"{signals['db.rds.cpu']}")
            age = (now - datetime.datetime.fromisoformat(signals["db.rds.conn"]["at"]).timestamp()) / 60
            expect(signals["db.rds.conn"]["value"] == 40.0 + age, f"{signals['db.rds.conn']}")
        with report.check("every figure is what the AWS CLI reads with its own request"):
            expect(recomputed(found, call) >= 5, "figures were asked for again")
        with report.check("a new point comes to the board by itself"):
            with console.watch(config) as watch:
                watch.until(lambda r: database_id in components(r), 20, "the board is there")
                at = now - 60 * MINUTES.start
                newer = 60 * math.floor(time.time() / 60) - 60
                # A minute that was empty, or whose average moves when a second value comes.
                put(lambda *a: call(*a), "AWS/RDS", ("DBInstanceIdentifier", "orders-db"), "CPUUtilization", lambda age: 92.5, newer + 60)

                def moved(r):
                    figure = components(r)[database_id]["signals"].get("db.rds.cpu")
                    return figure and figure["value"] > 0.375

                found, _ = watch.until(moved, 75, "the database's CPU moves")
                expect(source(found, "aws-cloudwatch")["state"] == "live", "the source is live")
        with report.check("an alarm of the emulator is an alert about its component"):
            call(
                "cloudwatch", "put-metric-alarm", "--alarm-name", "orders-db cpu", "--namespace", "AWS/RDS", "--metric-name",
                "CPUUtilization", "--dimensions", "Name=DBInstanceIdentifier,Value=orders-db", "--statistic", "Average",
                "--period", "60", "--evaluation-periods", "1", "--threshold", "10", "--comparison-operator", "GreaterThanThreshold",
            )
            call("cloudwatch", "set-alarm-state", "--alarm-name", "orders-db cpu", "--state-value", "ALARM", "--state-reason", "test")
            found, _ = console.status(config)
            alerts = [(alert["name"], alert["component"]) for alert in found["alerts"]]
            expect(("orders-db cpu", database_id) in alerts, f"alerts {alerts}")
