#!/usr/bin/env python3
"""fake_lvm.py FOLDER COMMAND...: lvm(8) as far as trivet-csi uses it, for machines without device-mapper.

A volume group is FOLDER/group.json ({"size": bytes, "extent": bytes, "pools": {name: bytes}}); a logical volume is the
file FOLDER/NAME.lv, its facts are FOLDER/NAME.json. An active one is shown by a loop device, to which /dev/mapper/GROUP-NAME leads.
Snapshots are copies. Every command is written to FOLDER/log. FOLDER/fail holds a command's name and what it says: it
fails so, once. Where the group is named otherwise than FOLDER's last part, it does not exist.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(sys.argv[1])
GROUP = FOLDER.name
MAPPER = pathlib.Path("/dev/mapper")


class Refusal(Exception):
    """Exit status 5 with this text, as lvm's."""


def group():
    return json.loads((FOLDER / "group.json").read_text())


def volumes():
    return {path.stem: json.loads(path.read_text())
            for path in sorted(FOLDER.glob("*.json")) if path.stem != "group"}


def save(name, facts):
    temporary = FOLDER / f".{name}"
    temporary.write_text(json.dumps(facts))
    temporary.rename(FOLDER / f"{name}.json")


def find(path):
    name = path.split("/")[1]
    found = volumes().get(name)
    if found is None and name not in group()["pools"]:
        raise Refusal(f'Failed to find logical volume "{path}"')
    return name, found


def link_of(name):
    return MAPPER / f"{GROUP.replace('-', '--')}-{name.replace('-', '--')}"


