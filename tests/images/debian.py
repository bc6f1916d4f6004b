"""Debian packages as read-only file trees: fetched once, verified, never installed."""

import hashlib
import io
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

import elf
from failure import Failure

# One line of `apt-get download --print-uris`: 'URI' file-name size SHA256:digest
URI_LINE = re.compile(r"^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})$", re.MULTILINE)


def run(*command, cwd=None):
    """Standard output of `command`; Failure with its last line of complaint."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError as error:
        raise Failure(f"run {command[0]}: not installed") from error
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Failure(f"run {' '.join(command[:3])}: {complaint[-1]}")
    return done.stdout


def apt_get_download(*arguments, folder):
    # As root apt would fetch as user _apt, who may not write in our folders.
    return run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *arguments, cwd=folder)


class Packages:
    """The newest packages that this machine's apt knows, kept as .deb files in `cache`."""

    def __init__(self, cache):
        self._cache = pathlib.Path(cache)
        self._cache.mkdir(parents=True, exist_ok=True)

    def open(self, *names):
        """`Contents` of the packages `names` together."""
        wanted = self._list(names)
        if len(wanted) != len(names):
            raise Failure(f"find packages {' '.join(names)}: apt lists {len(wanted)}; run apt-get update")
        if any(self._digest(file) != digest for file, _, digest in wanted):
            apt_get_download(*names, folder=self._cache)
        for file, _, digest in wanted:
            if self._digest(file) != digest:
                raise Failure(f"fetch {file}: digest differs from apt's list")
        return Contents([self._cache / file for file, _, _ in wanted])

    @staticmethod
    def _list(names):
        # In an empty folder: apt leaves out of the list what it finds there.
        with tempfile.TemporaryDirectory() as empty:
            return URI_LINE.findall(apt_get_download("--print-uris", *names, folder=empty).decode())

    def _digest(self, file):
        path = self._cache / file
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


class Contents:
    """What is in some packages, by path without a leading slash or dot."""

    def __init__(self, debs):
        self._files = {}
        for deb in debs:
            stream = io.BytesIO(run("dpkg-deb", "--fsys-tarfile", str(deb)))
            with tarfile.open(fileobj=stream) as archive:
                for info in archive:
                    data = archive.extractfile(info).read() if info.isreg() else b""
                    self._files[info.name.removeprefix("./").rstrip("/")] = (info, data)

    def copy(self, path, tree):
        """Copies `path`, and what it links to, into `tree`."""
        info, data = self._entry(path)
        if info.issym():
            tree.symlink(path, info.linkname)
            self.copy(self._resolve(path, info.linkname), tree)
        elif path not in tree:
            tree.file(path, data, info.mode)

    def copy_program(self, path, tree):
        """Copies a program with its loader and the shared libraries that it needs."""
        self.copy(path, tree)
        for name in elf.needed(self.data(path)):
            library = name.lstrip("/") if name.startswith("/") else self.library(name)
            if library not in tree:
                self.copy_program(library, tree)

    def library(self, name):
        """The path of the shared library `name`."""
        for path in sorted(self._files):
            if re.fullmatch(r"(usr/)?lib(64|/[^/]+-linux-gnu)?/" + re.escape(name), path):
                return path
        raise Failure(f"find library {name}: in none of the packages")

    def data(self, path):
        """The bytes of `path`, or of what it links to."""
        info, data = self._entry(path)
        return self.data(self._resolve(path, info.linkname)) if info.issym() else data

    def _entry(self, path):
        if path not in self._files:
            raise Failure(f"find {path}: in none of the packages")
        return self._files[path]

    @staticmethod
    def _resolve(path, target):
        return os.path.normpath(os.path.join("/", os.path.dirname(path), target)).lstrip("/")
