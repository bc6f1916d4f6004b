"""A bus of the test's own with a stand-in for systemd-logind on it (tests/conformance/login1)."""

import pathlib
import queue
import subprocess
import threading

CONFIG = """<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/><allow send_type="signal"/></policy></busconfig>"""


class Login:
    """Serves at once; a kubelet finds it by `environment`."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path):
        self.address = f"unix:path={folder}/bus"
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}
        (folder / "bus.conf").write_text(CONFIG.format(address=self.address))
        self.bus = subprocess.Popen(["dbus-daemon", "--nofork", "--print-address", "--config-file", folder / "bus.conf"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.bus.stdout.readline(), "the bus does not listen"
        self.login1 = subprocess.Popen([program], env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
        self.lines = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.expect("serves")

    def expect(self, line, patience_s=180):
        """Waits for what login1 says next."""
        try:
            said = self.lines.get(timeout=patience_s)
        except queue.Empty:
            said = "nothing"
        assert said == line, f"login1 says {said} instead of {line}"

    def _read(self):
        for line in self.login1.stdout:
            self.lines.put(line.strip())

    def prepare_for_shutdown(self):
        self.login1.stdin.write("shutdown\n")
        self.login1.stdin.flush()

    def stop(self):
        self.login1.stdin.close()
        self.login1.wait(60)
        self.reader.join()
        self.bus.kill()
        self.bus.wait(60)
        self.login1.stdout.close()
        self.bus.stdout.close()
