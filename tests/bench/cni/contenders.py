"""What cni_bench.py compares: each can attach a pod and detach it, one process per step as a runtime does it."""

import json
import os
import pathlib
import time

SUBNETS = {"floor": 231, "plugins": 232}  # 10.N.0.0/16; a contender more counts up


class Sample:
    """Wall and processor time of one operation, in milliseconds."""

    def __init__(self, wall=0.0, cpu=0.0):
        self.wall, self.cpu = wall, cpu

    def __add__(self, other):
        return Sample(self.wall + other.wall, self.cpu + other.cpu)


def run(program, arguments, environment, text=b""):
    """(Sample, stdout). Raises RuntimeError with what the program said."""
    stdin, feed = os.pipe()
    out, stdout = os.pipe()
    os.write(feed, text)  # a pipe holds it
    os.close(feed)
    start = time.perf_counter()
    child = os.posix_spawn(program, [program, *arguments], environment, file_actions=[
        (os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, stdout, 2)])
    os.close(stdin)
    os.close(stdout)
    _, status, usage = os.wait4(child, 0)
    taken = Sample((time.perf_counter() - start) * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3)
    said = b""
    while more := os.read(out, 65536):
        said += more
    os.close(out)
    if status != 0:
        raise RuntimeError(f"{os.path.basename(program)} {environment.get('CNI_COMMAND', arguments)}: {said.decode()}")
    return taken, said


class Case:
    """`kind`: "bridge" or "routed"; with masquerade; with one host port."""

    def __init__(self, name, kind="bridge", masquerade=False, port=False):
        self.name, self.kind, self.masquerade, self.port = name, kind, masquerade, port


class Floor:
    """The kernel alone: the netlink requests, for a case without rules."""

    name = "floor"

    def __init__(self, program):
        self.program, self.bridge = program, "benchfloor"
        run(program, ["bridge", self.bridge, self.address(0)], {})

    def address(self, number):
        return f"10.{SUBNETS['floor']}.{number // 250}.{number % 250 + 1}"

    def step(self, verb, case, number, netns):
        if case.masquerade or case.port:
            raise RuntimeError("no floor for rules")
        bridge = self.bridge if case.kind == "bridge" else "-"
        return run(self.program, [verb, netns, "floor0", f"vethf{number}", bridge, self.address(number + 1)], {})[0]

    def add(self, case, number, netns):
        return self.step("add", case, number, netns)

    def delete(self, case, number, netns):
        return self.step("del", case, number, netns)


class Plugins:
    """A folder of CNI plugins."""

    def __init__(self, name, folder, state, subnet):
        self.name, self.folder, self.state = name, pathlib.Path(folder), pathlib.Path(state)
        self.subnet = f"10.{subnet}.0.0/16"
        self.route = f"198.18.{subnet}.0/24"  # not the default one: the contenders share their pods
        self.suffix = str(subnet)
        self.results = {}

    def plugins(self, case, number):
        ipam = {"type": "host-local", "ranges": [[{"subnet": self.subnet}]], "routes": [{"dst": self.route}],
                "dataDir": str(self.state / "networks")}
        common = {"cniVersion": "1.0.0", "name": f"bench{case.kind}{self.suffix}", "stateDir": str(self.state / "state")}
        if case.kind == "bridge":
            attach = {"type": "bridge", "bridge": f"bench{self.suffix}", "isGateway": True, "hairpinMode": True}
        else:
            attach = {"type": "ptp", "mode": "routed"}
        chain = [common | attach | {"ipMasq": case.masquerade, "ipam": ipam}]
        if case.port:
            port = {"hostPort": 10000 + number, "containerPort": 80, "protocol": "tcp"}
            chain.append(common | {"type": "portmap", "runtimeConfig": {"portMappings": [port]}})
        return chain

    def call(self, command, plugin, number, netns, through=()):
        """`through`: a program that runs the plugin, with its arguments."""
        environment = {"CNI_COMMAND": command, "CNI_CONTAINERID": f"pod{number}", "CNI_NETNS": netns,
                       "CNI_IFNAME": f"eth{self.suffix}", "CNI_PATH": str(self.folder), "PATH": os.environ["PATH"]}
        program, *arguments = [*through, str(self.folder / plugin["type"])]
        return run(program, arguments, environment, json.dumps(plugin).encode())

    def add(self, case, number, netns):
        total, result, done = Sample(), None, []
        for plugin in self.plugins(case, number):
            if result:
                plugin["prevResult"] = result
            try:
                taken, said = self.call("ADD", plugin, number, netns)
            except RuntimeError:
                for earlier in done:
                    self.call("DEL", earlier, number, netns)
                raise
            done.append(plugin)
            total, result = total + taken, json.loads(said)
        self.results[number] = result
        return total

    def delete(self, case, number, netns):
        total = Sample()
        result = self.results.pop(number)
        for plugin in reversed(self.plugins(case, number)):
            plugin["prevResult"] = result
            total += self.call("DEL", plugin, number, netns)[0]
        return total

    def peak(self, case, number, netns, floor):
        """KiB of the largest process of an ADD and a DEL."""
        plugin = self.plugins(case, number)[0]
        said = [self.call(command, plugin, number, netns, through=(floor, "rss"))[1] for command in ("ADD", "DEL")]
        return max(int(text.decode().splitlines()[-1].lstrip("}")) for text in said)

    def size(self):
        """Bytes of the programs that a node needs for the cases, each file once."""
        files = {(self.folder / name).resolve() for name in ("bridge", "ptp", "host-local", "portmap")}
        return sum(file.stat().st_size for file in files if file.is_file())
