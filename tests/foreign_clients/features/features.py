#!/usr/bin/python3
"""AMQP 0-9-1 and RabbitMQ's extensions, asked for with pika and byte by byte: features.py URI [FEATURE…]. One function a
feature; each module here is one part of the protocol."""

import sys

import connections
import consuming
import dead_letters
import publishing
import queues
import routing

MODULES = (routing, queues, dead_letters, consuming, publishing, connections)


def main():
    wanted = sys.argv[2:]
    known = {feature.__name__: feature for module in MODULES for feature in module.FEATURES}
    for name in wanted or known:
        try:
            known[name]()
        except BaseException:
            print(f"feature: {name}", file=sys.stderr)
            raise


if __name__ == "__main__":
    main()
