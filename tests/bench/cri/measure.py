"""What is measured: each function gives {runtime's name: figures}."""

from groups import controllers

PROBE_SECONDS, PROBES_PER_SECOND = 10, 10


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def add(times, answer):
    for call, values in answer["ms"].items():
        times.setdefault(call, []).extend(values)


def lives(runtimes, rounds):
    """One pod after the other, in turn: times of each call, and CPU time of the whole life."""
    figures = {runtime.name: {"ms": {}, "cpu_ms": []} for runtime in runtimes}
    for runtime in runtimes:
        for _ in range(3):
            runtime.client.ask("life")
    for _ in range(rounds):
        for runtime in runtimes:
            before = runtime.group.cpu_seconds()
            add(figures[runtime.name]["ms"], runtime.client.ask("life"))
            figures[runtime.name]["cpu_ms"].append((runtime.group.cpu_seconds() - before) * 1000)
    return figures


def execs(runtimes, rounds, batch=10):
    """ExecSync of /bin/true in a running container, in turns of `batch`."""
    figures = {runtime.name: {"ms": [], "cpu_ms": []} for runtime in runtimes}
    for runtime in runtimes:
        runtime.client.ask("up 1 1")
        runtime.client.ask("exec 5")
    for _ in range(rounds):
        for runtime in runtimes:
            before = runtime.group.cpu_seconds()
            figures[runtime.name]["ms"] += runtime.client.ask(f"exec {batch}")["ms"]["ExecSync"]
            figures[runtime.name]["cpu_ms"].append((runtime.group.cpu_seconds() - before) * 1000 / batch)
    for runtime in runtimes:
        before = runtime.group.cpu_seconds()
        runtime.client.ask(f"probes {PROBE_SECONDS} {PROBES_PER_SECOND}")
        figures[runtime.name]["probes_core_percent"] = (
            (runtime.group.cpu_seconds() - before) / PROBE_SECONDS * 100)
        runtime.client.ask("down 1")
    return figures


def crowd(runtime, pods, workers, starts):
    """`pods` pods at once: how fast they come, what they weigh, how long the lists take."""
    empty = runtime.overhead()
    figures = {"daemon_rss_kib_0": runtime.daemon_rss_kib()}
    up = runtime.client.ask(f"up {pods} {workers}")
    figures["pods_per_s"] = pods / up["seconds"]
    figures["ready_ms"] = up["ms"]["ready"]
    full = runtime.overhead()
    figures["daemon_rss_kib_100"] = runtime.daemon_rss_kib()
    for key in ("pss_kib", "kernel_kib", "processes", "shim_threads"):
        figures[key + "_per_pod"] = (full[key] - empty[key]) / pods
    # Apart: what the statistics leave of the caches is not the names' matter, and a p99 wants many.
    stats = runtime.client.ask("lists-and-stats 50")["ms"] if "memory" in controllers() else {}
    figures["lists_ms"] = {**stats, **runtime.client.ask("lists 500")["ms"]}
    figures["lists_under_starts_ms"] = lists_under_starts(runtime, pods, starts)
    down = runtime.client.ask(f"down {workers}")
    figures["gone_per_s"] = (pods + starts) / down["seconds"]
    return figures


def lists_under_starts(runtime, pods, starts):
    """By a client of its own: threads that start pods hold locks of theirs."""
    lister, over = runtime.new_client(), runtime.folder / "started"
    lister.tell(f"lists-until {over} {pods}")
    runtime.client.ask(f"up {starts} {starts}")
    over.touch()
    times = lister.answer()["ms"]
    lister.end()
    over.unlink()
    return times
