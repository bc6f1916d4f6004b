#!/usr/bin/env python3
"""Fails when a .cc file is in no CMakeLists.txt: it would be compiled, tested and linted nowhere."""

import sys

import tree


def is_listed(path, top):
    """Whether a CMakeLists.txt beside `path` or above names it, relative to itself."""
    for folder in path.parents:
        lists = folder / "CMakeLists.txt"
        if lists.exists() and path.relative_to(folder).as_posix() in lists.read_text().split():
            return True
        if folder == top:
            return False
    return False


def main():
    top = tree.root()
    found = [f"{path.relative_to(top)}: in no CMakeLists.txt"
             for path in tree.files(top, ".cc") if not is_listed(path, top)]
    return tree.report("source lists", found)


if __name__ == "__main__":
    sys.exit(main())
