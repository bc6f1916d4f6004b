#!/usr/bin/env python3
"""Layers and layouts depend on their content only."""

import io
import json
import pathlib
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import elf  # noqa: E402
from failure import Failure  # noqa: E402
import layout  # noqa: E402
from tree import Tree  # noqa: E402


def small_tree(names):
    tree = Tree()
    for name in names:
        tree.file(name, f"content of {name}")
    tree.hard_link("bin/a-link", "bin/x")
    return tree


class TreeTest(unittest.TestCase):
    def test_gives_the_same_bytes_in_whatever_order_files_were_added(self):
        self.assertEqual(small_tree(["bin/x", "etc/y"]).tar(),
                         small_tree(["etc/y", "bin/x"]).tar())

    def test_puts_hard_links_after_what_they_link_to(self):
        with tarfile.open(fileobj=io.BytesIO(small_tree(["bin/x", "etc/y"]).tar())) as archive:
            self.assertEqual(archive.getnames(), ["bin", "bin/x", "etc", "etc/y", "bin/a-link"])


class LayoutTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name):
        return layout.write(self.folder / name, ["localhost/x:1", "localhost/x:2"],
                            [layout.Layer.of(small_tree(["bin/x"]))], {"Cmd": ["sh"]}, "amd64")

    def test_has_the_same_digest_each_time(self):
        self.assertEqual(self.write("first"), self.write("second"))

    def test_carries_every_name_and_only_blobs_that_match_their_digest(self):
        self.write("image")

        index = json.loads((self.folder / "image/index.json").read_text())
        names = [m["annotations"]["org.opencontainers.image.ref.name"] for m in index["manifests"]]
        self.assertEqual(names, ["localhost/x:1", "localhost/x:2"])
        for blob in (self.folder / "image/blobs/sha256").iterdir():
            self.assertEqual("sha256:" + blob.name, layout.digest(blob.read_bytes()))

    def test_archives_to_the_same_bytes(self):
        self.write("image")
        for name in ("a.tar", "b.tar"):
            layout.archive(self.folder / "image", self.folder / name)

        self.assertEqual((self.folder / "a.tar").read_bytes(), (self.folder / "b.tar").read_bytes())


class ElfTest(unittest.TestCase):
    def test_refuses_what_is_no_program(self):
        with self.assertRaisesRegex(Failure, "not a 64-bit"):
            elf.needed(b"#!/bin/sh\n")


if __name__ == "__main__":
    unittest.main()
