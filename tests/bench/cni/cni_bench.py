#!/usr/bin/env python3
"""cni_bench.py FLOOR STATE ROUNDS NAME=FOLDER...: ADD and DEL of CNI plugins side by side, as Markdown tables.

Run by tests/bench/cni/run, in namespaces of its own. NAME=FOLDER: the first is ours, the others what it is
compared with. One process per operation, each round one of each contender, medians.
"""

import concurrent.futures
import ctypes
import os
import statistics
import sys
import time

from contenders import SUBNETS, Case, Floor, Plugins, run

PLAIN, MASQUERADE = Case("bridge + IPAM"), Case("bridge + IPAM + ipMasq", masquerade=True)
PORT = Case("bridge + IPAM + ipMasq + portmap", masquerade=True, port=True)
ROUTED = Case("ptp + IPAM", kind="routed")
CLONE_NEWNET, MNT_DETACH, MS_BIND = 0x40000000, 2, 4096
LIBC = ctypes.CDLL(None, use_errno=True)


class Pods:
    """Network namespaces below /run/netns."""

    def __init__(self):
        os.makedirs("/run/netns", exist_ok=True)
        self.made = 0

    @staticmethod
    def path(number):
        return f"/run/netns/bench{number}"

    def ensure(self, count):
        for number in range(self.made, count):
            open(self.path(number), "w", encoding="ascii").close()
            child = os.fork()
            if child == 0:
                failed = LIBC.unshare(CLONE_NEWNET) or LIBC.mount(
                    b"/proc/self/ns/net", self.path(number).encode(), None, MS_BIND, None)
                os._exit(1 if failed else 0)
            if os.waitpid(child, 0)[1] != 0:
                raise RuntimeError("cannot make a network namespace")
        self.made = max(self.made, count)


