#!/usr/bin/env python3
"""Fails on absolute paths of a developer's machine in any file."""

import re
import sys

import tree

# Assembled, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w./}*-])/(" + "|".join(["work" + "/", "root" + r"/\.", "home" + r"/\w+/src"]) + ")")


def main():
    top = tree.root()
    found = []
    for path in tree.files(top):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # not text
        found += [f"{path.relative_to(top)}:{number}: path of one machine: {line.strip()}"
                  for number, line in enumerate(text.splitlines(), 1) if MACHINE_PATH.search(line)]
    return tree.report("words", found)


if __name__ == "__main__":
    sys.exit(main())
