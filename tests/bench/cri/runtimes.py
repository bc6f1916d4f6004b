"""The runtimes that are measured: each a daemon in folders, a cgroup and a bridge of its own."""

import dataclasses
import json
import pathlib
import subprocess
import time

import peers
from groups import Group, controllers, limits, memory_kib, name_of, threads_of

PATIENCE_S = 60


@dataclasses.dataclass
class Setup:
    """What all runtimes share."""

    bin: pathlib.Path  # trivet's programs
    tests: pathlib.Path  # cri_bench, cri_floor, bench_pause
    folder: pathlib.Path  # scratch of this run
    cgroup: str  # "/trivet-test/…"
    image: pathlib.Path  # OCI layout; its archive is beside it
    peers: pathlib.Path  # where the packages are unpacked
    containerd: pathlib.Path  # the newest containerd's programs


class Program:
    """A program that answers each line on its standard input with a line of JSON."""

    def __init__(self, *command, group=None):
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, preexec_fn=group and group.enter)

    def ask(self, line):
        self.tell(line)
        return self.answer()

    def tell(self, line):
        self._asked = line
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self):
        text = self._process.stdout.readline()
        answer = json.loads(text) if text else {"error": f"it ended with {self._process.wait()}"}
        if "error" in answer:
            raise RuntimeError(f"{self._asked}: {answer['error']}")
        return answer

    def end(self):
        self._process.stdin.close()
        self._process.wait()


class Runtime:
    """A daemon that serves CRI, its client, and what its cgroup says. `index` makes its names differ."""

    cni_version = "1.0.0"  # the newest that Debian's peers know

    def __init__(self, name, setup, index):
        self.name, self.setup = name, setup
        self.folder = setup.folder / f"r{index}"
        self.folder.mkdir(parents=True)
        # As on a node: what a reboot voids is on the tmpfs of /run, the rest on a disk.
        self.run = pathlib.Path("/run") / setup.folder.name / self.folder.name
        self.run.mkdir(parents=True)
        self.group = Group(f"{setup.cgroup}/r{index}")
        self.prepare_group()
        self.socket = self.folder / "sock"
        self.write_network(f"bench{index}", f"10.{60 + index}.0.0/16")
        with open(self.folder / "log", "w") as log:
            self.daemon = subprocess.Popen([str(word) for word in self.command()], env=self.environment(),
                                           stdout=log, stderr=log, preexec_fn=self.group.enter)
        self.await_socket()
        self.client = self.new_client()
        self.import_image()

    def new_client(self):
        return Program(self.setup.tests / "cri_bench", self.socket, "", peers.IMAGE, self.group.path + "/pods",
                       self.folder / "logs", limits())

    def environment(self):
        return None

    def prepare_group(self):
        """What an admin does for it."""

    def write_network(self, bridge, subnet):
        ipam = {"type": "host-local", "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(self.folder / "networks")}
        plugin = {"type": "bridge", "bridge": bridge, "isGateway": True, "ipam": ipam, **self.network_extras()}
        (self.folder / "cni").mkdir()
        (self.folder / "cni/10-bench.conflist").write_text(json.dumps(
            {"cniVersion": self.cni_version, "name": bridge, "plugins": [plugin]}))

    def network_extras(self):
        return {}

    def oci_runtime(self, program):
        """What a peer calls: where CPU shares cannot be set, by way of no_shares and with may_lock."""
        if "cpu" in controllers():
            return program
        (self.folder / "runtime").symlink_to(self.setup.tests / "no_shares")
        (self.folder / "runtime.real").symlink_to(program)
        (self.folder / "runtime.preload").symlink_to(self.setup.tests / "may_lock.so")
        return self.folder / "runtime"

    def await_socket(self):
        deadline = time.monotonic() + PATIENCE_S
        while not self.socket.exists():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not serve: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self):
        return (self.folder / "log").read_text()[-2000:]

    def daemon_rss_kib(self):
        return memory_kib(self.daemon.pid)["Rss"]

    def overhead(self):
        """What runs beside the pods' own containers: PSS, processes and threads, and kernel memory of all."""
        own = [pid for pid in self.group.processes() if name_of(pid) not in ("app", "")]
        return {"pss_kib": sum(memory_kib(pid)["Pss"] for pid in own), "processes": len(own),
                "shim_threads": sum(threads_of(pid) for pid in own if pid != self.daemon.pid),
                "kernel_kib": self.group.kernel_bytes() / 1024}

    def stop(self):
        self.client.end()
        self.daemon.terminate()
        try:
            self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.group.remove()


class Trivet(Runtime):
    cni_version = "1.1.0"  # as in the list that its package has

    def command(self):
        config = self.folder / "cri.json"
        config.write_text("{}")
        plugins = self.folder / "plugins"
        plugins.mkdir()
        (plugins / "bridge").symlink_to(self.setup.bin / "trivet-cni")
        return [self.setup.bin / "trivet-cri", "--config", config, "--socket", self.socket, "--state-dir",
                self.folder / "state", "--run-dir", self.run, "--cni-config-dir", self.folder / "cni",
                "--cni-bin-dir", plugins, "--shim", self.setup.bin / "trivet-shim",
                "--cgroup-parent", self.group.path + "/own"]

    def prepare_group(self):
        self.group.allow_real_time()  # docs/configuration.md; no other has threads that ask for it

    def network_extras(self):
        return {"stateDir": str(self.folder / "cni-state")}

    def import_image(self):
        self.client.ask(f"pull oci:{self.setup.image}")


class Containerd(Runtime):
    runtime = "usr/sbin/runc"

    def command(self):
        config = self.folder / "config.toml"
        plugins = self.setup.peers / "usr/lib/cni"
        runtime = self.oci_runtime(self.setup.peers / self.runtime)
        config.write_text(peers.containerd_config(self.folder, self.run, runtime, plugins))
        return [self.setup.peers / "usr/bin/containerd", "--config", config, "--log-level", "warn"]

    def environment(self):
        return peers.environment(self.setup.peers)

    def import_image(self):
        peers.import_image(self.setup.peers / "usr/bin/ctr", self.socket, self.setup.image.with_suffix(".tar"))


class ContainerdCrun(Containerd):
    runtime = "usr/bin/crun"


class NewestContainerd(Containerd):
    def command(self):
        self.runtime = self.setup.containerd / "runc"
        return [self.setup.containerd / "containerd", *super().command()[1:]]

    def environment(self):
        environment = super().environment()
        return {**environment, "PATH": f"{self.setup.containerd}:{environment['PATH']}"}

    def import_image(self):
        peers.import_image(self.setup.containerd / "ctr", self.socket, self.setup.image.with_suffix(".tar"), "--local")


class Floor:
    """Namespaces, network, groups, mounts and execve by bare system calls."""

    name, folder_name, confined = "kernel floor", "floor", []

    def __init__(self, setup):
        self.folder = folder = setup.folder / self.folder_name
        folder.mkdir()
        self.group = Group(f"{setup.cgroup}/{self.folder_name}")
        self.client = Program(setup.tests / "cri_floor", folder, self.group.path + "/c", limits(),
                              self.folder_name, *self.confined, group=self.group)

    def stop(self):
        self.client.end()
        subprocess.run(["umount", self.folder / "lower"], check=True)
        self.group.remove()


class ConfinedFloor(Floor):
    """The same, and all else that the request asks of the kernel."""

    name, folder_name, confined = "kernel floor, confined", "floorc", ["confined"]
