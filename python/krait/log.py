# SPDX-License-Identifier: Apache-2.0
"""Messages of backend plugins and their drivers."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Any

from krait._c import calls
from krait._c.enums import krait_severity as Severity
from krait._c.loader import lib
from krait._c.structs import krait_log

__all__ = ["Severity", "set_log"]

_set: Any = None  # the callback that the library has: it must live as long


def set_log(say: Callable[[Severity, str], object] | None) -> None:
    """say(severity, message) receives the messages of the whole process from now on; None: they are dropped, as at the beginning.

    Called from any thread, by one at a time; it must not use krait. An exception of it is printed and goes no further.
    """
    global _set
    if say is None:
        made = krait_log()
    else:
        told = say
        made = krait_log(lambda user, severity, message: told(Severity(severity), (message or b"").decode("utf-8", "replace")))
    calls.call(lib.krait_log_set, made, None)
    _set = made


atexit.register(set_log, None)
