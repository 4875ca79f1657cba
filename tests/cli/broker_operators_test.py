"""What operators see of a running `millrace broker`: listings of everything, and metrics as Prometheus' own library reads them."""
import json
import unittest
import urllib.error
import urllib.request

import pika
from prometheus_client.parser import text_string_to_metric_families

from brokers import BrokerCase
from running import millrace

def parse(text):
    """Family -> type, and (name, labels in order) -> value."""
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(set(names)) == len(names), "a family comes twice"
    samples = [(sample.name, tuple(sample.labels.items()), sample.value) for family in families for sample in family.samples]
    assert len({sample[:2] for sample in samples}) == len(samples), "a sample comes twice"
    return {family.name: family.type for family in families}, {sample[:2]: sample[2] for sample in samples}


class Operators(BrokerCase):
    def listed(self, kind):
        answer = millrace("broker", kind, "--json", "--data", self.data)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return json.loads(answer.stdout)[kind]

    def test_everything_is_listed(self):
        channel = self.channel(self.broker())
        channel.exchange_declare("orders", "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
        channel.queue_declare("new", durable=True, arguments={"x-max-length": 7})
        channel.queue_bind("new", "orders", "order.#")
        channel.exchange_bind("amq.fanout", "orders", "all")
        channel.confirm_delivery()
        channel.basic_publish("orders", "order.1", b"x")
        channel.basic_qos(prefetch_count=3)
        channel.basic_consume("new", lambda *_: None, consumer_tag="reader")
        channel.connection.process_data_events(0.1)
        self.assertEqual([(q["name"], q["ready"], q["unsettled"], q["durable"], q["arguments"]) for q in self.listed("queues")],
                         [("new", 0, 1, True, {"x-max-length": 7})])
        orders = {exchange["name"]: exchange for exchange in self.listed("exchanges")}["orders"]
        self.assertEqual((orders["type"], orders["arguments"]), ("topic", {"alternate-exchange": "amq.fanout"}))
        self.assertEqual([(b["source"], b["destination"], b["destination_kind"], b["routing_key"]) for b in self.listed("bindings")],
                         [("orders", "new", "queue", "order.#"), ("orders", "amq.fanout", "exchange", "all")])
        one, = self.listed("channels")
        self.assertEqual((one["number"], one["mode"], one["consumers"], one["unsettled"]), (1, "confirm", 1, 1))
        reader, = self.listed("consumers")
        self.assertEqual((reader["queue"], reader["tag"], reader["prefetch"], reader["acknowledges"]), ("new", "reader", 3, True))
        for kind in ("queues", "exchanges", "bindings", "connections", "channels", "consumers"):
            lines = millrace("broker", kind, "--data", self.data).stdout.splitlines()
            self.assertEqual(len(lines), 1 + len(self.listed(kind)), kind)
            self.assertEqual(lines[0], lines[0].upper())

    def scrape(self, port, path="/metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
            return answer.read().decode()

    def test_metrics_count_what_happens(self):
        broker = self.broker("--metrics", "127.0.0.1:0", "--memory-limit", "1GB")
        port = int(broker.process.stdout.readline().rsplit(" ", 1)[1])
        channel = self.channel(broker)
        odd = 'odd "name" \\ here'
        channel.queue_declare(odd, durable=True)
        channel.confirm_delivery()
        for i in range(5):
            channel.basic_publish("", odd, b"%d" % i)
        tags = [channel.basic_get(odd)[0].delivery_tag for _ in range(3)]
        channel.basic_ack(tags[0])
        channel.basic_nack(tags[1], requeue=True)
        channel.basic_reject(tags[2], requeue=False)
        try:
            channel.basic_publish("", "nobody", b"", mandatory=True)
        except pika.exceptions.UnroutableError:
            pass
        channel.basic_get(odd, auto_ack=True)
        text = self.scrape(port)
        types, samples = parse(text)
        counted = {name.split("_")[2]: value for (name, _), value in samples.items() if name.startswith("millrace_messages_") and name.endswith("_total")}
        self.assertEqual({name: counted[name] for name in ("published", "confirmed", "returned", "delivered", "redelivered",
                                                           "acknowledged", "rejected", "requeued")},
                         {"published": 6, "confirmed": 6, "returned": 1, "delivered": 4, "redelivered": 1, "acknowledged": 2,
                          "rejected": 1, "requeued": 1})
        labels = (("vhost", "/"), ("queue", odd))
        self.assertEqual(samples["millrace_queue_messages_ready", labels], 2)
        self.assertEqual(samples["millrace_queue_messages_unacked", labels], 0)
        self.assertEqual(samples["millrace_connections", ()], 1)
        self.assertEqual(samples["millrace_channels", ()], 1)
        self.assertEqual(samples["millrace_memory_limit_bytes", ()], 10 ** 9)
        self.assertGreater(samples["process_resident_memory_bytes", ()], 1 << 20)
        self.assertGreater(samples["millrace_log_bytes", (("vhost", "/"),)], 100)
        self.assertEqual(samples["millrace_log_failed", (("vhost", "/"),)], 0)
        self.assertEqual(samples["millrace_log_full", (("vhost", "/"),)], 0)
        self.assertEqual(types["millrace_log_sync_duration_seconds"], "histogram")
        buckets = [value for (name, pairs), value in samples.items() if name.endswith("seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], samples["millrace_log_sync_duration_seconds_count", (("vhost", "/"),)])
        self.assertGreater(buckets[-1], 0)
        with self.assertRaises(urllib.error.HTTPError) as missing:
            self.scrape(port, "/v1/broker/queues")  # the door for metrics has nothing else
        self.assertEqual(missing.exception.code, 404)


if __name__ == "__main__":
    unittest.main(verbosity=2)
