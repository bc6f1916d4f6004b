#!/usr/bin/env python3
"""Prints what a sandbox's time went into, from the daemons' logs on standard input."""

import re
import sys

PATTERNS = (
    (re.compile(r"sandbox is up pod=(?P<pod>\S+) .*shim_ms=(?P<ms>\S+)"), "shim started"),
    (re.compile(r"sandbox is up pod=(?P<pod>\S+) .*cni_add_ms=(?P<ms>\S+)"), "CNI ADD"),
    (re.compile(r" ADD .*pod=(?P<pod>\S+) .*ms=(?P<ms>\S+)"), "policy in force"),
)


def main():
    parts = [(match["pod"], title, float(match["ms"]))
             for line in sys.stdin for pattern, title in PATTERNS if (match := pattern.search(line))]
    for pod, title, milliseconds in sorted(parts, key=lambda part: part[0]):
        print(f"{milliseconds:8.1f} ms  {title} {pod}")


if __name__ == "__main__":
    main()
