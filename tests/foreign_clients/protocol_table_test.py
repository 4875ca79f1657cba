#!/usr/bin/python3
"""src/amqp/protocol.xml has every method that pika knows, under the same number, with the same fields in the same order:
protocol_table_test.py PROTOCOL_XML. A method of pika's is encoded and read by the table's types."""

import struct
import sys
import xml.etree.ElementTree as xml

import pika.spec

NEWER_THAN_PIKA = {(10, 70), (10, 71)}  # connection.update-secret
SAMPLES = {"octet": 7, "short": 700, "long": 70000, "longlong": 7000000000, "shortstr": "short", "longstr": "long", "bit": True,
           "table": {"a": 1}}


def read(fields, payload):
    """The values of the fields, by the table's types; bits share an octet."""
    at, bit, values = 0, 0, []
    for field in fields:
        kind = field.get("type")
        if kind == "bit":
            if bit % 8 == 0:
                octet, at, bit = payload[at], at + 1, 0
            values.append(bool(octet >> bit & 1))
            bit += 1
            continue
        bit = 0
        if kind in ("shortstr", "longstr", "table"):
            head = ">B" if kind == "shortstr" else ">I"
            size = struct.unpack_from(head, payload, at)[0]
            at += struct.calcsize(head)
            text = payload[at:at + size]
            at += size
            values.append(text if kind == "table" else text.decode())
        else:
            form = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}[kind]
            values.append(struct.unpack_from(form, payload, at)[0])
            at += struct.calcsize(form)
    assert at == len(payload), f"{len(payload) - at} bytes are left"
    return values


def same_fields(method, fields):
    """A pika method whose attributes are samples of the table's types reads back as those samples."""
    made = method()
    names = list(vars(made))
    for field in fields:
        if not field.get("name"):
            continue
        name = field.get("name").replace("-", "_")
        spelling = {"failed_class": "class_id", "failed_method": "method_id", "no_wait": "nowait", "global": "global_qos"}
        name = name if name in names else spelling.get(name, name)
        assert name in names, f"{method.NAME} has no {name}, but {names}"
        setattr(made, name, SAMPLES[field.get("type")])
    values = read(fields, b"".join(made.encode()))
    for field, value in zip(fields, values):
        if field.get("name") and field.get("type") != "table":
            assert value == SAMPLES[field.get("type")], f"{method.NAME}.{field.get('name')}: {value}"


def main():
    table = {}
    for group in xml.parse(sys.argv[1]).getroot():
        for method in group:
            key = int(group.get("index")), int(method.get("index"))
            table[key] = f"{group.get('name')}.{method.get('name')}", method.findall("field")
    known = {divmod(index, 1 << 16): method for index, method in pika.spec.methods.items()}
    assert set(table) == set(known) | NEWER_THAN_PIKA, set(table) ^ (set(known) | NEWER_THAN_PIKA)
    for key, method in known.items():
        name, fields = table[key]
        assert name.replace("-", "").replace(".", "") == method.NAME.replace(".", "").lower(), f"{name} is {method.NAME}"
        try:
            same_fields(method, fields)
        except AssertionError as failure:
            raise AssertionError(f"{name}: {failure}") from failure
    print(f"{len(table)} methods")


if __name__ == "__main__":
    main()
