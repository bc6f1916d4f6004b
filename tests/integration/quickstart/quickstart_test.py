#!/usr/bin/env python3
"""The main job: quickstart with the real programs. Root."""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TRIVET_SOURCE_DIR"])
BIN = pathlib.Path(os.environ["TRIVET_BIN_DIR"])
NAMESPACES = ["unshare", "--mount", "--net", "--propagation", "private"]
DAEMONS = ["trivet-cri", "trivet-csi", "trivet-netpolicy"]
POD_OF_OTHER_USERS = """
apiVersion: v1
kind: Pod
metadata: {name: others, namespace: strangers}
spec:
  hostUsers: false
  terminationGracePeriodSeconds: 0
  containers:
  - {name: shell, image: 'localhost/trivet/busybox:1', command: [sleep, '86400'], volumeMounts: [{name: v, mountPath: /v}]}
  volumes: [{name: v, emptyDir: {}}]
"""


def output(command, **arguments):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, check=False, timeout=200, **arguments)


class Case(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "needs root")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trivet-quickstart-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state = self.folder / "state"
        self.cgroup = f"/trivet-test/{self.folder.name}"
        self.addCleanup(self.remove_cgroup_parents)

    def remove_cgroup_parents(self):
        for group in pathlib.Path("/sys/fs/cgroup").glob("*/trivet-test"):
            if not any(entry.is_dir() for entry in group.iterdir()):
                group.rmdir()

    def node(self, action, *, keep="", tree=SOURCE, inside=NAMESPACES):
        """The command line and environment of one call of examples/quickstart/node."""
        settings = {"STATE": str(self.state), "CGROUP": self.cgroup, "KEEP": keep, "TRIVET_BIN_DIR": str(BIN)}
        return {"args": [*inside, str(tree / "examples/quickstart/node"), action], "env": os.environ | settings}

    def run_node(self, action, **arguments):
        call = self.node(action, **arguments)
        return output(call["args"], env=call["env"])

    def command(self, *arguments):
        return output([SOURCE / "quickstart", *arguments, "--state-dir", self.state, "--cgroup-parent", self.cgroup])

    def assert_ends_with(self, status, done):
        self.assertEqual(done.returncode, status, done.stdout)

    def assert_nothing_is_left(self):
        self.assertFalse(self.state.exists())
        self.assertEqual([], list(pathlib.Path("/sys/fs/cgroup").glob(f"*{self.cgroup}")))
        self.assertEqual("", output(["pgrep", "-af", str(self.state)]).stdout)
        self.assertNotIn(str(self.state), output(["losetup", "--list"]).stdout)


class Command(Case):
    def test_everything_it_says_is_true(self):
        done = self.command()
        self.assert_ends_with(0, done)
        self.assertNotIn("NOT TRUE", done.stdout)
        for step in ("image imported", "sandbox notes/server", "policy in force", "volume created", "volume staged",
                     "volume published", "container started notes/server: httpd", "Nothing is left"):
            self.assertRegex(done.stdout, re.compile(step, re.IGNORECASE))
        self.assert_nothing_is_left()


