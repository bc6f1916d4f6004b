#!/usr/bin/env python3
"""Fails when a script does not parse: bash and sh by their own -n, Python by its compiler."""

import subprocess
import sys

import tree


def complaint(path, text):
    first_line = text.partition(b"\n")[0]
    if path.suffix == ".py" or b"python3" in first_line:
        try:
            compile(text, path, "exec")
        except SyntaxError as error:
            return str(error)
    elif first_line.startswith(b"#!") and first_line.endswith((b"bash", b"sh", b"bash -e", b"sh -e")):
        shell = "bash" if b"bash" in first_line else "sh"
        return subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False).stderr
    return ""


def main():
    top = tree.root()
    found = []
    for path in tree.files(top):
        text = path.read_bytes()
        if path.suffix == ".py" or text.startswith(b"#!"):
            message = complaint(path, text)
            if message:
                found.append(f"{path.relative_to(top)}: {message.strip()}")
    return tree.report("scripts", found)


if __name__ == "__main__":
    sys.exit(main())
