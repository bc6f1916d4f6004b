#!/usr/bin/env python3
"""The real crictl drives trivet-cri, trivet-shim and trivet-cni. Root; namespaces of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["TRIVET_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["TRIVET_SOURCE_DIR"])
CRICTL = pathlib.Path(os.environ.get("TRIVET_CONFORMANCE_DIR", "")) / "crictl"
IMAGE = "localhost/trivet/busybox:1"


class Crictl(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "needs root")
        self.assertTrue(CRICTL.is_file(), "TRIVET_CONFORMANCE_DIR has no crictl: tests/conformance/build-tools")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trivet-crictl-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.group = f"/trivet-test/{self.folder.name}"
        self.socket = self.folder / "cri.sock"
        self.write_network()
        (self.folder / "crictl.yaml").write_text(f"runtime-endpoint: unix://{self.socket}\ntimeout: 30\n")
        self.start_daemon()
        self.addCleanup(self.stop_daemon)
        self.run_crictl("pull", f"oci:{SOURCE}/build/images/busybox")

    def write_network(self):
        for plugin in ("bridge", "host-local"):
            (self.folder / "bin").mkdir(exist_ok=True)
            (self.folder / "bin" / plugin).symlink_to(BIN / "trivet-cni")
        bridge = {"type": "bridge", "bridge": "crictl0", "isGateway": True, "ephemeralBridge": True,
                  "stateDir": str(self.folder / "cni"),
                  "ipam": {"type": "host-local", "dataDir": str(self.folder / "ipam"),
                           "ranges": [[{"subnet": "10.87.0.0/24"}]]}}
        (self.folder / "net.d").mkdir()
        conflist = {"cniVersion": "1.1.0", "name": "crictl", "plugins": [bridge]}
        (self.folder / "net.d/10.conflist").write_text(json.dumps(conflist))

    def start_daemon(self):
        self.daemon = subprocess.Popen([
            BIN / "trivet-cri", "--socket", self.socket, "--state-dir", self.folder / "state", "--run-dir",
            self.folder / "run", "--cni-config-dir", self.folder / "net.d", "--cni-bin-dir", self.folder / "bin",
            "--shim", BIN / "trivet-shim", "--cgroup-parent", self.group])
        deadline = time.monotonic() + 20
        while not self.socket.exists():
            self.assertIsNone(self.daemon.poll(), "trivet-cri ended")
            self.assertLess(time.monotonic(), deadline, "trivet-cri does not serve")
            time.sleep(0.02)

    def stop_daemon(self):
        subprocess.run(self.command("rmp", "--all", "--force"), stdout=subprocess.DEVNULL, check=False)
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(30), 0)
        for group in pathlib.Path("/sys/fs/cgroup").glob(f"*{self.group}"):
            group.rmdir()
            if not any(entry.is_dir() for entry in group.parent.iterdir()):
                group.parent.rmdir()

    def command(self, *arguments):
        return [CRICTL, "--config", self.folder / "crictl.yaml", *arguments]

    def run_crictl(self, *arguments, status=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, status, f"crictl {arguments}: {done.stdout}{done.stderr}")
        return done.stdout.strip() if status == 0 else done.stderr

    def config(self, name, content):
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(content))
        return file

    def run_pod(self, name="pod"):
        self.pod_config = self.config(name, {
            "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}", "attempt": 1},
            "log_directory": str(self.folder / "logs"), "labels": {"app": name}, "linux": {}})
        return self.run_crictl("runp", self.pod_config)

    def create(self, pod, script, name="shell"):
        config = self.config(f"c-{name}", {
            "metadata": {"name": name, "attempt": 1}, "image": {"image": IMAGE}, "command": ["sh", "-c", script],
            "log_path": f"{name}.log", "linux": {}})
        return self.run_crictl("create", pod, config, self.pod_config)

    def start(self, pod, script):
        container = self.create(pod, script)
        self.assertEqual(self.run_crictl("start", container), container)
        return container

    def state_of(self, container):
        return json.loads(self.run_crictl("inspect", container))["status"]["state"]

    def await_state(self, container, state):
        deadline = time.monotonic() + 20
        while self.state_of(container) != state:
            self.assertLess(time.monotonic(), deadline, f"{container} is not {state}")
            time.sleep(0.05)


class Life(Crictl):
    def test_version_and_info_name_the_runtime(self):
        self.assertIn("RuntimeName:  trivet", self.run_crictl("version"))
        conditions = json.loads(self.run_crictl("info"))["status"]["conditions"]
        self.assertEqual({c["type"]: c["status"] for c in conditions}, {"RuntimeReady": True, "NetworkReady": True})

    def test_a_pod_from_runp_to_rmp(self):
        pod = self.run_pod()
        self.assertIn(pod, self.run_crictl("pods", "--no-trunc", "--state", "ready"))
        status = json.loads(self.run_crictl("inspectp", pod))["status"]
        self.assertRegex(status["network"]["ip"], r"^10\.87\.0\.\d+$")
        container = self.create(pod, "echo hello; echo oops >&2; exec sleep 1000")
        self.assertEqual(self.state_of(container), "CONTAINER_CREATED")
        self.run_crictl("start", container)
        self.assertEqual(self.run_crictl("ps", "-q", "--no-trunc"), container)
        self.run_crictl("stop", container)
        self.assertEqual(self.state_of(container), "CONTAINER_EXITED")
        self.run_crictl("rm", container)
        self.run_crictl("stopp", pod)
        self.run_crictl("rmp", pod)
        self.assertEqual(self.run_crictl("pods", "-q"), "")
        self.assertEqual(self.run_crictl("ps", "-a", "-q"), "")
        self.assertEqual(list((self.folder / "ipam/crictl").glob("10.*")), [])

    def test_rmp_refuses_a_running_pod_unless_forced(self):
        pod = self.run_pod()
        self.run_crictl("rmp", pod, status=1)
        self.run_crictl("rmp", "-f", pod)


class Execution(Crictl):
    def test_exec_runs_in_the_container_and_gives_its_status(self):
        container = self.start(self.run_pod(), "touch /here; exec sleep 1000")
        self.assertEqual(self.run_crictl("exec", "-s", container, "ls", "/here"), "/here")
        # Pods share a PID namespace unless told otherwise: PID mode POD is the 0 of the CRI's enumeration.
        self.assertEqual(self.run_crictl("exec", "-s", container, "cat", "/proc/1/comm"), "trivet-pause")
        self.assertIn("3", self.run_crictl("exec", "-s", container, "sh", "-c", "exit 3", status=1))

    def test_logs_have_both_streams(self):
        container = self.start(self.run_pod(), "echo one; echo two >&2")
        self.await_state(container, "CONTAINER_EXITED")
        done = subprocess.run(self.command("logs", container), capture_output=True, text=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("one\n", "two\n"))
        self.assertRegex((self.folder / "logs/shell.log").read_text(),
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\S+ stdout F one\n\S+ stderr F two\n$")

    def test_the_exit_code_is_kept(self):
        container = self.start(self.run_pod(), "exit 42")
        self.await_state(container, "CONTAINER_EXITED")
        self.assertEqual(json.loads(self.run_crictl("inspect", container))["status"]["exitCode"], 42)

    def test_stats_speak_of_the_container(self):
        container = self.start(self.run_pod(), "exec sleep 1000")
        stats = json.loads(self.run_crictl("stats", "-o", "json"))["stats"]
        self.assertEqual([s["attributes"]["id"] for s in stats], [container])


class Images(Crictl):
    def test_images_lists_inspects_and_removes(self):
        self.assertIn("localhost/trivet/busybox", self.run_crictl("images"))
        self.assertEqual(json.loads(self.run_crictl("inspecti", IMAGE))["status"]["repoTags"], [IMAGE])
        self.run_crictl("rmi", IMAGE)
        self.assertEqual(self.run_crictl("images", "-q"), "")

    def test_an_image_that_is_not_here_is_named(self):
        self.assertIn("localhost/none:1", self.run_crictl("pull", "localhost/none:1", status=1))


if __name__ == "__main__":
    if not os.environ.get("TRIVET_PRIVATE_NAMESPACES"):
        os.environ["TRIVET_PRIVATE_NAMESPACES"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv])
    sys.exit(unittest.main())
