"""Commands in documents are real, and docs/commands.md has every command and option that `--help` shows."""
import re

from tree import Finding

REFERENCE = "docs/commands.md"
_fence = re.compile(r"^\s*(?:```|~~~)")
_inline = re.compile(r"`([^`]+)`")


def check(tree):
    yield from dev_commands(tree)
    if tree.help_of:
        yield from program_commands(tree)
        yield from reference(tree)


def commands_in(tree, path):
    """(line, command) of what stands in code blocks and between backticks."""
    fenced = False
    for number, line in tree.lines(path):
        if _fence.match(line):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield number, line.strip().removeprefix("$ ")
        else:
            for text in _inline.findall(line):
                yield number, text


def dev_commands(tree):
    if "dev" not in tree:
        return
    known = set()
    for names in re.findall(r"^  ([\w| -]+)\)", tree.text("dev"), re.MULTILINE):
        known.update(name.strip() for name in names.split("|"))
    for path in tree.paths(".md"):
        for number, command in commands_in(tree, path):
            match = re.match(r"\./dev(?:\s+([a-z]\S*))?", command)
            if match and match[1] and match[1] not in known:
                yield Finding(path, number, f"./dev has no {match[1]}")


def subcommands(help_text):
    section = re.search(r"^Subcommands:\n((?:  .*\n)+)", help_text, re.MULTILINE)
    return re.findall(r"^  (\S+)", section[1], re.MULTILINE) if section else []


def options(help_text):
    section = re.search(r"^Options:\n((?:  .*\n)+)", help_text, re.MULTILINE)
    found = re.findall(r"(?<=[ ,])--[a-z][a-z-]*", "\n".join(line[:30] for line in section[1].splitlines())) if section else []
    return set(found) - {"--help"}


def program_commands(tree):
    """`millrace a b --option`: words are followed down the help as far as they are commands."""
    for path in tree.paths(".md"):
        if path == "CHANGELOG.md":
            continue
        for number, command in commands_in(tree, path):
            match = re.match(r"(?:\S*/)?millrace\s+(.*)", command)
            if not match or not re.match(r"[a-z-]", match[1]):
                continue
            words, rest = [], match[1].split(" | ")[0].split()
            while rest and subcommands(help_text := tree.help_of(words)):
                if rest[0] not in subcommands(help_text):
                    break
                words.append(rest.pop(0))
            help_text = tree.help_of(words)
            if rest and subcommands(help_text) and re.fullmatch(r"[a-z]+(-[a-z]+)*", rest[0]):
                yield Finding(path, number, f"millrace {' '.join(words)} has no {rest[0]}")
            for option in re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", " ".join(rest)):
                if option not in options(help_text) | {"--help", "--version"}:
                    yield Finding(path, number, f"millrace {' '.join(words)} has no {option}")


def leaves(tree, words=()):
    below = subcommands(tree.help_of(list(words)))
    if not below:
        yield words
    for name in below:
        yield from leaves(tree, (*words, name))


def reference(tree):
    if REFERENCE not in tree:
        yield Finding(REFERENCE, 0, "the reference of the command line is not there")
        return
    text = tree.text(REFERENCE)
    for words in leaves(tree):
        if not words:
            continue
        command = "millrace " + " ".join(words)
        if command not in text:
            yield Finding(REFERENCE, 0, f"{command} is not described")
        for option in sorted(options(tree.help_of(list(words)))):
            if f"`{option}" not in text and f"[{option}" not in text and f" {option}" not in text:
                yield Finding(REFERENCE, 0, f"{option} of {command} is not described")


_help = {"": "Options:\n  --version      x\n\nSubcommands:\n  run      Run\n", "run": "Options:\n  --data DIR    Where\n"}
VIOLATIONS = [
    {"dev": "case $c in\n  test) x ;;\nesac\n", "README.md": "    ./dev tset\n"},
    {"help": _help, "docs/commands.md": "`millrace run --data`\n", "README.md": "`millrace rum`\n"},
    {"help": _help, "docs/commands.md": "`millrace run --data`\n", "README.md": "`millrace run --dta X`\n"},
    {"help": _help, "docs/commands.md": "nothing\n"},
    {"help": _help, "docs/commands.md": "`millrace run`\n"},
    {"help": _help, "README.md": "`millrace run`\n"},
]
FINE = [{"dev": "case $c in\n  test | tests) x ;;\nesac\n", "README.md": "    ./dev test\n`./dev` and `millrace run x --data X`\n",
         "docs/commands.md": "`millrace run` `--data`", "help": _help}]
