"""The images that critest v1.36.0 asks for, under its names and with what its specs need in them.

Not the published ones: what is in them is Debian's, and the image that critest names by a digest cannot be made.
"""

import platform

from catalog import FILES, GROUP, PASSWD, PATH, Image, system, web_server
from layout import Layer
from tree import Tree

E2E = "registry.k8s.io/e2e-test-images/"
STAGING = "gcr.io/k8s-staging-cri-tools/"
GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHITECTURE = GO_NAMES.get(platform.machine(), platform.machine())


def host_network_server(_packages):
    """The web server on the port that the pod of the node's network is asked on."""
    tree = Tree()
    tree.file("etc/nginx/nginx.conf",
              (FILES / "nginx.conf").read_bytes().replace(b"80;", b"12003;").replace(b":80 ", b":12003 "))
    return Layer.of(tree)


def index_page(_packages):
    tree = Tree()
    tree.file("var/www/html/index.html", (FILES / "index.html").read_bytes())
    return Layer.of(tree)


def setuid_shell(packages):
    """bash that belongs to root and runs as root: -p makes it keep what it gains by that."""
    contents = packages.open("bash", "libtinfo6", "libc6", "libgcc-s1")
    tree = Tree()
    contents.copy_program("bin/bash", tree)
    tree.file("bin/setuid-bash", contents.data("bin/bash"), 0o4755)
    return Layer.of(tree)


def member_of_group(_packages):
    tree = Tree()
    tree.file("etc/passwd", PASSWD + "default-user:x:1000:1000::/home/default-user:/bin/sh\n")
    tree.file("etc/group", GROUP + "default-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n")
    return Layer.of(tree)


def plain(name, tags=("latest",), host=STAGING, layers=(system,), **config):
    """An image whose id differs from every other's: the label is in its configuration."""
    merged = {"Env": [PATH], "Cmd": ["sh"], "Labels": {"critest": name}, **config}
    return Image(list(layers), merged, names=[f"{host}{name}:{tag}" for tag in tags])


CRITEST = {f"critest/{image.names[0].rpartition('/')[2].replace(':', '-')}": image for image in [
    plain("busybox", ["1.29-2"], E2E),
    plain("nginx", ["1.14-2"], E2E, [system, web_server],
          Entrypoint=["/usr/sbin/nginx"], Cmd=["-g", "daemon off;"], StopSignal="SIGQUIT"),
    plain("httpd", ["2.4.39-4"], E2E, [system, index_page],
          Cmd=["sh", "-c", "echo httpd; exec httpd -f -p 80 -h /var/www/html"]),
    plain("nonewprivs", ["1.3"], E2E, [system, setuid_shell],
          Entrypoint=["/bin/setuid-bash", "-p", "-c", 'echo "Effective uid: $EUID"'], Cmd=[]),
    Image([system], {"Env": [PATH], "Entrypoint": ["/bin/sleep", "infinity"], "Labels": {"critest": "pause"}},
          names=["registry.k8s.io/pause:3.9", "k8s.gcr.io/pause:3.9"]),
    plain(f"hostnet-nginx-{ARCHITECTURE}", layers=[system, web_server, host_network_server],
          Entrypoint=["/usr/sbin/nginx"], Cmd=["-g", "daemon off;"], StopSignal="SIGQUIT"),
    plain("test-image-user-uid", User="1002"),
    plain("test-image-user-username", User="www-data"),
    plain("test-image-user-uid-group", User="1003:1004"),
    plain("test-image-user-username-group", User="www-data:1004"),
    plain("test-image-predefined-group", layers=[system, member_of_group], User="1000"),
    plain("test-image-latest"),
    plain("test-image-tag", ["test"]),
    plain("test-image-tag", ["all"], User="0"),
    plain("test-image-1"), plain("test-image-2"), plain("test-image-3"),
    plain("test-image-tags", ["1", "2", "3"]),
]}
