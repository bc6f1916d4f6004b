"""CRI-O beside trivet-cri, where builds of it are given: TRIVET_BENCH_CRIO=FOLDER[:FOLDER]…

In each are crio and pinns, and runc where Debian's crun is too old for it. Monitor and image tool are Debian's.
"""

import json
import os
import pathlib
import subprocess

import peers
from runtimes import Runtime

PACKAGES = ["conmon", "libglib2.0-0", "skopeo", "libgpgme11", "libassuan0", "libdevmapper1.02.1"]


def folders():
    return [pathlib.Path(folder).resolve() for folder in os.environ.get("TRIVET_BENCH_CRIO", "").split(":") if folder]


class Crio(Runtime):
    def __init__(self, build, setup, index):
        self.build = build
        own = build / "runc"
        self.runtime = own if own.exists() else setup.peers / "usr/bin/crun"
        super().__init__(f"CRI-O {self.version()} + {self.runtime.name}", setup, index)

    def version(self):
        text = subprocess.run([self.build / "crio", "version"], capture_output=True, text=True, check=True).stdout
        return next(line.split()[1] for line in text.splitlines() if line.startswith("Version:"))

    def command(self):
        for name, text in self.files().items():
            (self.folder / name).write_text(text)
        return [self.build / "crio", "--config", self.folder / "crio.conf", "--config-dir", "", "--log-level", "warn"]

    def files(self):
        root = self.setup.peers / "usr"
        state, run = self.folder / "state", self.run
        return {
            "policy.json": json.dumps({"default": [{"type": "insecureAcceptAnything"}]}),
            "storage.conf": f'[storage]\ndriver = "overlay"\ngraphroot = "{state}"\nrunroot = "{run}/storage"\n',
            "crio.conf": f"""[crio]
root = "{state}"
runroot = "{run}/storage"
storage_driver = "overlay"
log_dir = "{self.folder}/logs"
version_file = "{run}/version"
version_file_persist = "{self.folder}/version"
clean_shutdown_file = "{self.folder}/clean.shutdown"
internal_wipe = false
[crio.api]
listen = "{self.socket}"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
default_runtime = "peer"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
container_exits_dir = "{run}/exits"
container_attach_socket_dir = "{run}/attach"
namespaces_dir = "{run}/namespaces"
pinns_path = "{self.build}/pinns"
hooks_dir = []
[crio.runtime.runtimes.peer]
runtime_path = "{self.oci_runtime(self.runtime)}"
runtime_type = "oci"
runtime_root = "{run}/runtime"
monitor_path = "{root}/bin/conmon"
monitor_cgroup = "pod"
monitor_env = {json.dumps(self.monitor_environment())}
[crio.image]
pause_image = "{peers.IMAGE}"
pause_command = "/pause"
signature_policy = "{self.folder}/policy.json"
[crio.network]
network_dir = "{self.folder}/cni"
plugin_dirs = ["{root}/lib/cni"]
[crio.metrics]
enable_metrics = false
[crio.nri]
enable_nri = false
""",
        }

    def environment(self):
        return {**peers.environment(self.setup.peers), "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf")}

    def monitor_environment(self):
        """CRI-O hands its own to nobody; crun wants a library of the packages."""
        return [f"{name}={self.environment()[name]}" for name in ("PATH", "LD_LIBRARY_PATH")]

    def import_image(self):
        skopeo = [self.setup.peers / "usr/bin/skopeo", "--policy", self.folder / "policy.json", "copy", "--quiet",
                  f"oci:{self.setup.image}", f"containers-storage:{peers.IMAGE}"]
        subprocess.run(skopeo, env=self.environment(), check=True, stdout=subprocess.DEVNULL)
