#!/usr/bin/env python3
"""Says what a run of quickstart left behind: leaks.py remember-host|host|remember-files|files.

The remember- forms write down how it is; the others compare with that, print each difference, and
exit with 1 if there is one. All in the network and mount namespace they are called in.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

# Left on purpose: what the daemons wrote about themselves, and the place where an address
# allocation goes on (the reference's host-local layout).
NOT_A_LEAK = {"boot_id", "last_reserved_ip.0", "last_reserved_ip.1", "lock"}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def lines(kind, texts):
    return {f"{kind}: {text}" for text in texts}


def mounts(_):
    # Without the ids, which differ from look to look.
    rows = (line.split(" ") for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines())
    return lines("mount", (" ".join(row[3:5]) for row in rows))


def network(_):
    found = set()
    for kind, command in (("link", "link"), ("address", "addr"), ("route", "route"), ("route6", "-6 route")):
        for row in json.loads(output("ip", "-j", *command.split()) or "[]"):
            addresses = [a["local"] for a in row.get("addr_info", [])]
            found.add(f"{kind}: {row.get('ifname', '')} {row.get('dst', '')} {' '.join(addresses)}")
    return found


def rules(_):
    return lines("nftables", output("nft", "list", "ruleset").splitlines())


def loop_devices(arguments):
    devices = pathlib.Path("/sys/block").glob("loop*/loop/backing_file")
    files = {device.parent.parent.name: device.read_text().strip() for device in devices}
    return {f"loop device: {name} {file}" for name, file in files.items() if file.startswith(arguments.state + "/")}


def cgroups(arguments):
    top = pathlib.Path("/sys/fs/cgroup")
    roots = [top, *(entry for entry in top.iterdir() if entry.is_dir() and not entry.is_symlink())]
    found = (root / arguments.cgroup.lstrip("/") for root in roots)
    return lines("cgroup", (str(group) for group in found if group.is_dir()))


def ancestors():
    pid = os.getpid()
    while pid > 1:
        yield pid
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def processes(_):
    """Every process but our own line that lives in our namespaces or in one that we can name."""
    own, found = set(ancestors()), set()
    namespaces = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "net")]
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        try:
            there = [os.readlink(entry / "ns" / kind) for kind in ("mnt", "net")]
            program = os.readlink(entry / "exe")
        except OSError:
            continue  # it ended, or is a kernel thread
        if any(a == b for a, b in zip(there, namespaces)) or os.path.basename(program) == "trivet-shim":
            found.add(f"process: {entry.name} {program}")
    return found


def host(arguments):
    return set().union(*(look(arguments) for look in (mounts, network, rules, loop_devices, cgroups, processes)))


def files(arguments):
    state = pathlib.Path(arguments.state)
    skipped = {state / "log", state / "manifests", state / "cni/locks"}
    found = set()
    for folder, folders, names in os.walk(state):
        folders[:] = [name for name in folders if pathlib.Path(folder, name) not in skipped]
        found |= {f"file: {pathlib.Path(folder, name)}" for name in names if name not in NOT_A_LEAK}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["remember-host", "host", "remember-files", "files"])
    parser.add_argument("--state", required=True)
    parser.add_argument("--cgroup", required=True)
    arguments = parser.parse_args()
    remember, _, kind = arguments.action.rpartition("-")
    there = {"host": host, "files": files}[kind](arguments)
    memory = pathlib.Path(arguments.state, "log", f"{kind}-before")
    if remember:
        memory.write_text("\n".join(sorted(there)))
        return 0
    # A quickstart that was killed early had nothing to remember yet.
    before = set(memory.read_text().splitlines()) if memory.exists() else there
    for leak in sorted(there - before):
        print(f"       left: {leak}")
    for loss in sorted(before - there):
        print(f"       gone: {loss}")
    return int(there != before)


if __name__ == "__main__":
    sys.exit(main())
