#!/usr/bin/env python3
"""check_sources.py ROOT DATABASE: fails when a .cc file is built by nothing, or keeps Go from building its folder.

DATABASE is the compile_commands.json of a configured build: what CMake knows, however it was listed.
"""

import json
import pathlib
import re
import sys

import tree


def sources(file):
    """The file itself, or what a unity source that CMake wrote (presets with CMAKE_UNITY_BUILD) includes."""
    if file.parent.name != "Unity":
        return {file.resolve()}
    return {pathlib.Path(name).resolve() for name in re.findall(r'^#include "(.+)"$', file.read_text(), re.MULTILINE)}


def main():
    top, database = tree.root(), pathlib.Path(sys.argv[2])
    entries = json.loads(database.read_text())
    built = set().union(*(sources(pathlib.Path(entry["directory"], entry["file"])) for entry in entries))
    found = [f"{path.relative_to(top)}: built by no target" for path in tree.files(top, ".cc") if path not in built]
    go_folders = {path.parent for path in tree.files(top, ".go")}
    found += [f"{path.relative_to(top)}: Go builds no package with C++ in its folder"
              for path in tree.files(top, ".cc") if path.parent in go_folders]
    return tree.report("source lists", found)


if __name__ == "__main__":
    sys.exit(main())
