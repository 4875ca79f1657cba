"""Exchanges of every type, what is bound to them, and where a message goes."""

from pika.exceptions import UnroutableError

from desk import Desk, refused


def exchange_to_exchange():
    with Desk() as desk:
        source, queue = desk.exchange("topic", auto_delete=False), desk.queue()
        middle = desk.exchange("fanout", internal=True)
        desk.channel.exchange_bind(middle, source, "a.#")
        desk.channel.exchange_bind(source, middle)  # a circle is no trouble
        desk.channel.queue_bind(queue, middle)
        desk.put("a.b", "through", exchange=source)
        assert desk.take(queue) == "through" and desk.take(queue) is None
        desk.channel.exchange_unbind(middle, source, "a.#")
        unroutable(desk, source, "a.b")
        desk.channel.exchange_unbind(source, middle)
        desk.channel.exchange_delete(source)
    refused(403, lambda d: d.put("k", "x", exchange=d.exchange(internal=True)))
    refused(404, lambda d: d.channel.exchange_bind(d.name(), "amq.direct"))


def alternate_exchange():
    with Desk() as desk:
        queue, other = desk.queue(), desk.exchange("fanout")
        first = desk.exchange("direct", arguments={"alternate-exchange": other})
        desk.channel.queue_bind(queue, other)
        desk.put("nobody", "elsewhere", exchange=first)
        assert desk.take(queue) == "elsewhere"


def sender_selected():
    with Desk() as desk:
        a, b, c = desk.queue(), desk.queue(), desk.queue()
        desk.put(a, "to all", headers={"CC": [b, b], "BCC": [c], "other": 1})
        for queue in (a, b, c):
            assert desk.take(queue) == "to all"
            assert desk.properties.headers == {"CC": [b, b], "other": 1}
            assert desk.take(queue) is None
    refused(406, lambda d: d.put(d.queue(), "x", headers={"CC": "no list"}))


def every_type():
    with Desk() as desk:
        for kind, key, taken, not_taken in (("direct", "a", "a", "b"), ("topic", "a.*.#", "a.b.c", "a"),
                                            ("topic", "#.end", "end", "end.x")):
            exchange, queue = desk.exchange(kind), desk.queue()
            desk.channel.queue_bind(queue, exchange, key)
            desk.put(taken, "in", exchange=exchange)
            unroutable(desk, exchange, not_taken)
            assert desk.take(queue) == "in"
        exchange, queues = desk.exchange("fanout"), [desk.queue(), desk.queue()]
        for queue in queues:
            desk.channel.queue_bind(queue, exchange, "ignored")
            desk.channel.queue_bind(queue, exchange, "again")
        desk.put("whatever", "to all, once", exchange=exchange)
        for queue in queues:
            assert desk.take(queue) == "to all, once" and desk.take(queue) is None


def unroutable(desk, exchange, key, **properties):
    try:
        desk.put(key, "nowhere", exchange=exchange, **properties)
    except UnroutableError as returned:
        method = returned.messages[0].method
        assert (method.reply_code, method.reply_text, method.exchange, method.routing_key) == (312, "NO_ROUTE", exchange, key)
        return
    raise AssertionError("it was routed")


def headers_exchange():
    with Desk() as desk:
        exchange = desk.exchange("headers")
        every, some = desk.queue(), desk.queue()
        desk.channel.queue_bind(every, exchange, "", {"x-match": "all", "kind": "order", "n": 1})
        desk.channel.queue_bind(some, exchange, "", {"x-match": "any", "kind": "order", "n": 1})
        desk.put("", "both", exchange=exchange, headers={"kind": "order", "n": 1, "more": True})
        desk.put("", "one", exchange=exchange, headers={"kind": "order", "n": 2})
        unroutable(desk, exchange, "", headers={"kind": "invoice"})
        unroutable(desk, exchange, "")
        assert (desk.take(every), desk.take(every)) == ("both", None)
        assert (desk.take(some), desk.take(some)) == ("both", "one")
    refused(406, lambda d: d.channel.queue_bind(d.queue(), "amq.headers", "", {"x-match": "odd"}), "x-match")


def bindings_are_told_apart_by_key_and_arguments():
    with Desk() as desk:
        exchange, queue = desk.exchange("direct", auto_delete=False), desk.queue()
        for key in ("a", "b", "a"):
            desk.channel.queue_bind(queue, exchange, key)
        desk.put("a", "once", exchange=exchange)
        assert (desk.take(queue), desk.take(queue)) == ("once", None)
        desk.channel.queue_unbind(queue, exchange, "a")
        unroutable(desk, exchange, "a")
        desk.put("b", "still", exchange=exchange)
        desk.channel.queue_unbind(queue, exchange, "never bound")
        desk.channel.queue_unbind("no-such-queue", exchange, "a")
        desk.channel.exchange_delete(exchange)
        desk.channel.exchange_delete(exchange)  # what is not there is deleted already
    refused(406, lambda d: (d.channel.queue_bind(d.queue(), "amq.direct", "k"),
                            d.channel.exchange_declare(name := d.name(), "direct"), d.channel.queue_bind(d.queue(), name),
                            d.channel.exchange_delete(name, if_unused=True)), "in use")


def some_exchanges_are_always_there():
    with Desk() as desk:
        for name in ("amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace"):
            desk.channel.exchange_declare(name, passive=True)
        refused(403, lambda d: d.channel.exchange_declare("", passive=True), "default exchange")
        refused(403, lambda d: d.channel.exchange_delete("amq.direct"))
        refused(403, lambda d: d.channel.basic_publish("amq.rabbitmq.trace", "x", "x"), "internal exchange")


def the_default_exchange_knows_every_queue_by_its_name():
    with Desk() as desk:
        queue = desk.queue()
        desk.put(queue, "x")
        assert desk.take(queue) == "x"
        unroutable(desk, "", desk.name())


FEATURES = (exchange_to_exchange, alternate_exchange, sender_selected, every_type, headers_exchange, bindings_are_told_apart_by_key_and_arguments, the_default_exchange_knows_every_queue_by_its_name, some_exchanges_are_always_there,)
