"""The release binaries as processes of their own."""

import json
import os
import pathlib
import signal
import subprocess
import time

from .report import Broken


# Snapshots and retention at every segment: their files are written while the fault strikes.
TENDED = 'snapshot_bytes = "1MiB"\nretention_bytes = "2MiB"\n'


class Engine:
    """`iii serve` on a data directory, on free ports of loopback."""

    running = set()

    def __init__(self, programs, data, scratch, segment_bytes="1MiB", concurrency=8, more=""):
        self.programs = pathlib.Path(programs)
        self.data = str(data)
        self.scratch = pathlib.Path(scratch)
        self.child = None
        self.starts = 0
        self.config = self.scratch / "iii.toml"
        self.config.write_text(
            f"[queue.queues.faults]\nconcurrency = {concurrency}\nmax_retries = 4\n"
            f'backoff = "10ms"\n\n[log]\nsegment_bytes = "{segment_bytes}"\n{more}'
        )

    def launch(self):
        """Starts it and does not wait."""
        self.starts += 1
        self.ports = self.scratch / f"ports-{self.starts}.json"
        self.ports.unlink(missing_ok=True)
        self.errors = self.scratch / "engine.err"
        arguments = [
            self.programs / "iii", "serve", "--data", self.data, "--ports-file", self.ports,
            "--config", self.config, "--set", "engine.address=127.0.0.1:0",
            "--set", "http.address=127.0.0.1:0", "--set", "stream.address=127.0.0.1:0",
            "--set", "observability.dashboard=false",
        ]
        with open(self.errors, "wb") as errors:
            self.child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        Engine.running.add(self.child)

    def start(self, seconds=60):
        """Starts it and waits until it listens."""
        self.launch()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.ports.exists():
                ports = json.loads(self.ports.read_text())
                self.worker_port, self.http_port = ports["worker"], ports["http"]
                self.ports.unlink()
                return
            if self.child.poll() is not None:
                raise Broken(f"the engine did not start, exit {self.ended()}:\n{self.words()}")
            time.sleep(0.002)
        self.kill()
        raise Broken(f"the engine does not listen after {seconds} s:\n{self.words()}")

    def ended(self):
        code = self.child.returncode
        if code is not None:
            Engine.running.discard(self.child)
        return code

    def wait(self, seconds=30):
        """- Returns: the exit status, or minus the signal."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Broken(f"the engine still runs after {seconds} s:\n{self.words()}") from None
        return self.ended()

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if self.child:
            self.ended()

    def stop(self):
        """SIGTERM; the engine must end in order."""
        self.child.send_signal(signal.SIGTERM)
        code = self.wait(60)
        if code != 0:
            raise Broken(f"SIGTERM led to exit {code}:\n{self.words()}")

    def words(self):
        return self.errors.read_text(errors="replace")[-2000:]

    def retentions(self):
        """How often this life of the engine wrote old segments anew."""
        return self.errors.read_text(errors="replace").count("retention removed")

    def verify(self):
        """`iii-log verify`: 0 is sound, 1 is a torn tail; anything else is damage."""
        result = subprocess.run(
            [self.programs / "iii-log", "-D", self.data, "verify"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if result.returncode not in (0, 1):
            raise Broken(f"verify: exit {result.returncode}:\n{result.stdout}{result.stderr}")
        return result.returncode

    @staticmethod
    def kill_all():
        for child in list(Engine.running):
            if child.poll() is None:
                child.kill()
            child.wait()
        Engine.running.clear()


def is_root():
    return os.geteuid() == 0
