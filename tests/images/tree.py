"""A file tree in memory, written as a tar stream that depends on its content only."""

import io
import pathlib
import tarfile

# Every entry carries this time: 2024-01-01T00:00:00Z.
MTIME = 1704067200


class Tree:
    """Paths (relative, no leading slash) with what is there. Parents are made as they are needed."""

    def __init__(self):
        self._entries = {}

    def directory(self, path, mode=0o755, uid=0, gid=0):
        self._add(path, tarfile.DIRTYPE, mode, uid, gid)

    def file(self, path, data, mode=0o644, uid=0, gid=0):
        data = data.encode() if isinstance(data, str) else data
        self._add(path, tarfile.REGTYPE, mode, uid, gid, data=data)

    def symlink(self, path, target):
        self._add(path, tarfile.SYMTYPE, 0o777, 0, 0, target=target)

    def hard_link(self, path, target):
        """`target` is a path of this tree."""
        self._add(path, tarfile.LNKTYPE, self._entries[target][0].mode, 0, 0, target=target)

    def __contains__(self, path):
        return path in self._entries

    def tar(self):
        """The bytes of an uncompressed tar: sorted, hard links after what they link to."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(self._entries, key=self._order):
                info, data = self._entries[path]
                archive.addfile(info, io.BytesIO(data))
        return stream.getvalue()

    def extract(self, folder):
        """Writes the regular files under `folder`, with their modes."""
        for path, (info, data) in self._entries.items():
            if info.isreg():
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
                file.chmod(info.mode)

    def _order(self, path):
        return (self._entries[path][0].islnk(), path)

    def _add(self, path, kind, mode, uid, gid, data=b"", target=""):
        parent = path.rpartition("/")[0]
        if parent and parent not in self._entries:
            self.directory(parent)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.uid, info.gid = kind, mode, uid, gid
        info.size, info.linkname, info.mtime = len(data), target, MTIME
        self._entries[path] = (info, data)
