#!/usr/bin/env python3
"""csi_bench.py BIN_DIR CSI_BENCH FOLDER [ROUNDS [KIND]]: figures of trivet-csi, as Markdown tables.

Run by tests/bench/csi/run. FOLDER is on the XFS that is the pool and has the records. With TRIVET_BENCH_HOSTPATH=PROGRAM
that build of csi-driver-host-path takes its turn beside it.
"""

import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

LINE = re.compile(r"(.*?)\s+p50\s+([\d.]+) ms\s+p90\s+([\d.]+) ms\s+n \d+(?:\s+([\d.]+) x the floor of ([\d.]+) ms)?")
VOLUMES, CLIENTS, SHOWN_MIB = 1000, 8, 512
JOBS = {
    "write, 1 MiB": "--rw=write --bs=1m --iodepth=4",
    "read, 1 MiB": "--rw=read --bs=1m --iodepth=4",
    "random write, 4 KiB": "--rw=randwrite --bs=4k --iodepth=16",
    "random read, 4 KiB": "--rw=randread --bs=4k --iodepth=16",
}


class Driver:
    """A trivet-csi with a pool and records of its own."""

    def __init__(self, program, folder):
        self.program, self.folder, self.process = program, folder, None
        self.socket, self.pool = str(folder / "run/csi.sock"), folder / "pool"
        for needed in (self.pool, folder / "bench", folder / "run"):
            needed.mkdir(parents=True)
        config = {"pools": [{"name": "xfs", "type": "file", "path": str(self.pool)}]}
        (folder / "csi.json").write_text(json.dumps(config))

    def command(self):
        return [self.program, "--socket", self.socket, "--state-dir", self.folder / "state",
                "--config", self.folder / "csi.json", "--node-id", "bench"]

    def start(self):
        """Gives the milliseconds until it can be called."""
        begin = time.perf_counter()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stderr=log)
        while self.process.poll() is None:
            with socket.socket(socket.AF_UNIX) as client:
                if client.connect_ex(self.socket) == 0:
                    return 1000 * (time.perf_counter() - begin)
            time.sleep(0.0005)
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


class HostPath(Driver):
    """csi-driver-host-path, whose volumes for mounting are folders."""

    def command(self):
        return [self.program, "--endpoint", f"unix://{self.socket}", "--nodeid", "bench", "--statedir",
                self.folder / "state", "--drivername", "hostpath.csi.k8s.io"]


