#!/usr/bin/env python3
"""write_docs.py PAGE: puts standard input in place of this bench's part of PAGE."""

import pathlib
import re
import sys

BEGIN, END = "<!-- cni: written by tests/bench/cni -->", "<!-- cni: end -->"
WORDS = """## Network plugin

`trivet-cni` beside the reference plugins and the kernel's own floor: a program that sends the same netlink requests with
nothing around them. One process per operation, as a runtime runs a plugin; every contender takes its turn in each round.
To repeat it: `sudo TRIVET_BENCH_DOCS=1 ./tests/suites/bench cni`.
"""


def main():
    page = pathlib.Path(sys.argv[1])
    text = page.read_text() if page.exists() else "# Benchmarks\n"
    body = f"{BEGIN}\n\n{WORDS}\n{sys.stdin.read().strip()}\n\n{END}"
    if BEGIN in text:
        text = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: body, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n{body}\n"
    page.write_text(text)


if __name__ == "__main__":
    main()
