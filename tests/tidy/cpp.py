"""C++ as text, as far as the rules need it."""
import re

_comment_or_literal = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s"]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)
_include = re.compile(r'^\s*#\s*include\s+(?:"(?P<own>[^"]+)"|<(?P<system>[^>]+)>)')


def code(text, comments=False):
    """The text with literals empty and comments gone (or kept); every line keeps its number."""
    def blank(match):
        whole = match[0]
        lines = "\n" * whole.count("\n")
        if whole.startswith("/"):
            return whole if comments else lines
        return '""' + lines
    return _comment_or_literal.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def own_includes(tree, path):
    """(line, "folder/file.hpp") of each include in quotes."""
    for number, line in tree.lines(path):
        match = _include.match(line)
        if match and match["own"]:
            yield number, match["own"]


def system_includes(tree, path):
    for number, line in tree.lines(path):
        match = _include.match(line)
        if match and match["system"]:
            yield number, match["system"]