class Bench:
    def __init__(self, program, driver, peer=None):
        self.program, self.driver, self.peer = program, driver, peer

    def call(self, what, *arguments):
        command = [self.program, what, self.driver.socket, self.driver.folder / "bench", *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def calls(self, title, what, *arguments):
        """One table of what CSI_BENCH prints."""
        theirs = self.peer.figures(what, *arguments) if self.peer else {}
        more = (" csi-driver-host-path (ms) | it / trivet |", "---|---|") if self.peer else ("", "")
        print(f"\n{title}\n\n| | p50 / p90 (ms) | floor (ms) | p50 / floor |{more[0]}\n|---|---|---|---|{more[1]}")
        for name, (p50, p90, times, floor) in self.figures(what, *arguments).items():
            line = f"| {name} | {p50} / {p90} | {floor or ''} | {times + '×' if times else ''} |"
            if self.peer:
                line += f" {theirs[name][0]} / {theirs[name][1]} | {float(theirs[name][0]) / float(p50):.1f}× |"
            print(line, flush=True)

    def figures(self, what, *arguments):
        """{call: (p50, p90, times the floor, floor)}"""
        lines = [LINE.fullmatch(line.strip()).groups() for line in self.call(what, *arguments).splitlines()]
        return {name: rest for name, *rest in lines if not name.startswith("floor: ")}

    def many(self, rounds):
        empty = [self.restarted() for _ in range(rounds)]
        empty_mib = self.driver.resident_mib()
        self.call("fill", VOLUMES)
        filled_mib = self.driver.resident_mib()
        full = [self.restarted() for _ in range(rounds)]
        time.sleep(0.5)  # it serves first, and gives back what only the start needed next
        print(f"\nMany volumes:\n\n| | no volume | {VOLUMES} volumes |\n|---|---|---|")
        print(f"| from start to serving, all volumes reconciled, p50 (ms) | {statistics.median(empty):.1f} "
              f"| {statistics.median(full):.1f} |")
        print(f"| resident memory after the start (MiB) | {empty_mib:.1f} | {self.driver.resident_mib():.1f} |")
        print(f"| resident memory when they have been made (MiB) | | {filled_mib:.1f} |", flush=True)

    def restarted(self):
        self.driver.stop()
        return self.driver.start()

    def throughput(self, rounds):
        """The volume and a bare loop device on the same file, in turns."""
        volume = self.call("show", SHOWN_MIB).strip()
        shown = self.driver.folder / "bench/target"
        image = self.driver.pool / f"{volume}.img"
        losetup = ["losetup", "--direct-io=on", "--sector-size=4096", "--find", "--show", image]
        bare = subprocess.run(losetup, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        try:
            self.fio(shown, "--rw=write --bs=1m")  # no block is new to the pool afterwards
            print(f"\nThroughput of a raw volume and of a bare loop device with direct I/O on the same file, "
                  f"medians of {rounds}:\n\n| | volume (MiB/s) | bare loop (MiB/s) | volume / bare |\n|---|---|---|---|")
            for name, job in JOBS.items():
                job += " --time_based --runtime=2"
                pairs = [(self.fio(shown, job), self.fio(bare, job)) for _ in range(rounds)]
                ratio = statistics.median(one / other for one, other in pairs)
                one, other = (statistics.median(column) for column in zip(*pairs))
                print(f"| {name} | {one:.0f} | {other:.0f} | {ratio:.2f} |", flush=True)
        finally:
            subprocess.run(["umount", shown], check=True)
            listed = ["losetup", "--associated", image, "--noheadings", "--output", "NAME"]
            loops = subprocess.run(listed, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
            subprocess.run(["losetup", "--detach", *loops], check=True)

    @staticmethod
    def fio(file, job):
        command = ["fio", "--name=job", f"--filename={file}", "--direct=1", "--ioengine=libaio",
                   "--allow_file_create=0", f"--size={SHOWN_MIB}m", "--output-format=json", *job.split()]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result = json.loads(done)["jobs"][0]
        return max(result["read"]["bw_bytes"], result["write"]["bw_bytes"]) / 2**20


def machine(peer):
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    name = " ".join(cpu[1].split()[:2]) if cpu else "unknown"
    shown = subprocess.run([peer, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout if peer else ""
    return (f"{os.cpu_count()} × {name}, Linux {os.uname().release}, load {os.getloadavg()[0]:.1f} at the start. "
            + " ".join(shown.split()))


def main():
    folder = pathlib.Path(sys.argv[3])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 50
    kind = sys.argv[5] if len(sys.argv) > 5 else "ext4"
    one, many = (Driver(sys.argv[1] + "/trivet-csi", folder / name) for name in ("one", "many"))
    peer, program = None, os.environ.get("TRIVET_BENCH_HOSTPATH")
    if program:
        peer = Bench(sys.argv[2], HostPath(program, folder / "peer"))
    bench = Bench(sys.argv[2], one, peer)
    print(machine(program))
    try:
        one.start()
        if peer:
            peer.driver.start()
        for gibibytes, part in ((1, 1), (10, 2)):
            bench.calls(f"A volume of {gibibytes} GiB with {kind}:", "life", one.pool, max(1, rounds // part), kind,
                        gibibytes << 10)
        bench.calls(f"{CLIENTS} clients at once, each with a volume of its own:", "crowd", CLIENTS, max(1, rounds // 5))
        if peer:
            peer.driver.stop()
        bench.throughput(max(1, rounds // 10))
        one.stop()
        Bench(sys.argv[2], many).many(max(1, rounds // 5))
    finally:
        for driver in [one, many, *([peer.driver] if peer else [])]:
            driver.stop()


if __name__ == "__main__":
    main()
