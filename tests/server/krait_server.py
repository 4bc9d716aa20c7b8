# SPDX-License-Identifier: Apache-2.0
"""A `krait serve` for tests: with the demo model, on a free port."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time

# The first argument of the script is the command that is tested.
KRAIT = sys.argv.pop(1) if len(sys.argv) > 1 else "krait"


class Server:
    """Its address is read from standard error, where it names it."""

    def __init__(self, *arguments: str) -> None:
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([KRAIT, "serve", "--port", "0", "--device", "cpu:threads=1", *arguments],
                                        stderr=self.log, stdout=subprocess.DEVNULL)
        for _ in range(600):
            found = re.search(r"http://[\w.]+:\d+", self.said())
            if found:
                self.url = found[0]
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"krait serve did not start: {self.said()}")

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)
