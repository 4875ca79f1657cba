"""`millrace broker --tls`: amqps with pika and amqp-tools, certificates of clients, and clear refusals. Needs openssl."""
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

import pika
from pika.exceptions import AMQPConnectionError

from brokers import Broker
from running import millrace


sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Authority  # noqa: E402


class BrokerWithTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="millrace-tls-")
        cls.authority = Authority(cls.folder.name)
        cls.client, cls.client_key = cls.authority.sign("client")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def broker(self, *arguments, listen=()):
        files = ("--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key)
        broker = Broker(tempfile.mkdtemp(dir=self.folder.name), "--tls", "127.0.0.1:0", *files, *arguments, listen=listen)
        self.addCleanup(broker.kill)
        return broker

    def connect(self, broker, with_certificate=False, version=None):
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        if version:
            context.minimum_version = context.maximum_version = version
        if with_certificate:
            context.load_cert_chain(self.client, self.client_key)
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", broker.port, ssl_options=pika.SSLOptions(context, "localhost"), socket_timeout=5))

    def send_and_take(self, connection, body=b"secret"):
        channel = connection.channel()
        channel.confirm_delivery()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.basic_publish("", queue, body)
        self.assertEqual(channel.basic_get(queue, auto_ack=True)[2], body)
        connection.close()

    def test_messages_of_any_size_pass_in_both_versions_of_tls(self):
        broker = self.broker()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.send_and_take(self.connect(broker, version=version), bytes(range(256)) * 20000)
        connection = self.connect(broker)
        shown = millrace("broker", "connections", "--json", "--data", broker.data).stdout
        self.assertIn('"tls":true', shown)
        connection.close()
        self.assertEqual(broker.stop()[0], 0)

    def test_the_shells_tools_speak_tls_too(self):
        broker = self.broker()
        url = f"amqps://guest:guest@localhost:{broker.port}/%2f"
        published = subprocess.run(["amqp-publish", "-u", url, "--cacert", self.authority.ca_file, "-r", "nobody", "-b", "x"],
                                   capture_output=True, text=True, timeout=20)
        self.assertEqual((published.returncode, published.stderr), (0, ""))

    def test_a_client_without_a_certificate_stays_outside_where_one_is_wanted(self):
        broker = self.broker("--tls-client-ca", self.authority.ca_file)
        with self.assertRaises(AMQPConnectionError):
            self.connect(broker)
        self.send_and_take(self.connect(broker, with_certificate=True))
        self.assertIn("tls_refused", broker.stop()[1])

    def test_whoever_does_not_speak_tls_is_cut_and_others_go_on(self):
        broker = self.broker()
        for words in (b"AMQP\x00\x00\x09\x01", b"GET / HTTP/1.1\r\n\r\n", bytes(1000)):
            with socket.create_connection(("127.0.0.1", broker.port), timeout=5) as plain:
                plain.sendall(words)
                while plain.recv(1000):
                    pass
        self.send_and_take(self.connect(broker))

    def test_a_plain_door_beside_it(self):
        broker = self.broker(listen=("127.0.0.1:0",))
        plain = int(broker.lines[0].rsplit(":", 1)[1])
        self.assertRegex(broker.lines[1], r"^listening with TLS on 127\.0\.0\.1:\d+$")
        pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", plain)).close()

    def test_files_that_cannot_be_used_are_named(self):
        data = os.path.join(self.folder.name, "unused")
        for arguments, wanted in (
                (("--tls-certificate", self.authority.server), "--tls-key FILE"),
                (("--tls-certificate", "none.pem", "--tls-key", self.authority.server_key), "none.pem"),
                (("--tls-certificate", self.authority.server, "--tls-key", self.client_key), "client.key"),
                (("--tls-certificate", self.authority.server, "--tls-key", self.authority.server_key, "--tls-client-ca",
                  self.authority.server_key), "server.key")):
            refused = millrace("broker", "--tls", "127.0.0.1:0", *arguments, "--data", data)
            self.assertEqual(refused.returncode, 2, arguments)
            self.assertIn(wanted, refused.stderr)
        refused = millrace("broker", "--tls-client-ca", self.authority.ca_file, "--data", data)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--tls ADDR:PORT", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