def round_up(size):
    extent = group()["extent"]
    return -(-size // extent) * extent


def free_bytes():
    facts = group()
    used = sum(facts["pools"].values()) + sum(v["size"] for v in volumes().values() if not v["pool"])
    return facts["size"] - used


def number(text):
    return int(text.removesuffix("b"))


def resize(name, size):
    with open(FOLDER / f"{name}.lv", "ab") as file:
        file.truncate(size)


def lvcreate(words):
    parser = argparse.ArgumentParser()
    for flag in ("--yes", "--snapshot"):
        parser.add_argument(flag, action="store_true")
    for option in ("--type", "--virtualsize", "--size", "--thinpool", "--setactivationskip", "--name", "--zero",
                   "--wipesignatures"):
        parser.add_argument(option)
    parser.add_argument("--addtag", action="append", default=[])
    parser.add_argument("where")
    given = parser.parse_args(words)
    if given.name in volumes():
        raise Refusal(f'Logical Volume "{given.name}" already exists in volume group "{GROUP}"')
    facts = {"tags": given.addtag, "pool": given.thinpool or "", "id": 1 + len(volumes())}
    image = FOLDER / f"{given.name}.lv"
    image.unlink(missing_ok=True)
    if given.snapshot:
        source, source_facts = find(given.where)
        facts |= {"size": source_facts["size"], "pool": source_facts["pool"]}
        subprocess.run(["sync"], check=True)
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", FOLDER / f"{source}.lv", image], check=True)
    else:
        facts["size"] = round_up(number(given.virtualsize or given.size))
        if not given.thinpool and facts["size"] > free_bytes():
            raise Refusal(f'Volume group "{GROUP}" has insufficient free space')
        image.touch()
        if not given.thinpool:  # what was there before is still there
            image.write_bytes(b"old secret " * 4096)
        resize(given.name, facts["size"])
    save(given.name, facts)


def activate(name):
    if link_of(name).is_symlink():
        return
    made = subprocess.run(["losetup", "--find", "--show", "--sector-size", "4096", FOLDER / f"{name}.lv"],
                          check=True, capture_output=True, text=True)
    link_of(name).symlink_to(made.stdout.strip())


def deactivate(name):
    if not link_of(name).is_symlink():
        return
    device = os.readlink(link_of(name))
    if any(line.split()[2] == device_number(device) for line in open("/proc/self/mountinfo", encoding="utf-8")):
        raise Refusal(f"Logical volume {GROUP}/{name} contains a filesystem in use.")
    subprocess.run(["losetup", "--detach", device], check=True)
    link_of(name).unlink()


def device_number(device):
    number_of = os.stat(device).st_rdev
    return f"{os.major(number_of)}:{os.minor(number_of)}"


def lvchange(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--ignoreactivationskip", action="store_true")
    parser.add_argument("--activate")
    parser.add_argument("--deltag")
    parser.add_argument("where")
    given = parser.parse_args(words)
    name, facts = find(given.where)
    if facts is None:
        return
    if given.deltag:
        facts["tags"] = [tag for tag in facts["tags"] if tag != given.deltag]
        save(name, facts)
    elif given.activate == "n":
        deactivate(name)
    elif given.ignoreactivationskip:
        activate(name)


def lvextend(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--size")
    parser.add_argument("where")
    given = parser.parse_args(words)
    name, facts = find(given.where)
    size = round_up(number(given.size))
    if size <= facts["size"]:
        raise Refusal("New size matches existing size.")
    if not facts["pool"] and size - facts["size"] > free_bytes():
        raise Refusal("Insufficient free space")
    facts["size"] = size
    resize(name, size)
    save(name, facts)
    if link_of(name).is_symlink():
        subprocess.run(["losetup", "--set-capacity", os.readlink(link_of(name))], check=True)


def lvremove(words):
    name, facts = find(words[-1])
    deactivate(name)
    if not facts["pool"]:
        data = (FOLDER / f"{name}.lv").read_bytes()
        note(f"{name} is left {'empty' if data.count(0) == len(data) else 'with data'}")
    (FOLDER / f"{name}.json").unlink()
    (FOLDER / f"{name}.lv").unlink()


def row_of_pool(name, size):
    return {"lv_name": name, "lv_size": str(size), "lv_tags": "", "lv_attr": "twi-aotz--", "pool_lv": "",
            "data_percent": "0.00", "metadata_percent": "10.00", "thin_id": "", "zero": "zero"}


def row_of_volume(name, facts):
    thin = bool(facts["pool"])
    return {"lv_name": name, "lv_size": str(facts["size"]), "lv_tags": ",".join(facts["tags"]),
            "lv_attr": "Vwi---tz-k" if thin else "-wi------k", "pool_lv": facts["pool"], "data_percent": "",
            "metadata_percent": "", "thin_id": str(facts["id"]) if thin else "", "zero": "zero" if thin else "unknown"}


def lvs(_):
    rows = [row_of_pool(*item) for item in group()["pools"].items()]
    rows += [row_of_volume(*item) for item in volumes().items()]
    print(json.dumps({"report": [{"lv": rows}]}))


def vgs(_):
    facts = group()
    print(json.dumps({"report": [{"vg": [{
        "vg_name": GROUP, "vg_size": str(facts["size"]), "vg_free": str(free_bytes()),
        "vg_extent_size": str(facts["extent"])}]}]}))


def note(text):
    with open(FOLDER / "log", "a", encoding="utf-8") as log:
        log.write(text + "\n")


def fail_once(command):
    order = FOLDER / "fail"
    if not order.exists():
        return
    name, _, text = order.read_text().partition(" ")
    if name == command:
        order.unlink()
        raise Refusal(text)


def main():
    command, words = sys.argv[2], sys.argv[3:]
    note(" ".join([command, *words]))
    try:
        fail_once(command)
        if command in ("vgs", "lvs") and words[-1] != GROUP:
            raise Refusal(f'Volume group "{words[-1]}" not found')
        {"lvs": lvs, "vgs": vgs, "lvcreate": lvcreate, "lvchange": lvchange, "lvextend": lvextend,
         "lvremove": lvremove}[command](words)
    except Refusal as refusal:
        print(f"  {refusal}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
