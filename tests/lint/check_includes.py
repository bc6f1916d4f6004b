#!/usr/bin/env python3
"""Fails when a file includes what its folder may not: arrows point one way (CONTRIBUTING.md)."""

import pathlib
import re
import sys

# folder -> folders of ours it may include (itself always)
ALLOWED = {
    "common/base": [],
    "common/linux": ["common/base"],
    "common/rpc": ["common/base", "common/linux"],
    "common/manifest": ["common/base", "common/linux"],
    "proto/cri": [],
    "proto/csi": [],
    "proto/trivet": ["common/base"],
    "shim": ["common/base", "common/linux", "proto/trivet"],
    "cni": ["common/base", "common/linux", "proto/trivet"],
    "netpolicy": ["common/base", "common/linux", "common/manifest", "proto/trivet"],
    "csi": ["common/base", "common/linux", "common/rpc", "proto/csi"],
    "cri-runtime": ["common/base", "common/linux", "common/rpc", "common/manifest", "proto/cri",
                    "proto/trivet"],
    "ctl": ["common/base", "common/linux", "common/rpc", "common/manifest", "proto/cri", "proto/csi",
            "proto/trivet"],
}
# heavy libraries that must stay out of the small programs and of base and linux
SMALL = ["common/base", "common/linux", "proto/trivet", "shim", "cni"]
HEAVY = re.compile(r"<(grpc|google/protobuf|absl|spdlog|CLI/|boost/|curl/)")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|(<[^>]+>))')


def folder_of(path):
    parts = path.split("/")
    two = "/".join(parts[:2])
    return two if two in ALLOWED else parts[0]


def complaints(root, file):
    name = file.relative_to(root).as_posix()
    folder = folder_of(name)
    if folder not in ALLOWED:
        return
    allowed = [folder] + ALLOWED[folder]
    for number, line in enumerate(file.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        ours, system = match.groups()
        if ours and folder_of(ours) not in allowed:
            yield f"{name}:{number}: {folder} may not include {ours}"
        if system and folder in SMALL and HEAVY.match(system):
            yield f"{name}:{number}: {folder} must stay small: {system}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = []
    for top in sorted({name.split("/")[0] for name in ALLOWED}):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in (".h", ".cc"):
                found += complaints(root, file)
    print("\n".join(found) if found else "include directions: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
