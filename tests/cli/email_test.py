"""email.send against a real SMTP server (aiosmtpd): plain, STARTTLS and TLS, with and without login."""
import base64
import email
import email.policy
import json
import os
import socket
import sys
import unittest

from raw_http import Connection, call, request
from running import OnePlatform, millrace, until

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from aiosmtpd.controller import Controller  # noqa: E402
from aiosmtpd.smtp import AuthResult  # noqa: E402
from certificates import Authority  # noqa: E402

FLOW = """
name: {name}
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: {name} }}
  - id: send
    action: email.send
    after: form
    config: {{ smtp: "{url}", from: "Mill <mill@example.com>", {config} }}
    retry: {{ initial: 100ms, factor: 1, attempts: 3 }}
  - id: answer
    action: http.reply
    after: send
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """What came is in `mails`: (envelope, parsed mail, whether it came over TLS). `refuse` holds answers for recipients."""

    def __init__(self, tls=None, starttls=None, login=None, utf8=True):
        self.mails = []
        self.refuse = {}
        self.begun = 0
        options = {"enable_SMTPUTF8": utf8, "hostname": "127.0.0.1", "port": free_port()}
        if starttls:
            options.update(tls_context=starttls, require_starttls=True)
        if tls:
            options["ssl_context"] = tls
        if login:
            known = tuple(word.encode() for word in login)
            options.update(auth_required=True, auth_require_tls=bool(starttls), authenticator=lambda *asked: AuthResult(
                success=(asked[4].login, asked[4].password) == known, handled=False))
        self._controller = Controller(self, **options)
        self._controller.start()
        self.url = f"{'smtps' if tls else 'smtp'}://127.0.0.1:{options['port']}"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        self.begun += 1
        answer = self.refuse.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        self.mails.append((envelope, mail, server.transport.get_extra_info("ssl_object") is not None))
        return "250 Taken"

    def close(self):
        self._controller.stop()


class Email(OnePlatform):
    @classmethod
    def flows(cls):
        ours, others = Authority(cls.folder), Authority(cls.folder, "others")
        cls.servers = {
            "plain": Server(), "ascii": Server(utf8=False), "login": Server(login=("ann", "se:cret@")),
            "starttls": Server(starttls=ours.server_context(), login=("ann", "pa ss")), "tls": Server(tls=ours.server_context()),
        }
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
        trusted = f"tls_ca_file: {ours.ca_file}"
        urls = {name: server.url for name, server in cls.servers.items()}
        configs = {
            "plain": (urls["plain"], "subject: 'About {{ body.topic }}', html: '<b>{{ body.topic }}</b>'"),
            "small": (urls["plain"], "size_max: 10KB, to: [a@example.com, 'B <b@example.com>'], cc: c@example.com"),
            "ascii": (urls["ascii"], ""),
            "must": (urls["plain"], "starttls: always"),
            "login": (urls["login"].replace("//", "//ann:se%3Acret%40@"), ""),
            "denied": (urls["login"], "username: ann, password: wrong"),
            "starttls": (urls["starttls"], f"starttls: always, username: ann, password: pa ss, {trusted}"),
            "tls": (urls["tls"], trusted),
            "distrusted": (urls["tls"], f"tls_ca_file: {others.ca_file}"),
            "careless": (urls["tls"], "tls_verify: false"),
        }
        return {name: FLOW.format(name=name, url=url, config=config) for name, (url, config) in configs.items()}, {}

    def tearDown(self):
        millrace("dead-letters", "drop", "--all", "--data", self.data)

    def setUp(self):
        for server in self.servers.values():
            server.mails.clear()
            server.refuse.clear()

    def send(self, flow, body, server="plain"):
        """Sends by that flow; returns (envelope, mail, over TLS) of the one mail that comes and the step's output."""
        response = call(self.address, "POST", "/" + flow, {"Content-Type": "application/json"}, json.dumps(body).encode())
        self.assertEqual(response.status, 200, self.platform.errors[-5:])
        mail, = self.servers[server].mails
        return *mail, response.json()

    def refused(self, flow, body):
        """Sends by that flow; returns the dead letter that comes of it."""
        path = ("--data", self.data, "--flow", flow, "--json")
        message = request("POST", "/" + flow, {"Content-Type": "application/json"}, json.dumps(body).encode())
        with Connection(self.address) as connection:
            connection.send(message)  # no reply will come

            def letters():
                return json.loads(millrace("dead-letters", "list", *path).stdout)["dead_letters"]
            until(letters, 20, lambda: f"{flow} {body}: {self.platform.errors[-5:]}")
        letter, = letters()
        self.assertEqual(millrace("dead-letters", "drop", "--all", "--data", self.data, "--flow", flow).returncode, 0)
        return letter

    def test_a_mail_with_everything(self):
        attached = bytes(range(256)) * 20
        envelope, mail, _, output = self.send("plain", {
            "to": ["Ann Müller <ann@example.com>", "\"Doe, Jane\" <jane@example.com>, plain@example.com"],
            "cc": "Café \"Ö\" <cafe@example.com>", "bcc": ["secret@example.com", "ann@example.com"],
            "from": "Büro <office@example.com>", "reply_to": "answers@example.com",
            "subject": "Größe 📦 " + "lang und länger " * 20, "text": "Grüße\n.\n..two dots\n" + "x" * 2000 + "\nend",
            "html": "<p>Grüße</p>", "attachments": [
                {"name": "bytes.bin", "base64": base64.b64encode(attached).decode()},
                {"name": "Rechnung für Ünal.txt", "type": "text/plain; charset=utf-8", "text": "Zeile 1\nZeile 2: ü"},
                {"name": "a \"quoted\"; name.csv", "type": "text/csv", "text": "1;2"}]})
        self.assertEqual(envelope.rcpt_tos, ["ann@example.com", "jane@example.com", "plain@example.com", "cafe@example.com",
                                             "secret@example.com"])
        self.assertEqual(output["accepted"], envelope.rcpt_tos)
        self.assertEqual((envelope.mail_from, output["messageId"]), ("office@example.com", mail["Message-ID"]))
        self.assertIn("Taken", output["response"])
        self.assertEqual([(one.display_name, one.addr_spec) for one in mail["To"].addresses],
                         [("Ann Müller", "ann@example.com"), ("Doe, Jane", "jane@example.com"), ("", "plain@example.com")])
        self.assertEqual(mail["Cc"].addresses[0].display_name, "Café \"Ö\"")
        self.assertEqual(mail["From"].addresses[0].display_name, "Büro")
        self.assertEqual((mail["Bcc"], mail["Reply-To"]), (None, "answers@example.com"))
        self.assertEqual(mail["Subject"], ("Größe 📦 " + "lang und länger " * 20))
        self.assertNotIn(b"secret@", envelope.original_content)
        self.assertLess(max(map(len, envelope.original_content.split(b"\r\n"))), 999)
        text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
        self.assertEqual(text.rstrip("\n"), "Grüße\n.\n..two dots\n" + "x" * 2000 + "\nend")
        self.assertEqual(mail.get_body(("html",)).get_content().strip(), "<p>Grüße</p>")
        files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
        self.assertEqual(files["bytes.bin"], attached)
        self.assertEqual(files["Rechnung für Ünal.txt"].replace("\r\n", "\n").rstrip(), "Zeile 1\nZeile 2: ü")
        self.assertIn("a \"quoted\"; name.csv", files)

    def test_what_the_body_leaves_out_comes_from_the_config(self):
        envelope, mail, _, _ = self.send("plain", {"to": "a@example.com", "topic": "Öl"})
        self.assertEqual((mail["Subject"], mail["From"], mail.get_content().strip()),
                         ("About Öl", "Mill <mill@example.com>", "<b>Öl</b>"))
        self.servers["plain"].mails.clear()
        envelope, mail, _, _ = self.send("small", {"text": "plain\n.\nand short"})
        self.assertEqual(envelope.rcpt_tos, ["a@example.com", "b@example.com", "c@example.com"])
        self.assertEqual(mail.get_content().splitlines(), ["plain", ".", "and short"])

    def test_addresses_beyond_ascii(self):
        envelope, mail, _, _ = self.send("plain", {"to": "Jörg <jörg@bücher.example>", "subject": "x", "text": "y"})
        self.assertEqual(envelope.rcpt_tos, ["jörg@xn--bcher-kva.example"])
        self.assertTrue(envelope.smtp_utf8)
        self.assertEqual(self.refused("ascii", {"to": "jörg@example.com", "text": "y"})["code"], "smtp.rejected")

    def test_what_is_no_mail_is_a_dead_letter_that_names_the_field(self):
        for field, body in (("to", {"to": "nobody"}), ("to", {"to": ["a@example.com\r\nBcc: b@example.com"]}), ("to", {}),
                            ("to", {"to": [1]}), ("subject", {"to": "a@example.com", "subject": "a\nBcc: b@example.com"}),
                            ("from", {"to": "a@example.com", "from": "a@example.com, b@example.com"}),
                            ("cc", {"to": "a@example.com", "cc": "b@example.com>\r\nX: y <c"}),
                            ("attachments", {"to": "a@example.com", "attachments": [{"text": "x"}]}),
                            ("attachments", {"to": "a@example.com", "attachments": [{"name": "x", "base64": "?"}]}),
                            ("attachments", {"to": "a@example.com", "attachments": [{"name": "x\r\nX: y", "text": "x"}]}),
                            ("attachments", {"to": "a@example.com", "attachments": "none"})):
            with self.subTest(body=body):
                letter = self.refused("plain", body)
                self.assertEqual((letter["code"], letter["attempts"]), ("email." + field, 1))
        self.assertEqual(self.refused("small", {"text": "x" * 20_000})["code"], "email.too_large")
        self.assertEqual(self.servers["plain"].mails, [])

    def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_a_dead_letter(self):
        server = self.servers["plain"]
        server.refuse["full@example.com"] = "452 4.2.2 mailbox full"
        letter = self.refused("plain", {"to": "full@example.com", "topic": "x"})
        self.assertEqual((letter["code"], letter["attempts"], letter["details"]["replyCode"]), ("smtp.busy", 3, 452))
        self.assertIn("mailbox full", letter["reason"])
        server.refuse["gone@example.com"] = "550 5.1.1 no such user"
        letter = self.refused("plain", {"to": ["here@example.com", "gone@example.com"], "topic": "x"})
        self.assertEqual((letter["code"], letter["attempts"], letter["details"]["replyCode"]), ("smtp.rejected", 1, 550))
        self.assertIn("no such user", letter["reason"])
        self.assertEqual(server.mails, [], "a mail is for all of its recipients or for none")

    def test_login(self):
        self.send("login", {"to": "a@example.com", "text": "x"}, "login")
        letter = self.refused("denied", {"to": "a@example.com", "text": "x"})
        self.assertEqual((letter["code"], letter["attempts"]), ("smtp.login", 3))
        self.assertNotIn("wrong", json.dumps(letter["reason"]))

    def test_tls_from_the_start_and_by_starttls_with_a_private_authority(self):
        for flow in ("tls", "starttls", "careless"):
            server = "starttls" if flow == "starttls" else "tls"
            over_tls = self.send(flow, {"to": "a@example.com", "text": flow}, server)[2]
            self.assertTrue(over_tls)
            self.servers[server].mails.clear()
        letter = self.refused("distrusted", {"to": "a@example.com", "text": "x"})
        self.assertEqual(letter["code"], "smtp.untrusted")
        self.assertIn("certificate", letter["reason"])
        self.refused("must", {"to": "a@example.com", "text": "x"})  # a server without STARTTLS
        self.assertEqual(self.servers["plain"].mails + self.servers["tls"].mails, [])


if __name__ == "__main__":
    unittest.main()
