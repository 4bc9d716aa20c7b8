# SPDX-License-Identifier: Apache-2.0
"""The end of the process. From there on nobody enters the library any more, and long calls are asked to return."""

from __future__ import annotations

import threading
import time

from krait.errors import ClosedError

is_ending = False
# Calls that call Python back. The interpreter must not be gone when they do.
long_calls: set[object] = set()
# Threads that do not enter the library any more.
stopped: set[int] = set()


def refuse() -> None:
    """For threads that use the library while the process ends. Daemon threads, which Python stops anywhere, stop here: without a message
    of each. The main thread runs functions of atexit, and gets an error."""
    if threading.current_thread() is threading.main_thread():
        raise ClosedError("the process is ending, and krait was closed")
    stopped.add(threading.get_ident())
    while True:
        time.sleep(3600)
