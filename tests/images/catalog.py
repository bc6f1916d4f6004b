"""The images: what is in each layer, and the table of images made of them."""

import dataclasses
import pathlib
import tempfile

from debian import run
from layout import Layer
from tree import Tree

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FILES = pathlib.Path(__file__).resolve().parent / "files"

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP = """\
root:x:0:
www-data:x:33:
nogroup:x:65534:
"""


@dataclasses.dataclass
class Image:
    """`layers` are functions of packages; without `names` the image is called localhost/trivet/<name>:1."""

    layers: list
    config: dict
    names: list = dataclasses.field(default_factory=list)


def system(packages):
    """Debian's dynamic busybox with every applet, as a small root file system.

    Applets are hard links: a mount over one of them (/bin/ls as a masked path, say) then hides that
    one and not all. The static busybox would run its own applet whatever is mounted there.
    """
    contents = packages.open("busybox", "libc6", "libgcc-s1")
    tree = Tree()
    for path, mode in [("dev", 0o755), ("proc", 0o555), ("sys", 0o555), ("run", 0o755),
                       ("home", 0o755), ("mnt", 0o755), ("root", 0o700), ("tmp", 0o1777),
                       ("var/tmp", 0o1777), ("var/www", 0o755), ("var/log", 0o755)]:
        tree.directory(path, mode)
    tree.symlink("var/run", "/run")
    tree.file("etc/passwd", PASSWD)
    tree.file("etc/group", GROUP)
    tree.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    contents.copy_program("bin/busybox", tree)
    # The C library loads these by name when it looks up a host or a user.
    for library in ("libnss_files.so.2", "libnss_dns.so.2"):
        contents.copy_program(contents.library(library), tree)
    for applet in applets(tree):
        if applet not in tree:
            tree.hard_link(applet, "bin/busybox")
    for script in ("pgrep", "ipcs"):  # what critest calls and Debian's busybox leaves out
        tree.file(f"usr/bin/{script}", (FILES / script).read_bytes(), 0o755)
    return Layer.of(tree)


def applets(tree):
    """Where busybox wants its applets: "bin/ls", …; asked of the very binary in `tree`."""
    with tempfile.TemporaryDirectory() as folder:
        tree.extract(folder)
        loader = next(pathlib.Path(folder).glob("lib/*-linux-gnu/ld-linux*"))
        busybox = pathlib.Path(folder, "bin/busybox")
        listed = run(str(loader), "--library-path", str(loader.parent), str(busybox), "--list-full")
    return sorted(listed.decode().split())


def web_server(packages):
    """Debian's nginx in the foreground on port 80, logging to standard output and error."""
    contents = packages.open("nginx", "nginx-common", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3",
                             "zlib1g", "libgcc-s1")
    tree = Tree()
    contents.copy_program("usr/sbin/nginx", tree)
    contents.copy("etc/nginx/mime.types", tree)
    tree.file("etc/nginx/nginx.conf", (FILES / "nginx.conf").read_bytes())
    tree.file("var/www/html/index.html", (FILES / "index.html").read_bytes())
    for path in ("var/lib/nginx", "var/log/nginx"):
        tree.directory(path, 0o755, uid=33, gid=33)
    return Layer.of(tree)


IMAGES = {
    "busybox": Image([system], {"Env": [PATH], "Cmd": ["sh"], "WorkingDir": "/"}),
    "nginx": Image([system, web_server], {
        "Env": [PATH], "Entrypoint": ["/usr/sbin/nginx"], "Cmd": ["-g", "daemon off;"],
        "WorkingDir": "/", "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGQUIT"}),
}
