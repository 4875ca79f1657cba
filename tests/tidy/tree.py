"""The repository as the rules see it: its files by path, and what the program's `--help` says."""
import dataclasses
import pathlib
import subprocess


@dataclasses.dataclass(frozen=True)
class Finding:
    """One place that breaks a rule; a warning is printed and does not fail."""
    path: str
    line: int  # from 1; 0: the file as a whole
    text: str
    warning: bool = False

    def __str__(self):
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.text}"


class Tree:
    """Files by path from the root with `/`. `help_of(words)` gives the text of `millrace WORDS --help`, None without a program."""

    def __init__(self, files, help_of=None, root=None):
        self._files = files
        self.help_of = help_of
        self.root = root  # None: the files are not on disk

    def paths(self, *suffixes, under=()):
        """Paths with one of the suffixes, below one of the folders; all if none is named."""
        for path in sorted(self._files):
            if suffixes and not path.endswith(suffixes):
                continue
            if not under or path.startswith(tuple(folder + "/" for folder in under)):
                yield path

    def __contains__(self, path):
        return path in self._files

    def text(self, path):
        """What the file holds; "" for one that is not UTF-8."""
        text = self._files[path]
        if text is None:
            try:
                text = (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                text = ""
            self._files[path] = text
        return text

    def lines(self, path):
        return enumerate(self.text(path).splitlines(), 1)


def repository(root, program):
    """The files that git knows or would add, read when asked for."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            capture_output=True, text=True, check=True).stdout
    root = pathlib.Path(root)
    files = {path: None for path in listed.split("\0") if path and (root / path).is_file()}

    def help_of(words):
        return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, timeout=20).stdout

    return Tree(files, help_of if program else None, root)