class Demonstration(Case):
    def tree_without(self, manifest):
        tree = self.folder / "tree"
        shutil.copytree(SOURCE / "examples", tree / "examples")
        (tree / "examples/notes" / manifest).unlink()
        (tree / "build").symlink_to(SOURCE / "build")
        return tree

    def test_shows_what_is_not_true(self):
        done = self.run_node("up", tree=self.tree_without("10-policy.yaml"))
        self.assert_ends_with(1, done)
        self.assertIn("NOT TRUE: strangers/stranger gets no answer from it", done.stdout)
        self.assert_nothing_is_left()

    def test_a_killed_demonstration_is_ended_later(self):
        for moment in ("serves", "image imported", "volume created", "sandbox notes/client", "exec writes"):
            with self.subTest(moment):
                self.kill_at(moment)
                self.assert_ends_with(0, self.command("--down"))
                self.assert_nothing_is_left()

    def kill_at(self, moment):
        with subprocess.Popen(**self.node("up"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, start_new_session=True) as running:
            for line in running.stdout:
                if moment in line:
                    break
            os.killpg(running.pid, signal.SIGKILL)


class Restarts(Case):
    def ctl(self, *arguments):
        sockets = {"TRIVET_CRI_SOCKET": "run/cri.sock", "TRIVET_CSI_SOCKET": "run/csi.sock",
                   "TRIVET_STATE_DIR": "ctl", "TRIVET_MANIFESTS": "manifests"}
        paths = {name: str(self.state / path) for name, path in sockets.items()}
        return output([BIN / "trivetctl", *arguments], env=os.environ | paths)

    def pids(self):
        """The last process that was started of each daemon."""
        rows = (line.split() for line in (self.state / "pids").read_text().splitlines())
        return {name: int(pid) for pid, name in rows}

    def kill_and_restart(self, daemon):
        killed = os.pidfd_open(self.pids()[daemon])
        signal.pidfd_send_signal(killed, signal.SIGKILL)
        select.select([killed], [], [])  # until it is gone, and its locks with it
        os.close(killed)
        other = next(pid for name, pid in self.pids().items() if name != daemon)
        inside = ["nsenter", "--target", str(other), "--mount", "--net"]
        self.assert_ends_with(0, self.run_node("resume", inside=inside))

    def containers(self):
        return sorted(line.split()[-1] for line in self.ctl("ps").stdout.splitlines() if " running " in line)

    def fetch(self, pod, address):
        return self.ctl("exec", pod, "--", "timeout", "2", "wget", "-q", "-O-", f"http://{address}:8080/")

    def server_address(self):
        return re.search(r"server .* (\d+\.\d+\.\d+\.\d+) ", self.ctl("ps").stdout).group(1)

    def assert_all_works(self):
        address = self.server_address()
        self.assertIn("buy milk", self.fetch("notes/client", address).stdout)
        self.assertEqual(143, self.fetch("strangers/stranger", address).returncode)

    def test_every_daemon_may_be_killed(self):
        self.assert_ends_with(0, self.run_node("up", keep="yes"))
        for daemon in DAEMONS:
            with self.subTest(daemon):
                before = self.containers()
                self.kill_and_restart(daemon)
                self.assertEqual(before, self.containers())
                self.assert_all_works()
                self.assert_ends_with(0, self.ctl("delete", "-f", SOURCE / "examples/notes/30-server.yaml"))
                self.assert_ends_with(0, self.ctl("run", "--wait", "-f", SOURCE / "examples/notes"))
                self.assert_all_works()
        self.assert_a_pod_has_users_of_its_own()
        self.assert_ends_with(0, self.command("--down"))
        self.assert_nothing_is_left()

    def assert_a_pod_has_users_of_its_own(self):
        manifest = self.folder / "others.yaml"
        manifest.write_text(POD_OF_OTHER_USERS)
        self.assert_ends_with(0, self.ctl("run", "--wait", "-f", manifest))
        seen = self.ctl("exec", "strangers/others", "--", "sh", "-c", "touch /v/f; stat -c %u /v/f; cat /proc/self/uid_map")
        self.assertEqual(["0", "0", "65536", "65536"], seen.stdout.split())


class Leaks(Case):
    PLANTED = """
        ip link add planted0 type veth peer name planted1; ip addr add 192.0.2.1/24 dev planted0; ip link set planted0 up
        nft add table inet planted
        mount -t tmpfs planted {state}/mnt
        mkdir -p /sys/fs/cgroup/pids{cgroup} || mkdir -p /sys/fs/cgroup{cgroup}
        truncate -s 1M {state}/image; losetup --find {state}/image
        sleep 100 & echo $! > {state}/sleeper"""
    REMOVED = """
        losetup --detach $(losetup --noheadings --output NAME --associated {state}/image)
        rmdir /sys/fs/cgroup/pids{cgroup} || rmdir /sys/fs/cgroup{cgroup}
        kill $(cat {state}/sleeper)"""

    def test_each_kind_is_named(self):
        (self.state / "log").mkdir(parents=True)
        (self.state / "mnt").mkdir()
        leaks = f"python3 {SOURCE}/examples/quickstart/leaks.py --state {self.state} --cgroup {self.cgroup}"
        script = f"{leaks} remember-host; {leaks} host && echo clean; {self.PLANTED}; {leaks} host; {self.REMOVED}"
        done = output([*NAMESPACES, "bash", "-c", script.format(state=self.state, cgroup=self.cgroup)])
        self.assertEqual("clean", done.stdout.splitlines()[0])
        for kind in ("link: planted0", "route: ", "nftables: table inet planted", "mount: ", "cgroup: ", "loop device: ",
                     "process: "):
            self.assertRegex(done.stdout, f"left: {kind}")


if __name__ == "__main__":
    sys.exit(unittest.main())
