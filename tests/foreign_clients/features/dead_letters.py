"""Messages that leave a queue for another: expired, rejected, too many, come back too often."""

import time

from pika.exceptions import NackError

from desk import Desk, connect, refused


def expiration():
    with Desk() as desk:
        queue = desk.queue()
        desk.put(queue, "stays")
        desk.put(queue, "goes", expiration="50")
        desk.put(queue, "stays, too")
        desk.until(lambda: desk.depth(queue) == 2)
        assert (desk.take(queue), desk.take(queue)) == ("stays", "stays, too")
        short = desk.queue(message_ttl=50)
        desk.put(short, "goes", expiration="60000")
        desk.until(lambda: desk.depth(short) == 0)
    refused(406, lambda d: d.put(d.queue(), "x", expiration="soon"))


def dead_letters():
    with Desk() as desk:
        dead, exchange = desk.queue(), desk.exchange("fanout")
        desk.channel.queue_bind(dead, exchange)
        queue = desk.queue(dead_letter_exchange=exchange, dead_letter_routing_key="why", message_ttl=60000, max_length=1)
        desk.put(queue, "rejected", headers={"mine": 1})
        method, _, _ = desk.channel.basic_get(queue)
        desk.channel.basic_reject(method.delivery_tag, requeue=False)
        assert desk.take(dead, 5) == "rejected"
        headers = desk.properties.headers
        death = headers["x-death"][0]
        assert headers["mine"] == 1 and headers["x-first-death-reason"] == "rejected"
        assert (death["queue"], death["reason"], death["count"], death["routing-keys"]) == (queue, "rejected", 1, [queue])
        desk.put(queue, "expired", expiration="20")
        assert desk.take(dead, 5) == "expired"
        assert desk.properties.headers["x-death"][0]["original-expiration"] == "20" and desk.properties.expiration is None
        desk.put(queue, "old")
        desk.put(queue, "new")
        assert desk.take(dead, 5) == "old" and desk.properties.headers["x-death"][0]["reason"] == "maxlen"
        name = desk.name()
        desk.channel.queue_declare(name, exclusive=True, arguments={
            "x-max-length": 0, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name})
        desk.put(name, "in a circle")
        assert desk.take(name) is None


def deaths_are_told_as_rabbitmq_tells_them():
    with Desk() as desk:
        dead, copies, exchange = desk.queue(), desk.queue(), desk.exchange("fanout")
        desk.channel.queue_bind(dead, exchange)
        keeping = desk.queue(dead_letter_exchange=exchange)
        renaming = desk.queue(dead_letter_exchange=exchange, dead_letter_routing_key="why")
        for queue, key, kept in ((keeping, keeping, {"CC": [copies], "mine": 1}), (renaming, "why", {"mine": 1})):
            desk.put(queue, "x", headers={"CC": [copies], "BCC": ["nobody"], "mine": 1}, expiration="60000")
            desk.channel.basic_reject(desk.channel.basic_get(queue)[0].delivery_tag, requeue=False)
            headers = desk.properties_of(dead).headers
            death = headers.pop("x-death")[0]
            first = {"x-first-death-exchange": "", "x-first-death-queue": queue, "x-first-death-reason": "rejected"}
            assert headers == {**kept, **first}, headers
            assert abs(death.pop("time").timestamp() - time.time()) < 86400
            assert death == {"count": 1, "reason": "rejected", "queue": queue, "exchange": "", "original-expiration": "60000",
                             "routing-keys": [queue, copies]}, death
            assert desk.properties.expiration is None


def deaths_are_counted_by_queue_and_reason():
    with Desk() as desk:
        work, wait = desk.name(), desk.name()
        desk.channel.queue_declare(work, exclusive=True, arguments={
            "x-dead-letter-exchange": "", "x-dead-letter-routing-key": wait})
        desk.channel.queue_declare(wait, exclusive=True, arguments={
            "x-dead-letter-exchange": "", "x-dead-letter-routing-key": work, "x-message-ttl": 10})
        desk.put(work, "again and again")
        for tries in range(4):
            assert desk.until(lambda: desk.depth(work) == 1) is None
            method, properties, _ = desk.channel.basic_get(work)
            deaths = (properties.headers or {}).get("x-death", [])
            wanted = [(wait, "expired", tries), (work, "rejected", tries)] if tries else []
            assert [(d["queue"], d["reason"], d["count"]) for d in deaths] == wanted, deaths
            desk.channel.basic_nack(method.delivery_tag, requeue=False)


