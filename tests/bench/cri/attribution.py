"""Where the processor time of a pod's life goes: by program, and there by what it was spent on. Needs perf."""

import collections
import re
import signal
import subprocess
import time

HERTZ = 4000
PER_SAMPLE_US = 1e6 / HERTZ
FRAME = re.compile(r"\s+[0-9a-f]+ (.*) \((.*)\)$")
SAMPLE = re.compile(r"(.*?)\s+(\d+)$")
ENTRIES = re.compile(r"^(__x64_sys_|__do_sys_|__se_sys_|ksys_|do_sys_|__sys_)")
GRPC = re.compile(r"grpc|absl|protobuf|libgpr|libupb")
CGROUPS = re.compile(r"cgroup|kernfs")
THREADS = {"futex", "epoll_wait", "epoll_ctl", "poll", "exit_to_user_mode_loop", "sched_setattr"}
KINDS = {
    "threads and waiting": THREADS,
    "sockets": {"sendmsg", "recvmsg", "sendto", "recvfrom", "socket", "socketpair", "connect", "accept4"},
    "namespaces": {"unshare", "setns"},
    "mounts": {"fsopen", "fsconfig", "fsmount", "move_mount", "mount", "umount", "open_tree", "mount_setattr",
               "pivot_root", "openat2", "mknodat", "mkdirat", "symlinkat"},
    "processes": {"clone3", "execve", "waitid", "pidfd_open", "pipe2", "setsid", "x64_sys_call"},  # the last: exit
    "seccomp": {"do_seccomp"},
    "files": {"openat", "read", "write", "close", "rename", "unlink", "unlinkat", "mkdir", "rmdir", "newfstatat",
              "fsync", "fchmod", "symlink", "readlink", "utimensat", "getdents64"},
}


def record(client, lives, file):
    """Records the whole machine during `lives` lives: the programs of a pod come and go."""
    perf = subprocess.Popen(["perf", "record", "--all-cpus", "-g", "-F", str(HERTZ), "-e", "cpu-clock", "-o", file],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    for _ in range(lives):
        client.ask("life")
    perf.send_signal(signal.SIGINT)
    perf.wait()


def samples(file):
    """(command's name, process, frames from the innermost: (symbol, object)) of each sample."""
    script = subprocess.Popen(["perf", "script", "-i", file, "-F", "comm,pid,ip,sym,dso"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    head, frames = None, []
    for line in script.stdout:
        frame, sample = FRAME.match(line.rstrip()), SAMPLE.match(line.strip())
        if frame:
            frames.append(frame.groups())
        elif sample:
            head, frames = sample.groups(), []
        elif head:
            yield head[0], int(head[1]), frames
            head = None


def spent_on(frames):
    symbols = [symbol for symbol, _ in frames]
    if "do_syscall_64" in symbols:
        return kind_of(symbols)
    if "asm_exc_page_fault" in symbols:
        return "page faults"
    if any("sysvec" in symbol for symbol in symbols):
        return "interrupts"
    return "gRPC" if frames and GRPC.search(frames[0][1]) else "own code"


def kind_of(symbols):
    """Of a system call: its name is that of the function that do_syscall_64 has called."""
    entry = ENTRIES.sub("", symbols[max(symbols.index("do_syscall_64") - 1, 0)])
    kind = next((kind for kind, calls in KINDS.items() if entry in calls), "other")
    return "cgroups" if kind == "files" and any(CGROUPS.match(symbol) for symbol in symbols) else kind


def program_of(name, process, daemon):
    if process == daemon:
        return "trivet-cri"
    if name.isdigit():  # the shim, run by descriptor, until it has its name
        return "trivet-shim"
    return {"bridge": "trivet-cni"}.get(name, name)


def attribute(file, lives, daemon=None):
    """{program: {what: microseconds a life}}"""
    spent = collections.defaultdict(collections.Counter)
    for name, process, frames in samples(file):
        if process > 0:
            spent[program_of(name, process, daemon)][spent_on(frames)] += PER_SAMPLE_US / lives
    return spent


def table(spent, programs):
    lines = []
    for program in sorted(programs & set(spent), key=lambda name: -sum(spent[name].values())):
        what = [f"{name} {us:.0f}" for name, us in spent[program].most_common()]
        lines.append(f"{program}: {sum(spent[program].values()):.0f} us: " + ", ".join(what))
    return "\n".join(lines)


def profile(runtime, floor, lives, folder):
    """Prints it for a pod of `runtime`, and for one of the floor."""
    shared = {"app", "true"}
    for contender, programs in ((runtime, {"trivet-cri", "trivet-shim", "trivet-cni"}), (floor, {"cri_floor"})):
        file = str(folder / "perf.data")
        for _ in range(3):
            contender.client.ask("life")
        record(contender.client, lives, file)
        daemon = contender.daemon.pid if contender is runtime else None
        print(f"--- {contender.name}, a pod's life")
        print(table(attribute(file, lives, daemon), programs | shared))
