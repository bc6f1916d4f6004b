#!/usr/bin/env python3
"""Fails when docs/security.md names a test that there is not: a measure without its test."""

import re
import sys

import tree

NAME = re.compile(r"`(\w+)\.(\w+|\*)`")
TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)")


def main():
    top = tree.root()
    tests = {match for path in (top / "tests").rglob("*.cc") for match in TEST.findall(path.read_text())}
    suites = {suite for suite, _ in tests}
    lines = (top / "docs/security.md").read_text().splitlines()
    missing = [f"docs/security.md:{number}: no test is called {suite}.{name}"
               for number, line in enumerate(lines, 1) for suite, name in NAME.findall(line)
               if (name == "*" and suite not in suites) or (name != "*" and (suite, name) not in tests)]
    return tree.report("security", missing)


if __name__ == "__main__":
    sys.exit(main())
