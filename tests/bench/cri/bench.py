#!/usr/bin/env python3
"""Measures trivet-cri side by side with what a user would install instead, and with the kernel's own floor.

Called by tests/bench/cri/run: first with --prepare, then in namespaces of its own, which have no network. Prints a table; --json keeps every sample, and with
TRIVET_BENCH_DOCS=1 the table and the chart of docs/benchmarks.md are written.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

import attribution
import crio
import measure
import peers
import report
from groups import Group
from runtimes import ConfinedFloor, Containerd, ContainerdCrun, Floor, NewestContainerd, Setup, Trivet

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
BUILD = TOP / "build/bench"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of trivet's programs")
    parser.add_argument("--tests", type=pathlib.Path, required=True, help="folder of cri_bench and its like")
    parser.add_argument("--rounds", type=int, default=40, help="lives of pods, one after the other (default 40)")
    parser.add_argument("--pods", type=int, default=100, help="pods at once (default 100)")
    parser.add_argument("--starts", type=int, default=50, help="concurrent starts under lists (default 50)")
    parser.add_argument("--prepare", action="store_true", help="only fetch the peers and make the image")
    parser.add_argument("--no-peers", action="store_true", help="trivet and the floor alone")
    parser.add_argument("--profile", action="store_true",
                        help="instead: where the processor time of a pod's life goes, by perf, of --rounds lives")
    parser.add_argument("--cgroup-v2", action="store_true", help="called so by run: the figures of tests/bench/cri-v2")
    parser.add_argument("--json", type=pathlib.Path, help="default: cri.json or cri-v2.json in build/bench")
    arguments = parser.parse_args()
    arguments.bench = "cri-v2" if arguments.cgroup_v2 else "cri"
    arguments.json = arguments.json or BUILD / f"{arguments.bench}.json"
    return arguments


def start(setup, with_peers):
    runtimes = [Trivet("trivet", setup, 0)]
    if with_peers:
        runtimes += [Containerd("containerd + runc", setup, 1), ContainerdCrun("containerd + crun", setup, 2)]
        newest = peers.newest_containerd_name(setup.containerd)
        runtimes += [NewestContainerd(newest, setup, 3)] if newest else []
        runtimes += [crio.Crio(build, setup, 4 + index) for index, build in enumerate(crio.folders())]
    return runtimes


def measure_all(runtimes, floors, arguments):
    results = {"lives": measure.lives([*runtimes, *floors], arguments.rounds)}
    results["execs"] = measure.execs(runtimes, rounds=6)
    results["crowd"] = {runtime.name: measure.crowd(runtime, arguments.pods, 10, arguments.starts)
                        for runtime in runtimes}
    return results


def prepare(arguments):
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    peers.unpack(BUILD, [*peers.PACKAGES, *(crio.PACKAGES if crio.folders() else [])])
    peers.build_newest_containerd(BUILD)
    peers.make_image(BUILD, arguments.tests / "bench_pause")


def print_profile(arguments, folder):
    setup = setup_of(arguments, folder)
    floor, runtime = Floor(setup), Trivet("trivet", setup, 0)
    try:
        attribution.profile(runtime, floor, arguments.rounds, folder)
    finally:
        runtime.stop()
        floor.stop()
        Group(setup.cgroup).remove()


def setup_of(arguments, folder):
    return Setup(arguments.bin.resolve(), arguments.tests.resolve(), folder, f"/trivet-test/{folder.name}",
                 BUILD / "image", BUILD / "peers", BUILD / "containerd")


def run(arguments, folder):
    setup = setup_of(arguments, folder)
    floors, runtimes = [Floor(setup), ConfinedFloor(setup)], []
    try:
        runtimes = start(setup, not arguments.no_peers)
        results = measure_all(runtimes, floors, arguments)
    except RuntimeError:
        for runtime in runtimes:
            print(f"--- {runtime.name}:", runtime.last_words(), file=sys.stderr)
        raise
    finally:
        for runtime in [*runtimes, *floors]:
            runtime.stop()
        Group(setup.cgroup).remove()
    results["machine"] = report.machine(peers.versions(setup.peers), arguments)
    return results


def main():
    arguments = parse_arguments()
    if arguments.prepare:
        return prepare(arguments)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trivet-bench-"))
    try:
        if arguments.profile:
            return print_profile(arguments, folder)
        results = run(arguments, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    arguments.json.write_text(json.dumps(results))
    print(report.table(results))
    if os.environ.get("TRIVET_BENCH_DOCS") == "1":
        report.write_docs(TOP / "docs", arguments.bench, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
