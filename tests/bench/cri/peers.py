"""What is measured beside trivet-cri: Debian's containerd with runc and crun, unpacked and never installed, and the
containerd and runc that containerd/go.mod pins."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "images"))

import layout  # noqa: E402
from catalog import PATH, system  # noqa: E402
from debian import Packages, run  # noqa: E402
from tree import Tree  # noqa: E402

PACKAGES = ["containerd", "runc", "crun", "libyajl2", "containernetworking-plugins"]
IMAGE = "localhost/trivet/bench:1"


def unpack(build, names):
    """The folder with the peers' programs under usr/; fetched and unpacked when a newer version is there."""
    cache, root = build / "packages", build / "peers"
    packages = Packages(cache)
    packages.open(*names)
    debs = [newest(cache, name) for name in names]
    mark = root / ".versions"
    wanted = "\n".join(deb.name for deb in debs)
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(root, ignore_errors=True)
        for deb in debs:
            run("dpkg-deb", "--extract", str(deb), str(root))
        mark.write_text(wanted)
    return root


def environment(root):
    """For programs that want libraries which are not installed, and find others by PATH."""
    folders = [str(folder) for top in ("usr/lib", "lib") for folder in (root / top).glob("*-linux-gnu")]
    return {**os.environ, "PATH": f"{root}/usr/bin:{root}/usr/sbin:" + os.environ["PATH"],
            "LD_LIBRARY_PATH": ":".join(folders)}


def build_newest_containerd(build):
    """The folder with the programs of containerd/go.mod; without Go there are none."""
    folder = build / "containerd"
    if shutil.which("go"):
        run(str(HERE / "containerd/build"), str(folder))
    return folder


def newest_containerd_name(folder):
    """"containerd 2.4.2 + runc 1.5.3", or None when it is not built."""
    mark = folder / "versions"
    return mark.read_text().strip() if mark.exists() else None


def newest(cache, name):
    return max(cache.glob(f"{name}_*.deb"), key=lambda deb: deb.stat().st_mtime)


def versions(root):
    """{"containerd": "1.6.20…"} of what is unpacked."""
    names = (root / ".versions").read_text().split("\n")
    return {name.split("_")[0]: name.split("_")[1].replace("%7e", "~").replace("%2b", "+") for name in names}


def make_image(build, pause):
    """An OCI layout and archive: Debian's busybox and two names of one static program that waits."""
    tree = Tree()
    for name in ("app", "pause"):
        tree.file(name, pathlib.Path(pause).read_bytes(), 0o755)
    layers = [system(Packages(build / "packages")), layout.Layer.of(tree)]
    architecture = run("dpkg", "--print-architecture").decode().strip()
    config = {"Env": [PATH], "Entrypoint": ["/pause"], "WorkingDir": "/"}
    layout.write(build / "image", [IMAGE], layers, config, architecture)
    layout.archive(build / "image", build / "image.tar")
    return build / "image"


def containerd_config(folder, run, runtime, cni_bin, image=IMAGE):
    """containerd's configuration with one runtime, no state outside `folder` and `run` and no TCP but loopback."""
    return f"""version = 2
root = "{folder}/root"
state = "{run}"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "{folder}/sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_bin}"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "peer"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.peer]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.peer.options]
        BinaryName = "{runtime}"
"""


def import_image(ctr, socket, archive, *options):
    subprocess.run([ctr, "--address", socket, "--namespace", "k8s.io", "images", "import", *options, archive],
                   check=True, stdout=subprocess.DEVNULL)
