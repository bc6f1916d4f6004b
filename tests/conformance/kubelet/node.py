"""A node for static pods: the real kubelet on trivet-cri and trivet-cni, in folders and a cgroup of the test's own."""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

BIN, KUBELET, CRICTL = (pathlib.Path(os.environ[name]) for name in ("TRIVET_BIN_DIR", "TRIVET_KUBELET", "TRIVET_CRICTL"))
LOGIN1, FIND_THINGS = (BIN.parent / "tests" / name for name in ("login1", "find_things"))
SOURCE = pathlib.Path(__file__).resolve().parents[3]
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PATIENCE_S = 180
# Its mounts and its groups of pods; the bridge stays for the next pod.
KUBELETS = re.compile(r"^mount .*/kubelet(/|$)|^cgroup .*/(kubepods|besteffort|burstable|pod[0-9a-f-]+)$|^interface kubelet0$")

KUBELET_CONFIG = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"}, "address": "127.0.0.1", "readOnlyPort": 10255,
    "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False, "enforceNodeAllocatable": [],
    "fileCheckFrequency": "1s", "syncFrequency": "2s", "podLogsDir": "/var/log/pods", "resolvConf": "",
    "containerLogMaxSize": "20Ki", "containerLogMaxFiles": 3, "containerLogMonitorInterval": "3s",
    "localStorageCapacityIsolation": False,
    "evictionHard": {name: "0%" for name in ("memory.available", "nodefs.available", "imagefs.available",
                                             "nodefs.inodesFree", "imagefs.inodesFree")}}


