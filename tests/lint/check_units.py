#!/usr/bin/env python3
"""check_units.py ROOT: fails when a unit of packaging/systemd would take pods down with a daemon, or systemd does not understand it.

What systemd itself says about a unit is asked for where its program is there.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tree

# What a unit must say, and what it must not say, as regular expressions for lines.
WANTED = {
    "trivet-cri": ["KillMode=process", "Delegate=yes", "Type=notify", "Restart=always", r"ExecReload=.*HUP.*"],
    "trivet-csi": ["Restart=always"],
    "trivet-netpolicy": ["RuntimeDirectoryPreserve=yes", "Type=notify", "Restart=always", r"Before=.*trivet-cri\.service.*"],
}
# A mount namespace of its own keeps the kubelet from what is mounted; a RuntimeDirectory goes with the daemon.
UNWANTED = {
    "trivet-cri": ["RuntimeDirectory=.*", "Private.*", "Protect.*", "ReadWritePaths=.*", "MountFlags=.*"],
    "trivet-csi": ["RuntimeDirectory=.*", "Private.*", "Protect.*", "ReadWritePaths=.*", "MountFlags=.*"],
    "trivet-netpolicy": [],
}


def complaints(name, text):
    lines = text.splitlines()

    def says(pattern):
        return any(re.fullmatch(pattern, line) for line in lines)

    yield from (f"no {pattern}" for pattern in WANTED[name] if not says(pattern))
    yield from (f"{pattern} is not for it" for pattern in UNWANTED[name] if says(pattern))
    if f"ExecStart=@CMAKE_INSTALL_FULL_BINDIR@/{name}" not in lines:
        yield "does not start its program where it is installed"


def systemd_complaints(name, text):
    """Of systemd-analyze, with a program that is there in place of ours."""
    if shutil.which("systemd-analyze") is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder, f"{name}.service")
        unit.write_text(re.sub(r"(?m)^(ExecStart|ExecStartPre|ExecReload)=.*", r"\1=/bin/true", text))
        command = ["systemd-analyze", "verify", "--man=no", unit]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        return [line.replace(f"{folder}/", "") for line in said.splitlines() if f"{name}.service:" in line]


def main():
    folder = tree.root() / "packaging/systemd"
    units = {path.name.removesuffix(".service.in"): path.read_text() for path in sorted(folder.glob("*.service.in"))}
    found = [f"packaging/systemd: no {name}.service.in" for name in sorted(WANTED.keys() - units.keys())]
    for name in sorted(WANTED.keys() & units.keys()):
        found += [f"packaging/systemd/{name}.service.in: {complaint}"
                  for complaint in [*complaints(name, units[name]), *systemd_complaints(name, units[name])]]
    return tree.report("systemd units", found)


if __name__ == "__main__":
    sys.exit(main())
