"""OCI image layouts (image-spec 1.0): a folder with oci-layout, index.json and blobs/sha256."""

import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import tarfile
import time

from tree import MTIME

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(MTIME))


@dataclasses.dataclass
class Layer:
    """A compressed layer and the digest of its uncompressed tar."""

    blob: bytes
    diff_id: str

    @staticmethod
    def of(tree):
        tar = tree.tar()
        return Layer(gzip.compress(tar, 6, mtime=0), digest(tar))


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write(folder, names, layers, config, architecture):
    """Writes a layout with one image under every name of `names`; returns the manifest's digest.

    The folder appears complete or not at all: an older one is replaced last.
    """
    blobs = {digest(layer.blob): layer.blob for layer in layers}

    def put(media_type, data):
        blobs[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    config_descriptor = put(CONFIG, encode({
        "architecture": architecture, "os": "linux", "created": CREATED, "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": CREATED, "created_by": "make-images"} for _ in layers]}))
    manifest = put(MANIFEST, encode({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config_descriptor,
        "layers": [{"mediaType": LAYER, "digest": digest(layer.blob), "size": len(layer.blob)}
                   for layer in layers]}))
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {**manifest, "annotations": {"org.opencontainers.image.ref.name": name}} for name in names]}
    _replace(pathlib.Path(folder), {
        "oci-layout": encode({"imageLayoutVersion": "1.0.0"}), "index.json": encode(index),
        **{"blobs/sha256/" + key.removeprefix("sha256:"): data for key, data in blobs.items()}})
    return manifest["digest"]


def archive(folder, path):
    """Writes the layout in `folder` as one tar, the same bytes for the same layout."""
    folder, new = pathlib.Path(folder), pathlib.Path(f"{path}.new")
    with tarfile.open(new, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            info = tarfile.TarInfo(file.relative_to(folder).as_posix())
            info.size, info.mode, info.mtime = file.stat().st_size, 0o644, MTIME
            with file.open("rb") as stream:
                tar.addfile(info, stream)
    os.replace(new, path)


def _replace(folder, files):
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    for name, data in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
