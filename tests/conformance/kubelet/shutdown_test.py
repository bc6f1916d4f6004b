"""Graceful shutdown of a node: what the kubelet does when logind says that it is near, and what becomes of the pods."""

import pathlib
import unittest

from login import Login
from node import LOGIN1, Node, wait_for

SYSTEM_CRITICAL = 2_000_000_000
PODS = {
    "worker": {"terminationGracePeriodSeconds": 3, "containers": {
        "obeys": "trap 'echo ends; exit 7' TERM; while :; do sleep 0.1; done",
        "does-not": "trap '' TERM; while :; do sleep 0.1; done"}},
    "others": {"hostUsers": False, "containers": {
        "obeys": "trap 'exit 5' TERM; cat /proc/self/uid_map; while :; do sleep 0.1; done"}},
    "critical": {"priority": SYSTEM_CRITICAL, "containers": {
        "obeys": "trap 'exit 6' TERM; while :; do sleep 0.1; done"}}}
EXIT_CODES = {("worker", "obeys"): 7, ("worker", "does-not"): 137, ("others", "obeys"): 5, ("critical", "obeys"): 6}


class ShutdownTest(unittest.TestCase):
    def setUp(self):
        self.login = Login(LOGIN1, pathlib.Path("/run"))
        self.addCleanup(self.login.stop)
        self.node = Node(self.login.environment, shutdownGracePeriod="60s", shutdownGracePeriodCriticalPods="30s")
        self.addCleanup(lambda: self.assertEqual([], self.node.stop()))
        self.login.expect("kubelet inhibits shutdown: delay")

    def await_pods(self):
        try:
            for name in PODS:
                wait_for(f"the pod {name} is ready", lambda: self.node.is_ready(name))  # pylint: disable=cell-var-from-loop
        except AssertionError:
            self.node.print_logs()
            raise

    def shut_down(self):
        self.login.prepare_for_shutdown()
        self.login.expect("kubelet lets go")

    def test_ends_pods_by_priority_with_their_grace_and_runs_them_after_it(self):
        for name, spec in PODS.items():
            self.node.place_pod(name, spec)
        self.await_pods()
        self.assertNotEqual("0", self.node.log("others", "obeys").split()[1], "its root is not the node's")
        self.shut_down()

        ends = {(pod, name): self.node.container(pod, name)["state"]["terminated"] for pod, name in EXIT_CODES}
        self.assertEqual({one: end["exitCode"] for one, end in ends.items()}, EXIT_CODES)
        self.assertEqual(max(end["finishedAt"] for end in ends.values()), ends["critical", "obeys"]["finishedAt"])
        self.assertIn("ends", self.node.log("worker", "obeys"))
        for name in PODS:
            status = self.node.pod(name)["status"]
            self.assertEqual((status["phase"], status["reason"]), ("Failed", "Terminated"))
        self.assertEqual([], [one["id"] for one in self.node.sandboxes() if one["state"] == "SANDBOX_READY"])
        self.assertEqual([], self.node.live())

        self.node.end(self.node.kubelet)
        self.node.end(self.node.cri)
        self.node.start_cri()
        self.node.start_kubelet()
        self.login.expect("kubelet inhibits shutdown: delay")
        self.await_pods()
