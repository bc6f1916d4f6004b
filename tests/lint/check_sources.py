#!/usr/bin/env python3
"""check_sources.py ROOT DATABASE: fails when a .cc file is built by nothing.

DATABASE is the compile_commands.json of a configured build: what CMake knows, however it was listed.
"""

import json
import pathlib
import sys

import tree


def main():
    top, database = tree.root(), pathlib.Path(sys.argv[2])
    built = {pathlib.Path(entry["directory"], entry["file"]).resolve() for entry in json.loads(database.read_text())}
    found = [f"{path.relative_to(top)}: built by no target" for path in tree.files(top, ".cc") if path not in built]
    return tree.report("source lists", found)


if __name__ == "__main__":
    sys.exit(main())