class Node:
    """Started at once; stop() ends everything and says what is left.

    The kubelet gets `environment` beside ours, and `more` in its configuration.
    """

    def __init__(self, environment=None, **more):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trivet-kubelet-", dir="/tmp"))
        self.run = pathlib.Path("/run/trivet")
        self.cgroup = f"/trivet-test/{self.folder.name}"
        self.manifests = self.folder / "manifests"
        self.manifests.mkdir()
        make_group(self.cgroup)
        self._write_network()
        self._write_kubelet_config(more)
        self.environment = os.environ | (environment or {})
        self.cri = self.kubelet = None
        self.start_cri()
        for image in ("busybox", "nginx"):
            self.crictl("pull", f"oci:{SOURCE}/build/images/{image}")
        self.before = self.things()
        self.start_kubelet()

    def start_cri(self):
        (self.folder / "cri.json").write_text("{}")
        self.cri = self._spawn("cri", BIN / "trivet-cri", "--config", self.folder / "cri.json", "--socket",
                               self.run / "cri.sock", "--state-dir", self.folder / "state", "--run-dir", self.run,
                               "--cni-config-dir", self.folder / "net.d", "--cni-bin-dir", self.folder / "plugins",
                               "--shim", BIN / "trivet-shim", "--cgroup-parent", self.cgroup + "/own")
        wait_for("trivet-cri serves", lambda: self.crictl("version", check=False).returncode == 0)

    def start_kubelet(self):
        self.kubelet = self._spawn("kubelet", KUBELET, "--config", self.folder / "kubelet.json", "--root-dir",
                                   self.folder / "kubelet", "--cert-dir", self.folder / "pki",
                                   "--hostname-override", "node", "--v=2", env=self.environment)

    def end(self, process, how=signal.SIGKILL):
        process.send_signal(how)
        process.wait(60)

    def crictl(self, *words, check=True):
        return subprocess.run([CRICTL, "--timeout", "60s", "--runtime-endpoint", f"unix://{self.run}/cri.sock", *words],
                              check=check, capture_output=True, text=True)

    def place(self, name):
        """Gives the kubelet a static pod of examples/static-pods."""
        new = self.folder / name
        shutil.copy(SOURCE / "examples/static-pods" / name, new)
        new.rename(self.manifests / name)

    def place_pod(self, name, spec):
        """Gives it a pod of shells: `spec` as in a manifest, but for its containers, which are scripts by name."""
        containers = [{"name": container, "image": "localhost/trivet/busybox:1", "imagePullPolicy": "Never",
                       "command": ["sh", "-c", script]} for container, script in spec["containers"].items()]
        new = self.folder / f"{name}.yaml"
        new.write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
                                   "spec": spec | {"containers": containers}}))
        new.rename(self.manifests / new.name)

    def pod(self, name):
        """What the kubelet says of a pod; None when it knows none, or does not answer."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:10255/pods", timeout=10) as answer:
                pods = json.load(answer).get("items") or []
        except OSError:
            return None
        return next((pod for pod in pods if pod["metadata"]["name"] == f"{name}-node"), None)

    def container(self, pod, name):
        """The status of one container of a pod, {} while there is none."""
        status = (self.pod(pod) or {}).get("status", {})
        of_all = status.get("containerStatuses", []) + status.get("initContainerStatuses", [])
        return next((container for container in of_all if container["name"] == name), {})

    def log(self, pod, container):
        (log,) = pathlib.Path("/var/log/pods").glob(f"default_{pod}-node_*/{container}/0.log")
        return "".join(line.split(" ", 3)[3] for line in log.read_text().splitlines(keepends=True))

    def is_ready(self, pod):
        conditions = (self.pod(pod) or {}).get("status", {}).get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def sandboxes(self):
        return json.loads(self.crictl("pods", "-o", "json").stdout)["items"]

    def live(self):
        """What is only there while a pod runs."""
        return [str(path) for name in ("netns", "shims") for path in (self.run / name).glob("*")]

    def things(self):
        """What there is of the runtime's, counted: see tests/testing/leak_check.h."""
        found = subprocess.run([FIND_THINGS, self.cgroup, self.folder.name, self.folder / "state", self.run], check=True,
                               capture_output=True, text=True)
        return collections.Counter(found.stdout.splitlines())

    def leaks(self):
        """What has come since the kubelet was started, without the kubelet's own; some seconds for what is on its way out."""
        deadline = time.monotonic() + 10
        while True:
            left = [thing for thing in self.things() - self.before if not KUBELETS.search(thing)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)

    def stop(self):
        """Ends the pods by the runtime, then the daemons. Lists what should not be there any more."""
        self.end(self.kubelet, signal.SIGTERM)
        for sandbox in self.sandboxes():
            self.crictl("rmp", "-f", sandbox["id"])
        left = self.leaks()
        self.end(self.cri, signal.SIGTERM)
        remove_group(self.cgroup)
        subprocess.run(["umount", "--recursive", "--quiet", self.folder / "kubelet"], check=False)
        for mount in sorted(mounts_below(self.folder), reverse=True):
            subprocess.run(["umount", mount], check=True)
        shutil.rmtree(self.folder)
        return left

    def print_logs(self):
        for name in ("kubelet", "cri"):
            print((self.folder / f"{name}.log").read_text()[-4000:])

    def _spawn(self, name, *command, env=None):
        with open(self.folder / f"{name}.log", "a") as log:
            return subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, env=env)

    def _write_network(self):
        (self.folder / "plugins").mkdir()
        (self.folder / "plugins/bridge").symlink_to(BIN / "trivet-cni")
        (self.folder / "net.d").mkdir()
        plugin = {"type": "bridge", "bridge": "kubelet0", "isGateway": True, "stateDir": str(self.folder / "cni"),
                  "ipam": {"type": "host-local", "dataDir": str(self.folder / "ipam"),
                           "ranges": [[{"subnet": "10.78.0.0/24"}]]}}
        (self.folder / "net.d/10-kubelet.conflist").write_text(
            json.dumps({"cniVersion": "1.0.0", "name": "kubelet", "plugins": [plugin]}))

    def _write_kubelet_config(self, more):
        (self.folder / "kubelet.json").write_text(json.dumps({
            **KUBELET_CONFIG, **more, "staticPodPath": str(self.manifests), "cgroupRoot": self.cgroup,
            "containerRuntimeEndpoint": f"unix://{self.run}/cri.sock",
            "volumePluginDir": str(self.folder / "volume-plugins")}))


def wait_for(what, holds, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.5)


def hierarchies():
    v2 = (CGROUPS / "cgroup.controllers").exists()
    return [CGROUPS] if v2 else [top for top in CGROUPS.iterdir() if top.is_dir() and top.name != "unified"]


def make_group(path):
    """In every hierarchy: the kubelet wants its cgroupRoot complete."""
    for top in hierarchies():
        folder = top / path.lstrip("/")
        folder.mkdir(parents=True)
        for group in (folder.parent, folder) if top.name == "cpuset" else ():
            for file in ("cpuset.cpus", "cpuset.mems"):
                (group / file).write_text((top / file).read_text())


def remove_group(path):
    # The kubelet makes groups in the unified hierarchy of a hybrid node, too.
    for top in {*hierarchies(), CGROUPS / "unified"}:
        folder = top / path.lstrip("/")
        if not folder.is_dir():
            continue
        for below in sorted(folder.rglob("*/"), reverse=True):
            below.rmdir()
        folder.rmdir()


def mounts_below(folder):
    with open("/proc/self/mountinfo") as mounts:
        return [line.split()[4] for line in mounts if line.split()[4].startswith(f"{folder}/")]