def nothing_goes_in_circles_by_itself():
    with Desk() as desk:
        one, two = desk.name(), desk.name()
        for name, other in ((one, two), (two, one)):
            desk.channel.queue_declare(name, exclusive=True, arguments={
                "x-dead-letter-exchange": "", "x-dead-letter-routing-key": other, "x-message-ttl": 20})
        desk.put(one, "x")
        desk.until(lambda: desk.depth(one) + desk.depth(two) == 0)


def rejected_publishes_are_dead_lettered():
    with Desk() as desk:
        dead = desk.queue()
        full = desk.queue(max_length=1, overflow="reject-publish-dlx", dead_letter_exchange="", dead_letter_routing_key=dead)
        desk.put(full, "first")
        try:
            desk.put(full, "second")
            raise AssertionError("a full queue took a message")
        except NackError:
            pass
        assert desk.properties_of(dead).headers["x-death"][0]["reason"] == "maxlen"
        assert desk.take(full) == "first"


def hidden_copies_are_dead_lettered_as_well():
    with Desk() as desk:
        graves = desk.exchange()
        queue = desk.queue(message_ttl=1, dead_letter_exchange=graves)
        source, open_key, hidden_key = desk.exchange(), desk.queue(), desk.queue()
        desk.channel.queue_bind(queue, source, open_key)
        for key in (open_key, hidden_key):
            desk.channel.queue_bind(key, graves, key)
        desk.put(open_key, "x", source, headers={"BCC": [hidden_key], "mine": 1})
        for key in (open_key, hidden_key):
            headers = desk.properties_of(key).headers
            assert headers["mine"] == 1 and "BCC" not in headers, headers
            assert headers["x-death"][0]["routing-keys"] == [open_key], headers


def limited_deliveries():
    with Desk() as desk:
        dead, name = desk.queue(), desk.name()
        desk.channel.queue_declare(name, durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
        desk.put(name, "put back")
        for returns in range(3):
            desk.until(lambda: desk.depth(name) == 1)
            method, properties, _ = desk.channel.basic_get(name)
            assert properties.headers["x-delivery-count"] == returns
            assert method.redelivered == (returns > 0)
            desk.channel.basic_nack(method.delivery_tag, requeue=True)
        assert desk.properties_of(dead).headers["x-death"][0]["reason"] == "delivery_limit"
        desk.put(name, "lost")
        for _ in range(3):
            desk.until(lambda: desk.depth(name) == 1)
            other = connect()
            other.channel().basic_get(name)
            other.close()
        assert desk.properties_of(dead).headers["x-first-death-queue"] == name
        desk.channel.queue_delete(name)


def a_short_life_ends_on_time_behind_a_long_one():
    with Desk() as desk:
        dead = desk.queue()
        queue = desk.queue(dead_letter_exchange="", dead_letter_routing_key=dead)
        begun = time.monotonic()
        desk.put(queue, "long", expiration="60000")
        desk.put(queue, "short", expiration="100")
        assert desk.take(dead, 5) == "short"
        assert 0.09 < time.monotonic() - begun < 1.5
        assert desk.depth(queue) == 1
        held = desk.queue(dead_letter_exchange="", dead_letter_routing_key=dead)
        desk.put(held, "out with a consumer", expiration="50")
        tag = desk.channel.basic_get(held)[0].delivery_tag
        over = time.monotonic() + 0.06
        desk.until(lambda: time.monotonic() > over)
        desk.channel.basic_nack(tag, requeue=True)  # its time is over when it comes back
        assert desk.take(dead, 5) == "out with a consumer"
    refused(406, lambda d: d.put(d.queue(), "x", expiration="99999999999999"), "invalid expiration")


FEATURES = (expiration, dead_letters, deaths_are_told_as_rabbitmq_tells_them, deaths_are_counted_by_queue_and_reason, nothing_goes_in_circles_by_itself, rejected_publishes_are_dead_lettered,
            hidden_copies_are_dead_lettered_as_well, limited_deliveries, a_short_life_ends_on_time_behind_a_long_one,)
