"""The project's own files: everything below the root but what builds and version control leave there."""

import os
import pathlib
import sys

SKIPPED = {"build", ".git", ".cache", "__pycache__", "node_modules"}


def root():
    """The tree to check: the first argument, or the folder above tests/lint."""
    return pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()


def files(top, *suffixes):
    """Paths of the files with one of `suffixes` (any, when none is given), sorted."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(set(names) - SKIPPED):
            path = pathlib.Path(folder, name)
            if not path.is_symlink() and (not suffixes or path.suffix in suffixes):
                yield path


def report(what, found):
    """Prints the complaints, or that there are none; returns the exit status."""
    print("\n".join(found) if found else f"{what}: clean")
    return 1 if found else 0
