#!/usr/bin/env python3
"""The real cnitool drives trivet-cni. Root; namespaces of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(os.environ["TRIVET_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["TRIVET_SOURCE_DIR"])
CNITOOL = pathlib.Path(os.environ.get("TRIVET_CONFORMANCE_DIR", "")) / "cnitool"


def ip(*arguments):
    done = subprocess.run(["ip", "-j", *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout or "[]")


class Cnitool(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "needs root")
        self.assertTrue(CNITOOL.is_file(), "TRIVET_CONFORMANCE_DIR has no cnitool: tests/conformance/build-tools")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trivet-cnitool-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "bin").mkdir()
        for plugin in ("bridge", "host-local", "portmap", "bandwidth", "firewall", "tuning"):
            (self.folder / "bin" / plugin).symlink_to(BIN / "trivet-cni")
        self.write_list()
        subprocess.run(["ip", "netns", "add", "pod"], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", "pod"], check=True)
        self.before = self.links()

    # The list that is installed, with the folders of this test.
    def write_list(self):
        conflist = json.loads((SOURCE / "packaging/cni/10-trivet.conflist").read_text())
        for plugin in conflist["plugins"]:
            plugin["stateDir"] = str(self.folder / "state")
        plugin = conflist["plugins"][0]
        plugin["ephemeralBridge"] = True
        plugin["ipam"]["dataDir"] = str(self.folder / "ipam")
        (self.folder / "10.conflist").write_text(json.dumps(conflist))

    def links(self):
        return {link["ifname"] for link in ip("link")}

    def leases(self):
        return sorted(file.name for file in (self.folder / "ipam/trivet").glob("*[.:]*") if "reserved" not in file.name)

    # More types behind the bridge, each with this test's state.
    def chain(self, *plugins):
        file = self.folder / "10.conflist"
        conflist = json.loads(file.read_text())
        conflist["plugins"] += [{"stateDir": str(self.folder / "state")} | plugin for plugin in plugins]
        file.write_text(json.dumps(conflist))

    def cnitool(self, verb, status=0, **variables):
        # Its answers are kept below /var/lib/cni, which is this test's own.
        environment = os.environ | {"CNI_PATH": str(self.folder / "bin"), "NETCONFPATH": str(self.folder)} | variables
        done = subprocess.run([CNITOOL, verb, "trivet", "/run/netns/pod"], capture_output=True, text=True,
                              check=False, env=environment, timeout=60)
        self.assertEqual(done.returncode, status, f"cnitool {verb}: {done.stdout}{done.stderr}")
        return done.stdout if verb == "add" else done.stderr

    def test_add_gives_what_the_kernel_has(self):
        result = json.loads(self.cnitool("add"))
        addresses = [entry["address"] for entry in result["ips"]]
        self.assertEqual(addresses, ["10.85.0.2/16", "fd00:85::2/64"])
        there = ip("-n", "pod", "addr", "show", "dev", "eth0")[0]["addr_info"]
        self.assertEqual([f"{a['local']}/{a['prefixlen']}" for a in there if a["scope"] == "global"], addresses)
        self.assertEqual(ip("-n", "pod", "route", "show", "default")[0]["gateway"], "10.85.0.1")
        self.assertEqual(self.leases(), ["10.85.0.2", "fd00:85::2"])
        self.cnitool("del")

    def test_check_finds_an_address_that_was_taken_away(self):
        self.cnitool("add")
        self.cnitool("check")
        subprocess.run(["ip", "-n", "pod", "addr", "del", "10.85.0.2/16", "dev", "eth0"], check=True)
        self.assertIn("10.85.0.2", self.cnitool("check", status=1))
        self.cnitool("del")

    def test_del_leaves_nothing_and_may_be_repeated(self):
        self.cnitool("add")
        self.cnitool("del")
        self.assertEqual(self.links(), self.before)
        self.assertEqual(self.leases(), [])
        self.cnitool("del")

    def test_a_second_add_is_refused_and_changes_nothing(self):
        self.cnitool("add")
        self.cnitool("add", status=1)
        self.assertEqual(self.leases(), ["10.85.0.2", "fd00:85::2"])
        self.cnitool("del")

    def test_gc_frees_what_nobody_remembers(self):
        self.cnitool("add")
        shutil.rmtree("/var/lib/cni/results")
        self.cnitool("gc")
        self.assertEqual(self.leases(), [])
        self.assertEqual(self.links(), self.before)

    def test_a_chain_maps_shapes_tunes_and_leaves_nothing(self):
        self.chain({"type": "tuning", "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}},
                   {"type": "bandwidth", "capabilities": {"bandwidth": True}},
                   {"type": "firewall", "ingressPolicy": "same-bridge"})
        rates = {"bandwidth": {"ingressRate": 8000000, "ingressBurst": 80000, "egressRate": 8000000, "egressBurst": 80000},
                 "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        result = json.loads(self.cnitool("add", CAP_ARGS=json.dumps(rates)))
        host_end = result["interfaces"][1]["name"]
        qdiscs = subprocess.run(["tc", "qdisc", "show"], capture_output=True, text=True, check=True).stdout
        said = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        self.assertIn('tcp . 8080 comment "trivet@', said)
        self.assertRegex(qdiscs, f"tbf .* dev {host_end} .*rate 8Mbit")
        self.assertEqual(len(result["ips"]), 2)
        self.cnitool("check", CAP_ARGS=json.dumps(rates))
        self.cnitool("del", CAP_ARGS=json.dumps(rates))
        self.assertEqual(self.links(), self.before)
        self.assertEqual(
            subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout, rules)

    def test_status_says_that_a_pod_can_be_attached(self):
        self.cnitool("status")


if __name__ == "__main__":
    if not os.environ.get("TRIVET_PRIVATE_NAMESPACES"):
        os.environ["TRIVET_PRIVATE_NAMESPACES"] = "1"
        # cnitool has fixed folders, so they are this test's own: /run/netns and /var/lib/cni.
        script = 'mount -t tmpfs none /run && mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni && exec "$@"'
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script, "sh",
                              sys.executable, *sys.argv])
    sys.exit(unittest.main())
