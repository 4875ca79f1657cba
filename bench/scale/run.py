"""`./dev bench scale`: executions a second of a step of fixed 20 ms work against its instances, scaled under load.

webhook → http.request (concurrency 1) → a target that answers after 20 ms. One platform; `millrace scale` sets the
instances while a backlog waits. Prints a table and last a line of JSON."""
import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/support"))
import platforms  # noqa: E402
from slow_target import SlowTarget  # noqa: E402

WORK_S = 0.02
FLOW = """\
name: scale
steps:
  - {{ id: form, trigger: webhook.receive, config: {{ path: scale }} }}
  - id: work
    action: http.request
    after: form
    concurrency: 1
    config: {{ method: POST, url: "{url}/" }}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--instances", default="1,2,4,8,4,1")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--platforms", help="measure against these numbers of platforms instead, on a RabbitMQ and a PostgreSQL: 1,2,3")
    options = parser.parse_args()
    if options.platforms:
        os.environ["MILLRACE"] = os.path.abspath(options.millrace)
        return platforms.measure(FLOW, WORK_S, [int(text) for text in options.platforms.split(",")], options.seconds)
    target = SlowTarget(WORK_S)
    with tempfile.TemporaryDirectory(prefix="millrace-scale-") as folder:
        data, flow = os.path.join(folder, "data"), os.path.join(folder, "flow.yaml")
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW.format(url=target.url))
        platform = subprocess.Popen([options.millrace, "run", flow, "--data", data, "--http", "127.0.0.1:0"],
                                    stdout=subprocess.PIPE, text=True)
        port = None
        for line in platform.stdout:
            if line.startswith("webhook"):
                port = int(line.split("127.0.0.1:")[1].split("/")[0])
            if line.strip() == "ready":
                break
        sent = 0
        webhook = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def scale(*arguments):
            done = subprocess.run([options.millrace, "scale", "scale/work", *arguments, "--data", data, "--json"],
                                  capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        rows = []
        for instances in (int(text) for text in options.instances.split(",")):
            wanted = len(target.times) + int((options.seconds + 3) * instances / WORK_S) + 200
            while sent < wanted:
                webhook.request("POST", "/scale", json.dumps({"number": sent}), {"Content-Type": "application/json"})
                response = webhook.getresponse()
                response.read()
                assert response.status == 202, response.status
                sent += 1
            scale(str(instances))
            while scale()["connected"] != instances:
                time.sleep(0.05)
            time.sleep(0.5)  # those that were there give back what they had taken ahead
            rows.append((instances, target.rate(options.seconds)))
        scale("8")
        while len(target.times) < sent:
            time.sleep(0.1)
        platform.terminate()
        platform.wait(60)
        platform.stdout.close()
    target.close()
    one = rows[0][1]
    print("instances  executions/s  against the first")
    for instances, rate in rows:
        print(f"{instances:>9}  {rate:>12.1f}  {rate / one:>17.2f}")
    lost = sent - len(set(target.bodies))
    print(f"{sent} executions, {lost} lost, load average {os.getloadavg()[0]:.1f}")
    print(json.dumps({"work_ms": WORK_S * 1000, "rates": [[n, round(rate, 1)] for n, rate in rows], "sent": sent, "lost": lost}))


if __name__ == "__main__":
    main()
