"""What `millrace broker` has stored: `verify` names damage, a start goes round it, a small disk that is full is waited for."""
import glob
import json
import os
import subprocess
import threading
import time
import unittest

import pika

from brokers import BrokerCase
from running import millrace

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def body(number):
    return f"message {number} ".encode() + b"x" * 1000


class BrokerStorage(BrokerCase):
    def fill(self, broker, count):
        channel = self.channel(broker)
        channel.queue_declare("kept", durable=True)
        channel.confirm_delivery()
        for number in range(count):
            channel.basic_publish("", "kept", body(number), PERSISTENT)

    def bodies(self, broker):
        channel = self.channel(broker)
        found = []
        while True:
            method, _, content = channel.basic_get("kept", auto_ack=True)
            if method is None:
                return found
            found.append(content)

    def verify(self):
        done = millrace("broker", "verify", self.data, "--json")
        return done.returncode, json.loads(done.stdout)[0]

    def test_a_flipped_bit_is_named_and_costs_only_its_own_message(self):
        broker = self.broker()
        self.fill(broker, 200)
        code, found = self.verify()  # beside the broker
        self.assertEqual((code, found["sound"], found["messages"]), (0, True, 200))
        self.assertEqual(broker.stop()[0], 0)
        segment = sorted(glob.glob(f"{self.data}/broker/segment-*.log"))[0]
        with open(segment, "r+b") as file:
            at = file.read().index(body(120)) + 500
            file.seek(at)
            file.write(b"y")
        code, found = self.verify()
        self.assertEqual((code, found["sound"]), (1, False))
        damage = [it for it in found["findings"] if it["kind"] == "damage"]
        self.assertEqual([it["file"] for it in damage], [os.path.basename(segment)])
        self.assertTrue(damage[0]["offset"] <= at < damage[0]["offset"] + damage[0]["size"])
        broker = self.broker()
        self.assertEqual(self.bodies(broker), [body(number) for number in range(200) if number != 120])
        self.assertEqual(len(glob.glob(f"{self.data}/broker/*.damaged-*")), 1)

    def test_a_damaged_message_behind_a_checkpoint_is_found_when_it_is_delivered(self):
        broker = self.broker()
        self.fill(broker, 200)
        for _ in range(2):  # two starts later no start reads that segment
            self.assertEqual(broker.stop()[0], 0)
            broker = self.broker()
            self.channel(broker).queue_declare("other", durable=True)
        self.assertEqual(broker.stop()[0], 0)
        segment = sorted(glob.glob(f"{self.data}/broker/segment-*.log"))[0]
        sidecar = segment.replace(".log", ".index")
        with open(segment, "r+b") as file:
            file.seek(file.read().index(body(7)) + 500)
            file.write(b"y")
        code, found = self.verify()
        self.assertEqual(code, 1)
        self.assertIn("1 messages of queue 'kept'", found["findings"][0]["what"])
        os.remove(sidecar)  # is made anew
        broker = self.broker()
        self.assertEqual(self.bodies(broker), [body(number) for number in range(200) if number != 7])

    def test_nothing_to_check_is_said(self):
        done = millrace("broker", "verify", self.data + "-none")
        self.assertEqual(done.returncode, 3)
        self.assertIn("there is no broker's data", done.stderr)

    def test_a_full_disk_is_waited_for_and_nothing_confirmed_is_lost(self):
        os.makedirs(self.data, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", self.data], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=True)
        broker = self.broker()
        channel = self.channel(broker)
        channel.queue_declare("kept", durable=True)
        confirmed = []
        content = b"x" * 100_000
        count = 1800  # 172 MiB: more than the disk holds

        def publish():
            publisher = self.channel(broker)
            publisher.confirm_delivery()
            for number in range(count):
                publisher.basic_publish("", "kept", b"%d " % number + content, PERSISTENT)
                confirmed.append(number)

        thread = threading.Thread(target=publish, daemon=True)
        thread.start()
        last = -1
        while last != len(confirmed):  # until it stands still
            last = len(confirmed)
            time.sleep(1)
        self.assertLess(last, count)
        self.assertGreater(last, 300)
        taken = []
        heard = time.monotonic()
        while len(taken) < count and time.monotonic() < heard + 60:
            method, _, got = channel.basic_get("kept")
            if method is None:
                continue
            taken.append(int(got.split(b" ")[0]))
            channel.basic_ack(method.delivery_tag)
            heard = time.monotonic()
        thread.join(60)
        self.assertEqual(len(confirmed), count)
        self.assertEqual(taken, list(range(count)))


if __name__ == "__main__":
    unittest.main()
