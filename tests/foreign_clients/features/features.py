#!/usr/bin/python3
"""AMQP 0-9-1 and RabbitMQ's extensions, asked for with pika and byte by byte: features.py URI [FEATURE…]. One function a
feature; each module here is one part of the protocol."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import connections  # noqa: E402
import consuming  # noqa: E402
import dead_letters  # noqa: E402
import publishing  # noqa: E402
import queues  # noqa: E402
import routing  # noqa: E402

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
