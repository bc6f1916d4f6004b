#!/usr/bin/env python3
"""check_manifests.py ROOT: fails when packaging/kubernetes says something that trivet-csi does not.

Parses each manifest, and compares names, parameters, paths and flags with the driver's source and docs/csi.md.
"""

import re
import sys

import tree
import yaml

DRIVER = "csi.trivet.dev"
SOCKETS = {"DaemonSet": "/run/trivet/csi.sock", "Deployment": "/run/trivet-csi-controller/csi.sock"}
UNIT = "packaging/kubernetes/csi/trivet-csi-controller.service"


def driver_of(document):
    return document.get("provisioner") or document.get("driverName") or document.get("driver")


def unknown_parameters(document, reference):
    names = document.get("parameters") or {}
    return [name for name in names if not name.startswith("csi.storage.k8s.io/") and f"`{name}`" not in reference]


def complaints(document, reference):
    """What is wrong with one document."""
    for key in ("apiVersion", "kind"):
        if not isinstance(document.get(key), str):
            yield f"no {key}"
    kind, name = document.get("kind"), document.get("metadata", {}).get("name")
    if not name:
        yield f"{kind}: no name"
    if kind == "CSIDriver" and name != DRIVER:
        yield f"CSIDriver: is called {name}"
    if "Class" in str(kind) and driver_of(document) != DRIVER:
        yield f"{kind} {name}: is of {driver_of(document)}"
    for parameter in unknown_parameters(document, reference):
        yield f"{kind} {name}: parameter {parameter} is not in docs/csi.md"
    if kind in SOCKETS:
        yield from sidecar_complaints(kind, document)


def sidecar_complaints(kind, document):
    pod = document["spec"]["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    if document["spec"]["selector"]["matchLabels"] != document["spec"]["template"]["metadata"]["labels"]:
        yield f"{kind}: selector and labels differ"
    for container in pod["containers"]:
        if f"--csi-address={SOCKETS[kind]}" not in container["args"]:
            yield f"{container['name']}: does not speak to {SOCKETS[kind]}"
        if not re.fullmatch(r"registry\.k8s\.io/sig-storage/[a-z-]+:v\d+\.\d+\.\d+", container["image"]):
            yield f"{container['name']}: image {container['image']} has no released version"
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                yield f"{container['name']}: there is no volume {mount['name']}"


def unit_complaints(unit, reference):
    """The controller's unit says no flag that docs/csi.md does not have, and the Deployment's socket."""
    flags = re.findall(r"(--[a-z-]+)=(\S+)", unit)
    yield from (f"flag {flag} is not in docs/csi.md" for flag, _ in flags if f"`{flag}`" not in reference)
    if ("--socket", SOCKETS["Deployment"]) not in flags:
        yield f"serves no {SOCKETS['Deployment']}"


def main():
    top = tree.root()
    reference = (top / "docs/csi.md").read_text()
    plugin = (top / "csi/service/plugin.h").read_text()
    found = [] if f'kPluginName = "{DRIVER}"' in plugin else [f"csi/service/plugin.h: the driver is not {DRIVER}"]
    kinds = set()
    for file in sorted((top / "packaging/kubernetes").rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            kinds.add(document.get("kind"))
            found += [f"{file.relative_to(top)}: {complaint}" for complaint in complaints(document, reference)]
    found += [f"{UNIT}: {complaint}" for complaint in unit_complaints((top / UNIT).read_text(), reference)]
    wanted = {"CSIDriver", "StorageClass", "VolumeAttributesClass", "VolumeSnapshotClass", "DaemonSet", "Deployment", "ClusterRole"}
    found += [f"packaging/kubernetes: no {kind}" for kind in sorted(wanted - kinds)]
    return tree.report("Kubernetes manifests", found)


if __name__ == "__main__":
    sys.exit(main())
