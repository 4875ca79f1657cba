"""`./dev bench scale --platforms 1,2,3`: executions a second of a step of fixed 20 ms work against the platforms that share it, with four
instances for each platform, on one RabbitMQ and one PostgreSQL.

webhook → http.request (concurrency 1) → a target that answers after 20 ms. Messages wait before the platforms that work on them begin.
All on this machine: what is shown is that the work is spread and that nothing but the machine is shared. Prints a table and last a line
of JSON."""
import json
import os
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path += [os.path.join(ROOT, "tests", part) for part in ("support", "cli", "api", "rabbitmq")]

INSTANCES = 4  # of each platform


def measure(flow_text, work_s, counts, seconds):
    from client import Serve  # asks for MILLRACE
    from server import Rabbitmq
    from slow_target import SlowTarget
    from surroundings import KEY, postgresql
    rows, sent = [], 0
    target = SlowTarget(work_s)
    rabbitmq, database = Rabbitmq(), postgresql()
    platforms = []
    with tempfile.TemporaryDirectory(prefix="millrace-scale-") as folder:
        try:
            url = database.database("mill")
            for count in counts:
                while len(platforms) < count:
                    name = f"member{len(platforms) + 1}"
                    platforms.append(Serve(os.path.join(folder, name), {
                        "MILLRACE_AMQP": rabbitmq.url, "MILLRACE_STORE": url, "MILLRACE_KEY": KEY, "MILLRACE_MEMBER": name}))
                first = platforms[0]
                api = first.client()
                if sent == 0:
                    deployed = api.deploy("scale", flow_text.format(url=target.url))
                    assert deployed.status == 201, deployed.body
                webhook = next(line for line in first.lines if line.startswith("http ")).split()[1] + "/scale"
                wanted = len(target.times) + int((seconds + 12) * count * INSTANCES / work_s)
                while sent < wanted:
                    urllib.request.urlopen(urllib.request.Request(webhook, json.dumps({"number": sent}).encode(),
                                                                  {"Content-Type": "application/json"})).read()
                    sent += 1
                scaled = api.ask("PUT", "/v1/flows/scale/steps/work/scale", {"instances": count * INSTANCES}, check=False)
                assert scaled.status < 300, scaled.body
                deadline = time.monotonic() + 60
                while api.get("/v1/status").json["flows"][0]["steps"][0]["instances"]["connected"] != count * INSTANCES:
                    assert time.monotonic() < deadline, api.get("/v1/status").body
                    time.sleep(0.2)
                time.sleep(1)
                spread = [len(served.client(first.token).get("/v1/status").json["workers"]) for served in platforms]
                rows.append((count, spread, target.rate(seconds)))
            while len(set(target.bodies)) < sent:
                time.sleep(0.2)
        finally:
            for served in platforms:
                served.__exit__()
            rabbitmq.close()
            database.close()
    target.close()
    print("platforms  workers of each   executions/s  against the first")
    for count, spread, rate in rows:
        print(f"{count:>9}  {' + '.join(map(str, spread)):>15}  {rate:>13.1f}  {rate / rows[0][2]:>17.2f}")
    print(f"{sent} executions, {sent - len(set(target.bodies))} lost, load average {os.getloadavg()[0]:.1f}")
    print(json.dumps({"work_ms": work_s * 1000, "rates": [[count, spread, round(rate, 1)] for count, spread, rate in rows], "sent": sent}))
