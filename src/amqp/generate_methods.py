#!/usr/bin/env python3
"""Makes methods.hpp and methods.cpp from protocol.xml: generate_methods.py PROTOCOL_XML OUT_DIRECTORY"""

import pathlib
import sys
import xml.etree.ElementTree as xml

# type of the specification: (C++ type, how it is read, how it is written)
TYPES = {
    "octet": ("std::uint8_t", "in.number<std::uint8_t>()", "write_number(out, {})"),
    "short": ("std::uint16_t", "in.number<std::uint16_t>()", "write_number(out, {})"),
    "long": ("std::uint32_t", "in.number<std::uint32_t>()", "write_number(out, {})"),
    "longlong": ("std::uint64_t", "in.number<std::uint64_t>()", "write_number(out, {})"),
    "shortstr": ("std::string_view", "in.short_string()", "write_short_string(out, {})"),
    "longstr": ("std::string_view", "in.long_string()", "write_long_string(out, {})"),
    "table": ("FieldTable", "in.table()", "write_table(out, {})"),
    "bit": ("bool", None, None),
}


def snake(name):
    return name.replace("-", "_")


def pascal(name):
    return "".join(part.capitalize() for part in name.split("-"))


def octets(fields):
    """The fields in order, with runs of bits gathered in lists of at most eight: such a run is one octet."""
    run = []
    for field in fields:
        if field.get("type") == "bit":
            if len(run) == 8:
                yield run
                run = []
            run.append(field)
            continue
        if run:
            yield run
            run = []
        yield field
    if run:
        yield run


def initial(cpp_type):
    return {"std::string_view": " = {}", "FieldTable": " = {}", "bool": " = false"}.get(cpp_type, " = 0")


def struct(class_name, method):
    name = pascal(method.get("name"))
    lines = [f"struct {name} {{"]
    lines.append(f"  static constexpr MethodId id = MethodId::{class_name}_{snake(method.get('name'))};")
    for field in method.findall("field"):
        if field.get("reserved"):
            continue
        cpp_type = TYPES[field.get("type")][0]
        lines.append(f"  {cpp_type} {snake(field.get('name'))}{initial(cpp_type)};")
    lines.append(f"  static {name} read(Reader& in);")
    lines.append("  void write(std::string& out) const;")
    lines.append("};")
    return lines


def reading(method):
    for item in octets(method.findall("field")):
        if isinstance(item, list):
            used = [(bit, field) for bit, field in enumerate(item) if not field.get("reserved")]
            if not used:
                yield "  in.number<std::uint8_t>();"
                continue
            yield f"  const auto bits_{snake(used[0][1].get('name'))} = in.number<std::uint8_t>();"
            for bit, field in used:
                yield f"  method.{snake(field.get('name'))} = (bits_{snake(used[0][1].get('name'))} & {1 << bit}) != 0;"
        elif item.get("reserved"):
            yield f"  {TYPES[item.get('type')][1]};"
        else:
            yield f"  method.{snake(item.get('name'))} = {TYPES[item.get('type')][1]};"


def writing(method):
    for item in octets(method.findall("field")):
        if isinstance(item, list):
            terms = [f"({snake(f.get('name'))} ? {1 << bit} : 0)" for bit, f in enumerate(item) if not f.get("reserved")]
            yield f"  write_number(out, static_cast<std::uint8_t>({' | '.join(terms) or 0}));"
        elif item.get("reserved"):
            cpp_type = TYPES[item.get("type")][0]
            yield f"  {TYPES[item.get('type')][2].format(cpp_type + '{}')};"
        else:
            yield f"  {TYPES[item.get('type')][2].format(snake(item.get('name')))};"


def definitions(class_name, method):
    name = f"{class_name}::{pascal(method.get('name'))}"
    reads, writes = list(reading(method)), list(writing(method))
    body = [f"  {name} method;", *reads, "  return method;"]
    yield f"{name} {name}::read({'Reader& in' if reads else 'Reader&'}) {{"
    yield from body
    yield "}"
    yield f"void {name}::write({'std::string& out' if writes else 'std::string&'}) const {{"
    yield from writes
    yield "}"
    yield ""


def main(source, directory):
    classes = xml.parse(source).getroot().findall("class")
    methods = [(c, m) for c in classes for m in c.findall("method")]

    def method_id(c, m):
        return f"{snake(c.get('name'))}_{snake(m.get('name'))}"

    header = ["// Made from protocol.xml by generate_methods.py; do not edit.", "#pragma once", "",
              "#include <cstdint>", "#include <string>", "#include <string_view>", "", '#include "amqp/wire.hpp"', "",
              "namespace millrace::amqp {", "", "/// Class index in the upper half, method index in the lower.",
              "enum class MethodId : std::uint32_t {"]
    header += [f"  {method_id(c, m)} = {c.get('index')}u << 16 | {m.get('index')}," for c, m in methods]
    header += ["};", "", "/// As in the specification, e.g. basic.publish; empty if there is no such method.",
               "std::string_view name(MethodId id);", "/// Whether a client may send it.", "bool from_client(MethodId id);",
               "/// Whether a server may send it.", "bool from_server(MethodId id);"]
    for c in classes:
        header += ["", f"namespace {snake(c.get('name'))} {{"]
        for m in c.findall("method"):
            header += struct(snake(c.get("name")), m)
        header += [f"}}  // namespace {snake(c.get('name'))}"]
    header += ["", "}  // namespace millrace::amqp", ""]

    code = ["// Made from protocol.xml by generate_methods.py; do not edit.", '#include "amqp/methods.hpp"', "",
            "namespace millrace::amqp {", "", "std::string_view name(MethodId id) {", "  switch (id) {"]
    code += [f'    case MethodId::{method_id(c, m)}: return "{c.get("name")}.{m.get("name")}";' for c, m in methods]
    code += ["  }", "  return {};", "}", ""]
    for who in ("client", "server"):
        code += [f"bool from_{who}(MethodId id) {{", "  switch (id) {"]
        code += [f"    case MethodId::{method_id(c, m)}:" for c, m in methods if m.get("from") in (who, "both")]
        code += ["      return true;", "    default:", "      return false;", "  }", "}", ""]
    for c, m in methods:
        code += definitions(snake(c.get("name")), m)
    code += ["}  // namespace millrace::amqp", ""]

    out = pathlib.Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    (out / "methods.hpp").write_text("\n".join(header))
    (out / "methods.cpp").write_text("\n".join(code))


if __name__ == "__main__":
    main(*sys.argv[1:])
