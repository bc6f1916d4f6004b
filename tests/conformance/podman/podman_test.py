#!/usr/bin/env python3
"""Debian's podman, with its CNI back end, attaches containers by trivet-cni. Root; namespaces of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(os.environ["TRIVET_BIN_DIR"])
IMAGES = BIN.parents[1] / "images"
SERVE = "mkdir /w && echo hello > /w/index.html && exec httpd -f -p 80 -h /w"

CONTAINERS_CONF = """
[network]
network_backend = "cni"
cni_plugin_dirs = ["{folder}/bin"]
network_config_dir = "{folder}/net.d"
default_network = "podman"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
"""


def network(folder):
    bridge = {"type": "bridge", "bridge": "cni-podman0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
              "ephemeralBridge": True, "stateDir": f"{folder}/state",
              "ipam": {"type": "host-local", "dataDir": f"{folder}/ipam", "routes": [{"dst": "0.0.0.0/0"}],
                       "ranges": [[{"subnet": "10.88.0.0/16", "gateway": "10.88.0.1"}]]}}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}, "stateDir": f"{folder}/state"}
    return {"cniVersion": "0.4.0", "name": "podman", "plugins": [bridge, ports]}


def tell(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Podman(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "needs root")
        self.assertTrue(shutil.which("podman"), "podman is not installed: tests/conformance/podman/dependencies")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trivet-podman-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("bin", "net.d", "home"):
            (self.folder / name).mkdir()
        for plugin in ("bridge", "host-local", "portmap"):
            (self.folder / "bin" / plugin).symlink_to(BIN / "trivet-cni")
        (self.folder / "net.d/87-podman.conflist").write_text(json.dumps(network(self.folder)))
        (self.folder / "containers.conf").write_text(CONTAINERS_CONF.format(folder=self.folder))
        (self.folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.podman("load", "--signature-policy", self.folder / "policy.json", "-i", IMAGES / "busybox.tar")
        self.before = self.look()

    def podman(self, *arguments):
        environment = os.environ | {"CONTAINERS_CONF": f"{self.folder}/containers.conf", "HOME": f"{self.folder}/home"}
        done = subprocess.run(
            ["podman", "--root", self.folder / "root", "--runroot", self.folder / "runroot", "--tmpdir",
             self.folder / "tmp", "--storage-driver", "vfs", *arguments],
            capture_output=True, text=True, check=False, env=environment, timeout=120)
        self.assertEqual(done.returncode, 0, f"podman {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    # Without cgroups of its own, and with limits that a container of CI may set.
    def start(self, name, *options):
        self.podman("run", "-d", "--name", name, "--cgroups=disabled", "--ulimit", "nofile=1024:1024", "--ulimit",
                    "nproc=1024:1024", *options, "localhost/trivet/busybox:1", "sh", "-c", SERVE)
        return self.podman("inspect", name, "--format", "{{.NetworkSettings.IPAddress}}")

    def remove(self, *names):
        self.podman("rm", "-f", "-t", "0", *names)
        self.assertEqual(self.look(), self.before)

    def look(self):
        leases = [file.name for file in (self.folder / "ipam").glob("podman/10.*")]
        return tell("ip", "-o", "link"), tell("nft", "list", "ruleset"), leases

    def fetch(self, address):
        # httpd may still be on its way: curl waits for it, up to a limit.
        return tell("curl", "-s", "--retry", "30", "--retry-connrefused", "--retry-delay", "1", "--max-time", "60",
                    f"http://{address}/")

    def test_a_container_serves_on_the_address_that_it_was_given(self):
        address = self.start("web")
        self.assertEqual(address, "10.88.0.2")
        self.assertEqual(self.fetch(address), "hello\n")
        self.remove("web")

    def test_two_containers_see_each_other_and_nothing_is_left_of_both(self):
        addresses = self.start("one"), self.start("two")
        self.assertEqual(len(set(addresses)), 2)
        self.fetch(addresses[1])
        self.assertEqual(self.podman("exec", "one", "wget", "-q", "-O", "-", f"http://{addresses[1]}/"), "hello")
        self.remove("one", "two")

    def test_a_published_port_leads_into_the_container(self):
        self.start("web", "-p", "127.0.0.1:8080:80")
        self.assertEqual(self.fetch("127.0.0.1:8080"), "hello\n")
        self.remove("web")


if __name__ == "__main__":
    if not os.environ.get("TRIVET_PRIVATE_NAMESPACES"):
        os.environ["TRIVET_PRIVATE_NAMESPACES"] = "1"
        # podman has fixed folders, so they are this test's own. crun refuses a hybrid node's v2 hierarchy, which
        # nothing here needs.
        script = ("mount -t tmpfs none /run && mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni && "
                  "if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi && "
                  'ip link set lo up && exec "$@"')
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script, "sh",
                              sys.executable, *sys.argv])
    sys.exit(unittest.main())
