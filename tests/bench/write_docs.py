#!/usr/bin/env python3
"""write_docs.py PAGE BENCH: puts standard input in place of the part of PAGE that tests/bench/BENCH has written before."""

import pathlib
import re
import sys


def put(page, bench, words):
    begin, end = f"<!-- {bench}: written by tests/bench/{bench} -->", f"<!-- {bench}: end -->"
    text = page.read_text() if page.exists() else "# Benchmarks\n"
    body = f"{begin}\n\n{words.strip()}\n\n{end}"
    if begin in text:
        text = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: body, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n{body}\n"
    page.write_text(text)


def main():
    put(pathlib.Path(sys.argv[1]), sys.argv[2], sys.stdin.read())


if __name__ == "__main__":
    main()
