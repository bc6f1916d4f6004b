"""The cgroup of one runtime with everything that belongs to it: CPU time, kernel memory, processes."""

import os
import pathlib
import signal
import time

ROOT = pathlib.Path("/sys/fs/cgroup")
HIERARCHIES = ("cpu", "cpuacct", "memory", "pids")  # of cgroup v1


class Group:
    """`path`: "/trivet-test/…"; made at once, removed by remove()."""

    def __init__(self, path):
        self.v2 = (ROOT / "cgroup.controllers").exists()
        tops = [ROOT] if self.v2 else [ROOT / name for name in HIERARCHIES if (ROOT / name).is_dir()]
        self.path = path
        self._folders = [top / path.lstrip("/") for top in tops]
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
        if self.v2:
            enable_controllers(self._folders[0])

    def allow_real_time(self):
        """Where the kernel gives a group of cgroup v1 no real-time priority unasked (CONFIG_RT_GROUP_SCHED)."""
        budget, top = 0.95, ROOT / "cpu"
        for name in pathlib.Path(self.path.lstrip("/")).parts:
            top, budget = top / name, budget - 0.05  # a group has no more than the one above
            runtime = top / "cpu.rt_runtime_us"
            if runtime.exists():
                runtime.write_text(str(int(budget * int((top / "cpu.rt_period_us").read_text()))))

    def enter(self):
        """Puts the calling process into it: between fork and exec. v2 wants processes in leaves."""
        for folder in self._folders:
            leaf = folder / "daemon" if self.v2 else folder
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text("0")

    def cpu_seconds(self):
        if self.v2:
            words = (self._folders[0] / "cpu.stat").read_text().split()
            return int(words[words.index("usage_usec") + 1]) / 1e6
        return int((self._folder("cpuacct") / "cpuacct.usage").read_text()) / 1e9

    def kernel_bytes(self):
        """Kernel memory charged to it: page tables, stacks, sockets, inodes and dentries. 0 where nothing is charged."""
        if "memory" not in controllers():
            return 0
        if self.v2:
            words = (self._folders[0] / "memory.stat").read_text().split()
            return int(words[words.index("kernel") + 1])
        return int((self._folder("memory") / "memory.kmem.usage_in_bytes").read_text())

    def processes(self):
        files = self._folders[-1].rglob("cgroup.procs")
        return sorted({int(pid) for file in files for pid in file.read_text().split()})

    def remove(self):
        """Also with processes in it: those of a run that failed."""
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        # A peer may have made it in hierarchies that are not asked here.
        elsewhere = [top / self.path.lstrip("/") for top in ROOT.iterdir() if not self.v2 and (top / "cgroup.procs").exists()]
        for folder in {*self._folders, *elsewhere}:
            if not folder.is_dir():
                continue
            for below in sorted(folder.rglob("*/"), reverse=True):
                remove_folder(below, deadline)
            remove_folder(folder, deadline)

    def _folder(self, controller):
        return next(folder for folder in self._folders if folder.is_relative_to(ROOT / controller))


def limits():
    """Whether pods can be limited here, as a word to cri_bench and cri_floor."""
    return "limits" if {"cpu", "memory"} <= controllers() else "no-limits"


def controllers():
    """Of the machine; those of v2 may all be in use by v1."""
    offered = ROOT / "cgroup.controllers"
    return set(offered.read_text().split()) if offered.exists() else {name for name in HIERARCHIES if (ROOT / name).is_dir()}


def enable_controllers(folder):
    for above in list(reversed(folder.parents))[len(ROOT.parents):] + [folder]:
        if above.is_relative_to(ROOT):
            for name in controllers() & {"cpu", "memory", "pids"}:
                (above / "cgroup.subtree_control").write_text(f"+{name}")


def remove_folder(folder, deadline):
    """What has just ended may still be on its way out of its group."""
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def name_of(pid):
    """The program's name; empty when the process has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def memory_kib(pid):
    """{"Rss": …, "Pss": …} of a process; zeros when it has ended."""
    found = {"Rss": 0, "Pss": 0}
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            key, value = line.split()[:2]
            if key[:-1] in found:
                found[key[:-1]] = int(value)
    except OSError:
        pass
    return found


def threads_of(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0
