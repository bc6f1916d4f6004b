"""The figures as a table in Markdown and as a chart in SVG."""

import os
import platform
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import chart  # noqa: E402
from groups import controllers  # noqa: E402
from measure import percentile  # noqa: E402
from write_docs import put  # noqa: E402



def machine(versions, arguments):
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    return {"cpu": f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}",
            "kernel": platform.release(), "cgroups": cgroups(), "versions": versions,
            "rounds": arguments.rounds, "pods": arguments.pods, "starts": arguments.starts}


def cgroups():
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return "v1 hybrid"
    missing = [name for name in ("memory", "cpu", "pids") if name not in controllers()]
    return "v2" + (f" without the controllers {', '.join(missing)}" if missing else "")


def two(values, digits=1):
    return f"{percentile(values, 0.5):.{digits}f} / {percentile(values, 0.95):.{digits}f}"


UNDER_STARTS = {
    "Echo": "a byte there and back between two threads of real-time priority",
    "Version": "Version (an empty call)",
    "ListPodSandbox": "ListPodSandbox",
    "ListContainers": "ListContainers",
    "PodSandboxStatus": "PodSandboxStatus",
    "ContainerStatus": "ContainerStatus",
}


def rows(results):
    """(what, unit and way of reading, {runtime: text}) of every line of the table."""
    lives, execs, crowd = results["lives"], results["execs"], results["crowd"]

    def each(source, text):
        return {name: text(figures) for name, figures in source.items()}

    def listed(key, call, share):
        return each(crowd, lambda f: f"{percentile(f[key][call], share):.2f}")

    pods = results["machine"]["pods"]
    yield "pod ready (RunPodSandbox + CreateContainer + StartContainer, bridge), p50 / p95", "ms", each(
        lives, lambda f: two(f["ms"]["ready"]))
    for call in ("RunPodSandbox", "CreateContainer", "StartContainer"):
        yield f"– {call}", "ms", each(lives, lambda f, call=call: two(f["ms"][call]) if call in f["ms"] else "")
    yield "pod gone (StopContainer … RemovePodSandbox), p50 / p95", "ms", each(
        lives, lambda f: two(f["ms"]["gone"]))
    yield "CPU time of a pod's whole life, with one exec", "ms", each(
        lives, lambda f: f"{sum(f['cpu_ms']) / len(f['cpu_ms']):.0f}")
    yield "ExecSync `true`, p50 / p95", "ms", {
        **each(execs, lambda f: two(f["ms"])),
        **{name: two(f["ms"]["ExecSync"]) for name, f in lives.items() if name not in execs}}
    yield "– CPU time", "ms", each(execs, lambda f: f"{sum(f['cpu_ms']) / len(f['cpu_ms']):.1f}")
    yield "10 exec probes a second", "% of a core", each(execs, lambda f: f"{f['probes_core_percent']:.1f}")
    yield f"{pods} pods, 10 at a time", "pods/s", each(crowd, lambda f: f"{f['pods_per_s']:.1f}")
    yield f"memory per pod at {pods} idle pods: PSS of all but the pod's own process", "KiB", each(
        crowd, lambda f: f"{f['pss_kib_per_pod']:.0f}")
    if any(figures["kernel_kib_per_pod"] for figures in crowd.values()):
        yield "– kernel memory charged to the pod and its runtime", "KiB", each(
            crowd, lambda f: f"{f['kernel_kib_per_pod']:.0f}")
    yield "– processes / threads beside the pod's own", "", each(
        crowd, lambda f: f"{f['processes_per_pod']:.0f} / {f['shim_threads_per_pod']:.0f}")
    yield f"daemon RSS at 0 / {pods} pods", "MiB", each(
        crowd, lambda f: f"{f['daemon_rss_kib_0'] / 1024:.0f} / {f['daemon_rss_kib_100'] / 1024:.0f}")
    for call in ("ListContainerStats", "ListPodSandboxStats"):
        if all(call in figures["lists_ms"] for figures in crowd.values()):
            yield f"{call}, {pods} pods, p50", "ms", listed("lists_ms", call, 0.5)
    yield f"ListPodSandbox, {pods} pods, p99", "ms", listed("lists_ms", "ListPodSandbox", 0.99)
    yield "Version (an empty call), p50", "ms", listed("lists_ms", "Version", 0.5)
    for call, words in UNDER_STARTS.items():
        yield f"{words} under {results['machine']['starts']} concurrent starts, p99", "ms", listed(
            "lists_under_starts_ms", call, 0.99)


