#!/usr/bin/env python3
"""Fails when clang-format-19 would write a C++ file differently, or when it is not installed."""

import shutil
import subprocess
import sys

import tree


def main():
    if shutil.which("clang-format-19") is None:
        return tree.report("format", ["clang-format-19 is not installed"])
    sources = [str(path) for path in tree.files(tree.root(), ".cc", ".h")]
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *sources],
                          capture_output=True, text=True, check=False)
    return tree.report("format", [line for line in done.stderr.splitlines() if ": error: " in line])


if __name__ == "__main__":
    sys.exit(main())
