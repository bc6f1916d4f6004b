#!/usr/bin/env python3
"""Fails on a range-for over a member of what a smart pointer that a call returned points to.

`for (auto& x : store.Get()->items)`: before C++23's P2718, which GCC 12 does not have, the pointer is
gone before the first round, and with it perhaps the items. No warning of GCC's finds it.
"""

import re
import sys

import tree

RANGE = re.compile(r"\bfor \([^;{}]*[^:]:[^:][^;{}]*\)\s*->\s*\w+\)\s")


def main():
    top = tree.root()
    found = [f"{path.relative_to(top)}:{path.read_text()[:match.start()].count(chr(10)) + 1}: name the pointer first"
             for path in tree.files(top, ".cc", ".h") for match in RANGE.finditer(path.read_text())]
    return tree.report("ranges", found)


if __name__ == "__main__":
    sys.exit(main())