def table(results):
    names = list(results["lives"])
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for what, unit, figures in rows(results):
        unit = f" ({unit})" if unit else ""
        lines.append(f"| {what}{unit} | " + " | ".join(figures.get(name, "") for name in names) + " |")
    return "\n".join(lines)


def words(results):
    m = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items() if not name.startswith("lib"))
    return (f"Machine: {m['cpu']}, Linux {m['kernel']}, cgroup {m['cgroups']}. Debian's packages: {versions}.\n"
            f"{m['rounds']} pods of each runtime one after the other, in turn; then {m['pods']} at once.")


CRI = """The same bridge
network for all: trivet-cni here, the reference plugins there. The floor is a program that makes the bare system
calls for the same namespaces, network, cgroups, mounts and execve; confined, it makes all steps that the request
asks of the kernel: also device rules, the kubelet's files, masked and read-only paths, capabilities and the seccomp
filter. What is in /run on a node is on a tmpfs here, too, the rest on an XFS in a file. What lists is a process of real-time priority, not the one that starts pods; an
answer's time ends when its bytes have come. A containerd with its version in its name is built from its Go module.
CRI-O is not in Debian 12, nor does its module build by itself: it is here when TRIVET_BENCH_CRIO names the folders of
builds of it. To repeat it:
`sudo TRIVET_BENCH_DOCS=1 ./tests/run bench`."""

CRI_V2 = """The same
again where cgroup v2 is the only one, by the cgroupfs driver; a container is born in its group on the floor, too.
CPU time is that of cpu.stat. {lacking}To repeat it: `sudo TRIVET_BENCH_DOCS=1 ./tests/suites/bench cri-v2`."""

LACKING = """This is a hybrid node whose v1 is unmounted in namespaces of the
bench's own, and v1 keeps its controllers: groups, births, device programs and removals are those of v2, but nobody is
asked for limits, and there are no stats. Every peer asks for CPU shares of its pause container, so a static program
starts before each call of runc and crun, blanks them in the bundle and becomes the runtime; crun is also kept from
raising its limit of locked memory, which this machine forbids and its kernel does not want. """


def write_docs(folder, bench, results):
    page = folder / "benchmarks.md"
    if bench == "cri-v2":
        lacking = "" if "cpu" in controllers() else LACKING
        return put(page, bench, f"## Pods on cgroup v2\n\n{words(results)} {CRI_V2.format(lacking=lacking)}\n\n{table(results)}")
    (folder / "benchmarks-cri.svg").write_text(chart.draw(panels(results)))
    put(page, bench, f"{words(results)} {CRI}\n\n![Pods and containers](benchmarks-cri.svg)\n\n{table(results)}")


def panels(results):
    lives, execs, crowd = results["lives"], results["execs"], results["crowd"]
    yield "pod ready, ms", {name: percentile(f["ms"]["ready"], 0.5) for name, f in lives.items()}
    yield "CPU of a pod's life, ms", {name: sum(f["cpu_ms"]) / len(f["cpu_ms"]) for name, f in lives.items()}
    yield "ExecSync, ms", {
        **{name: percentile(f["ms"], 0.5) for name, f in execs.items()},
        **{name: percentile(f["ms"]["ExecSync"], 0.5) for name, f in lives.items() if name not in execs}}
    yield "memory per idle pod, KiB", {name: f["pss_kib_per_pod"] for name, f in crowd.items()}
    yield "pod stats of 100 pods, ms", {
        name: percentile(f["lists_ms"]["ListPodSandboxStats"], 0.5) for name, f in crowd.items()}
    yield "pods/s, 10 at a time (more is better)", {name: f["pods_per_s"] for name, f in crowd.items()}
