#!/usr/bin/python3
"""fenced_worker.py URI: takes a message, says ready, and on a line of input commits an output and its ack; prints
"committed" or "refused". fenced_worker.py URI check: the input is still there, the output is not."""

import sys

import pika
from pika.exceptions import AMQPError

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.queue_declare("fenced-in", durable=True)
channel.queue_declare("fenced-out", durable=True)

if sys.argv[2:] == ["check"]:
    method, _, body = channel.basic_get("fenced-in")
    assert body == b"input" and method.redelivered, "the retired worker's ack took effect"
    assert channel.basic_get("fenced-out")[0] is None, "the retired worker's output took effect"
    connection.close()
    sys.exit()

channel.basic_publish("", "fenced-in", b"input", pika.BasicProperties(delivery_mode=2))
channel.tx_select()
method = None
while method is None:
    method = channel.basic_get("fenced-in")[0]
print("ready", flush=True)
sys.stdin.readline()
try:
    channel.basic_publish("", "fenced-out", b"output", pika.BasicProperties(delivery_mode=2))
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    print("committed", flush=True)
except AMQPError:
    print("refused", flush=True)
