"""What `./dev run` does: the flow of this folder with a stand-in CMS and a real SMTP server, three forms, and what came out.

    /usr/bin/python3 demo.py --millrace PATH [--once]

Everything it starts listens on 127.0.0.1 and ends with it.
"""
import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request

from cms import Cms
from mail_server import MailServer

HERE = os.path.dirname(os.path.abspath(__file__))
FORMS = [
    {"company": "Waterworks Ltd", "email": "Ada@Waterworks.example",
     "products": [{"name": "sluice", "stock": 4}, {"name": "wheel", "stock": 0}]},
    {"company": "Müller & Sons", "email": "KARL@mueller.example",
     "products": [{"name": "millstone", "stock": 1}, {"name": "hopper", "stock": 7}]},
    {"company": "Tidemill", "email": "Grace@Tidemill.example", "products": [{"name": "gate", "stock": 2}]},
]
EXPECTED = [
    {"title": "Interest: Waterworks Ltd", "contact": "ada@waterworks.example", "products": "sluice"},
    {"title": "Interest: Müller & Sons", "contact": "karl@mueller.example", "products": ["millstone", "hopper"]},
    {"title": "Interest: Tidemill", "contact": "grace@tidemill.example", "products": "gate"},
]


def say(text):
    print(text, flush=True)


def friendly_port():
    """8080 if it is free, else any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8080))
            return 8080
        except OSError:
            return 0


class Platform:
    """`millrace run`, its lines shown as they come."""

    def __init__(self, millrace, data, port, environment):
        self.webhook = None
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [millrace, "run", os.path.join(HERE, "flow.yaml"), "--data", data, "--http", f"127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, env={**os.environ, **environment})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            say("  millrace │ " + line.rstrip())
            if line.startswith("webhook"):
                self.webhook = re.search(r"http://\S+", line).group()
            if line.strip() == "ready":
                self._ready.set()
        self._ready.set()

    def wait_until_ready(self, seconds):
        return self._ready.wait(seconds) and self.process.poll() is None and self.webhook is not None

    def stop(self):
        """Drains; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(5)
        return code


def send(webhook, form):
    request = urllib.request.Request(webhook, json.dumps(form).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.status, response.read().decode().strip()


def differences(cms, mails):
    """What is missing or wrong, as sentences."""
    wrong = []
    by_title = {post.get("title"): post for post in cms.posts}
    subjects = {mail["Subject"]: mail.get_content().strip() for mail in mails.mails}
    for expected in EXPECTED:
        post = by_title.get(expected["title"])
        if post is None or {**post, **expected} != post:
            wrong.append(f"the CMS has {post} where {expected} was expected")
            continue
        text = subjects.get(f"New: {expected['title']}")
        if text != f"Published as {post['id']}":
            wrong.append(f"the mail about post {post['id']} says {text!r}")
    return wrong


def show(once, millrace, data, cms, mails):
    say("")
    say("Starting the flow of examples/web-form-to-cms/flow.yaml; every step is its own process:")
    platform = Platform(millrace, data, 0 if once else friendly_port(), {"CMS_URL": cms.url, "SMTP_URL": mails.url})
    try:
        if not platform.wait_until_ready(30):
            say("millrace did not start")
            return 1
        say("\nThree forms go in:")
        for form in FORMS:
            status, answer = send(platform.webhook, form)
            say(f"  form     │ {form['company']}: {status} {answer}")
        came = cms.wait_for(len(FORMS), 60) and mails.wait_for(len(FORMS), 60)
        wrong = differences(cms, mails) if came else ["not everything came out within a minute"]
        for sentence in wrong:
            say("wrong: " + sentence)
        if once or wrong:
            if not wrong:
                say(f"\n{len(cms.posts)} posts and {len(mails.mails)} mails came out. Stopping.")
            code = platform.stop()
            return 1 if wrong else code
        form = json.dumps({"company": "Me", "email": "Me@Example.com", "products": [{"name": "wheel", "stock": 1}]})
        say(f"\nIt goes on running: Ctrl-C ends it. Webhook: {platform.webhook}   Posts: {cms.url}/posts\nTry:\n"
            f"  curl -H 'Content-Type: application/json' -d '{form}' {platform.webhook}\n"
            f"  {millrace} status --data {data}\n")
        return platform.process.wait()
    except KeyboardInterrupt:
        say("")
        return platform.stop()
    finally:
        platform.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--once", action="store_true", help="show, stop, and exit with 0 if everything came out")
    options = parser.parse_args()

    def interrupted(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    cms = Cms(on_post=lambda post: say("  CMS      │ new post " + json.dumps(post, ensure_ascii=False)))
    mails = MailServer(on_mail=lambda mail: say(
        f"  mailbox  │ to {mail['To']}: \"{mail['Subject']}\": {mail.get_content().strip()}"))
    try:
        with tempfile.TemporaryDirectory(prefix="millrace-demo-") as folder:
            return show(options.once, os.path.abspath(options.millrace), os.path.join(folder, "data"), cms, mails)
    except KeyboardInterrupt:
        return 130
    finally:
        mails.close()
        cms.close()


if __name__ == "__main__":
    sys.exit(main())