class Bench:
    def __init__(self, floor, contenders, rounds):
        self.floor, self.contenders, self.rounds = floor, contenders, rounds
        self.pods = Pods()
        self.absent = {}  # (contender, case) -> why

    def able(self, case, pod=0):
        """Those who can do it: pod number `pod` is attached and detached, which also warms up."""
        self.pods.ensure(pod + 1)
        able = []
        for contender in [self.floor, *self.contenders]:
            try:
                contender.add(case, pod, Pods.path(pod))
                contender.delete(case, pod, Pods.path(pod))
                able.append(contender)
            except (RuntimeError, OSError) as error:
                self.absent[contender.name, case.name] = " ".join(str(error).split())
        return able

    def alternate(self, case, first):
        """{contender: ([ADD samples], [DEL samples])}: pods from number `first` on, there and gone."""
        able = self.able(case, first)
        samples = {contender.name: ([], []) for contender in able}
        for round_number in range(self.rounds):
            self.pods.ensure(first + round_number + 1)
            turn = round_number % max(1, len(able))
            for contender in able[turn:] + able[:turn]:
                pod = Pods.path(first + round_number)
                samples[contender.name][0].append(contender.add(case, first + round_number, pod))
                samples[contender.name][1].append(contender.delete(case, first + round_number, pod))
        return samples

    def growth(self, case, levels):
        """{level: samples} with that many other pods attached all the while."""
        grown = {}
        able = self.able(case)
        attached = 0
        for level in levels:
            self.pods.ensure(level)
            self.each(able, "add", case, range(attached, level))
            attached = level
            grown[level] = self.alternate(case, level)
        self.each(able, "delete", case, range(attached))
        return grown

    @staticmethod
    def each(contenders, verb, case, numbers):
        """Not measured, so several at once."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for contender in contenders:
                step = getattr(contender, verb)
                list(pool.map(lambda number, step=step: step(case, number, Pods.path(number)), numbers))

    def together(self, case, count, at_once, batch):
        """{contender: (ms per ADD with `at_once` runtimes, ms per DEL with `batch`)}, of `count` pods."""
        self.pods.ensure(count)
        rates = {}
        for contender in self.able(case):
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                start = time.perf_counter()
                list(pool.map(lambda number, who=contender: who.add(case, number, Pods.path(number)), range(count)))
                taken = (time.perf_counter() - start) * 1e3 / count
            with concurrent.futures.ThreadPoolExecutor(batch) as pool:
                start = time.perf_counter()
                list(pool.map(lambda number, who=contender: who.delete(case, number, Pods.path(number)), range(count)))
                rates[contender.name] = (taken, (time.perf_counter() - start) * 1e3 / count)
        return rates


def medians(samples):
    return statistics.median(s.wall for s in samples), statistics.median(s.cpu for s in samples)


class Table:
    def __init__(self, names):
        self.names = names
        ratios = [f"{other} / {names[1]}" for other in names[2:]]
        self.lines = ["| | " + " | ".join([*names, *ratios, f"{names[1]} / {names[0]}"]) + " |",
                      "|---|" + "---|" * (len(names) + len(ratios) + 1)]

    def row(self, title, values, show):
        """`values`: {name: number, or (wall, cpu)}."""
        cells = [show(values[name]) if name in values else "–" for name in self.names]
        ours = values.get(self.names[1])
        for other in self.names[2:]:
            cells.append(self.ratio(values.get(other), ours))
        cells.append(self.ratio(ours, values.get(self.names[0])))
        self.lines.append(f"| {title} | " + " | ".join(cells) + " |")

    @staticmethod
    def ratio(over, under):
        if over is None or under is None:
            return "–"
        pairs = zip(over, under) if isinstance(over, tuple) else [(over, under)]
        return " / ".join(f"{a / b:.1f}×" for a, b in pairs)

    def print(self):
        print("\n".join(self.lines) + "\n")


def times(samples, which):
    return {name: medians(pair[which]) for name, pair in samples.items()}


def milliseconds(pair):
    return " / ".join(f"{value:.2f}" for value in pair)


def print_operations(bench, names):
    table = Table(names)
    for case in (PLAIN, MASQUERADE, PORT, ROUTED):
        samples = bench.growth(case, (1,))[1]  # a first and a last pod cost what the network costs
        table.row(f"ADD {case.name}", times(samples, 0), milliseconds)
        table.row(f"DEL {case.name}", times(samples, 1), milliseconds)
    print(f"One at a time beside another pod, wall / processor time in ms, medians of {bench.rounds}:\n")
    table.print()


def print_growth(bench, names, levels):
    table = Table(names)
    for case in (PLAIN, MASQUERADE, ROUTED):
        for level, samples in bench.growth(case, levels).items():
            table.row(f"ADD {case.name}, {level} attached", times(samples, 0), milliseconds)
    print(f"With other pods attached, wall / processor time in ms, medians of {bench.rounds}:\n")
    table.print()


def print_together(bench, names):
    table = Table(names)
    for case in (PLAIN, PORT):
        rates = bench.together(case, 100, 20, 50)
        for title, index in (("ADD", 0), ("DEL", 1)):
            table.row(f"{title} {case.name}", {name: rate[index] for name, rate in rates.items()}, "{:.2f}".format)
    print("Many at a time, ms per operation of 100: 20 ADDs at once (1 ms is 1000 a second), 50 DELs at once:\n")
    table.print()


def print_sizes(bench, names):
    table = Table(names)
    pod = Pods.path(0)
    peaks = {c.name: c.peak(PLAIN, 0, pod, bench.floor.program) / 1024 for c in bench.contenders}
    table.row("peak memory of a process, MiB", peaks, "{:.1f}".format)
    table.row("programs for these cases, MiB", {c.name: c.size() / 2**20 for c in bench.contenders}, "{:.1f}".format)
    print("Size:\n")
    table.print()


def print_floor_in_one_process(bench):
    for case, bridge in ((PLAIN, bench.floor.bridge), (ROUTED, "-")):
        said = run(bench.floor.program, ["in-process", str(bench.rounds), Pods.path(0), bridge, "10.231.255.2"], {})[1]
        rounds = [tuple(map(int, line.split())) for line in said.decode().splitlines()]
        add, delete = (statistics.median(values) / 1e3 for values in zip(*rounds))
        print(f"The floor's {case.kind} steps without a process of their own: ADD {add:.2f} ms, DEL {delete:.2f} ms.\n")


def describe_machine(state):
    model = next(line.split(": ")[1] for line in open("/proc/cpuinfo", encoding="utf-8").read().splitlines()
                 if line.startswith("model name"))
    file_system = os.popen(f"stat -f -c %T {state}").read().strip()
    print(f"{os.cpu_count()} × {model}, Linux {os.uname().release}, state on {file_system}, "
          f"load {os.getloadavg()[0]:.1f} at the start.\n")


def main():
    program, state, rounds, *pairs = sys.argv[1:]
    pairs = [pair.split("=") for pair in pairs]
    contenders = [Plugins(name, folder, f"{state}/{number}", SUBNETS["plugins"] + number)
                  for number, (name, folder) in enumerate(pairs)]
    bench = Bench(Floor(program), contenders, int(rounds))
    names = [bench.floor.name, *(name for name, _ in pairs)]
    describe_machine(state)
    print_operations(bench, names)
    print_growth(bench, names, (0, 100, 500))
    print_together(bench, names)
    print_sizes(bench, names)
    print_floor_in_one_process(bench)
    for (contender, case), why in bench.absent.items():
        print(f"- {contender}, {case}: {why}")


if __name__ == "__main__":
    main()
