#!/usr/bin/env python3
"""make-images on this machine's Debian packages: the same digests twice, and one clear error."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

MAKE_IMAGES = pathlib.Path(__file__).resolve().parent / "make-images"
CACHE = os.environ.get("TRIVET_IMAGE_CACHE", "")


def make_images(output, *arguments):
    return subprocess.run([sys.executable, MAKE_IMAGES, "--output", output, *arguments],
                          capture_output=True, text=True, check=False)


class MakeImagesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cache = CACHE or self.folder / "packages"

    def archives(self, name):
        made = make_images(self.folder / name, "--archive", "--cache", self.cache)
        self.assertEqual(made.returncode, 0, made.stderr)
        return {file.name: file.read_bytes() for file in (self.folder / name).glob("*.tar")}

    def test_makes_the_same_images_twice(self):
        first = self.archives("first")

        self.assertIn("busybox.tar", first)
        self.assertIn("nginx.tar", first)
        self.assertTrue(first == self.archives("second"), "the archives of two runs differ")

    def test_names_the_image_that_it_does_not_know(self):
        made = make_images(self.folder / "out", "no-such-image")

        self.assertNotEqual(made.returncode, 0)
        self.assertIn("no image called no-such-image", made.stderr)


if __name__ == "__main__":
    unittest.main()
