#!/usr/bin/env python3
"""Millrace's rules for its own repository, each one file in rules/. Before a rule judges the repository it must find what
is wrong with its own samples (VIOLATIONS) and nothing wrong with others (FINE).

Usage: tidy.py [RULE…]   MILLRACE names the program that the rules about the command line ask; without it they are left out."""
import importlib
import os
import pathlib
import sys

from tree import Tree, repository

HERE = pathlib.Path(__file__).resolve().parent


def help_in(sample):
    """A sample may hold `help` texts, by the words of the command."""
    texts = sample.get("help")
    return None if texts is None else lambda words: texts[" ".join(words)]


def failed_samples(name, rule):
    """What the rule itself has wrong."""
    def findings(sample):
        files = {path: text for path, text in sample.items() if path != "help"}
        return [finding for finding in rule.check(Tree(files, help_in(sample))) if not finding.warning]
    for number, sample in enumerate(rule.VIOLATIONS, 1):
        if not findings(sample):
            yield f"rule {name} does not see what is wrong with its violation {number}"
    for number, sample in enumerate(rule.FINE, 1):
        for finding in findings(sample):
            yield f"rule {name} finds fault with its fine sample {number}: {finding}"
    if not rule.VIOLATIONS:
        yield f"rule {name} has no sample that breaks it"


def main():
    names = sys.argv[1:] or sorted(path.stem for path in (HERE / "rules").glob("*.py"))
    tree = repository(HERE.parent.parent, os.environ.get("MILLRACE"))
    faults = 0
    for name in names:
        rule = importlib.import_module(f"rules.{name}")
        if reason := getattr(rule, "LEFT_OUT", None):
            print(f"rule {name} is left out: {reason}")
            continue
        for fault in failed_samples(name, rule):
            faults += 1
            print(fault)
        for finding in rule.check(tree):
            faults += not finding.warning
            print(f"{finding} [{'warning: ' if finding.warning else ''}{name}]")
    print(f"tidy: {len(names)} rules, {faults} faults" + ("" if tree.help_of else " (without the program: MILLRACE is not set)"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
