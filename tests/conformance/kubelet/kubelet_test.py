"""A real kubelet, standalone, with static pods of examples/static-pods on trivet-cri and trivet-cni."""

import pathlib
import unittest
import urllib.request

from node import Node, wait_for
from shutdown_test import ShutdownTest  # noqa: F401: it is run from here


class KubeletTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        for pod in ("web.yaml", "flaky.yaml"):
            cls.node.place(pod)
        try:
            wait_for("the pod web is ready", lambda: cls.node.is_ready("web"))
        except AssertionError:
            cls.node.print_logs()
            raise

    @classmethod
    def tearDownClass(cls):
        left = cls.node.stop()
        assert not left, f"left behind: {left}"

    def test_runs_init_containers_before_and_sidecars_beside_the_others(self):
        first = self.node.container("web", "write-page")["state"]["terminated"]
        server = self.node.container("web", "server")["state"]["running"]
        self.assertEqual(first["exitCode"], 0)
        self.assertLessEqual(first["finishedAt"], server["startedAt"])
        self.assertIn("running", self.node.container("web", "clock")["state"])

    def test_is_ready_by_exec_http_and_tcp_probes(self):
        self.assertTrue(self.node.container("web", "server")["ready"])
        self.assertTrue(self.node.container("web", "server")["started"])
        with urllib.request.urlopen(f"http://{self.node.pod('web')['status']['podIP']}/", timeout=10) as page:
            self.assertIn(b"written before the server began", page.read())

    def test_limits_memory_as_the_pod_says(self):
        (server,) = self.node.crictl("ps", "--name", "server", "-q").stdout.split()
        status = self.node.crictl("inspect", "-o", "go-template", "--template",
                                  "{{.status.resources.linux.memoryLimitInBytes}}", server)
        self.assertEqual(status.stdout.strip(), str(64 << 20))

    def test_starts_what_ends_again_and_later_each_time(self):
        wait_for("it was started three times", lambda: self.node.container("flaky", "fails").get("restartCount", 0) >= 2)
        wait_for("the kubelet backs off", lambda: "CrashLoopBackOff" in str(self.node.container("flaky", "fails").get("state")))
        self.assertEqual(self.node.container("flaky", "fails")["lastState"]["terminated"]["exitCode"], 3)

    def test_writes_on_in_a_new_file_when_the_log_was_rotated(self):
        folder = pathlib.Path("/var/log/pods")
        wait_for("the log was rotated", lambda: len(list(folder.glob("default_flaky*/talks/0.log*"))) >= 2)
        (log,) = folder.glob("default_flaky*/talks/0.log")
        wait_for("the new file is written", lambda: b"this is line number" in log.read_bytes())

    def test_keeps_pods_over_restarts_of_the_kubelet_and_of_the_runtime(self):
        before = self.node.container("web", "server")["containerID"]
        self.node.end(self.node.kubelet)
        self.node.end(self.node.cri)
        self.node.start_cri()
        self.node.start_kubelet()
        wait_for("the pod web is ready again", lambda: self.node.is_ready("web"))
        self.node.end(self.node.cri)
        self.node.start_cri()
        wait_for("the pod web is ready still", lambda: self.node.is_ready("web"))
        server = self.node.container("web", "server")
        self.assertEqual((server["containerID"], server["restartCount"]), (before, 0))

    def test_ends_a_pod_whose_manifest_goes(self):
        self.node.place("web.yaml")
        (self.node.manifests / "web.yaml").rename(self.node.folder / "away.yaml")
        try:
            wait_for("the sandbox is gone", lambda: not [one for one in self.node.sandboxes()
                                                         if one["metadata"]["name"] == "web-node"
                                                         and one["state"] == "SANDBOX_READY"])
        finally:
            (self.node.folder / "away.yaml").rename(self.node.manifests / "web.yaml")
        wait_for("the pod web is ready again", lambda: self.node.is_ready("web"))


if __name__ == "__main__":
    unittest.main()
