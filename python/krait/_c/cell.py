# SPDX-License-Identifier: Apache-2.0
"""Objects of the library, owned: nobody uses one that was freed, whatever threads, signals, garbage collection, fork() and the end of the
process do.

    with cell.use() as pointer: lib.krait_...(pointer, ...)

    Cell        for objects that many threads may use at once (models, engines, grammars)
    Exclusive   for objects that are used by one thread at a time (sessions, samplers, ...): another one gets BusyError

close() may be called at any time and from any thread, more than once. Calls in progress end as they would, the last of them frees the object, and
later ones raise ClosedError. At the end of the process everything is closed before the interpreter takes itself apart, so that no thread of
the library runs Python afterwards.

Python raises KeyboardInterrupt between any two instructions, those of __enter__ and __exit__ too, so nothing is counted there. A use is an object:
it ends when it dies, at the latest when the `with` is left. An object of the library is freed when the last that refers to its token dies.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable

from krait._c import ending
from krait.errors import BusyError, ClosedError

# For how long the end of the process waits for calls of daemon threads. They return after one run; what takes longer is not freed.
_PATIENCE_SECONDS = 60.0

_live: weakref.WeakSet[Cell] = weakref.WeakSet()


class _Token:
    """Dies with the last use of a closed object."""

    __slots__ = ("__weakref__",)


class Use:
    """One call, or several that belong together. Made by Cell.use()."""

    __slots__ = ("__weakref__", "_cell", "_token", "thread")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._token: _Token | None = None
        self.thread = threading.get_ident()

    def __enter__(self) -> int:
        self._token = self._cell._begin(self)
        return self._cell._pointer

    def __exit__(self, *error: object) -> None:
        self._token = None

    def give_up(self) -> None:
        self._token = None

    @property
    def is_active(self) -> bool:
        return self._token is not None


class Cell:
    """An object of the library. kind: what it is called in messages. free: its krait_*_free."""

    def __init__(self, kind: str, pointer: int | None, free: Callable[[int], None]) -> None:
        assert pointer, f"the library made no {kind}"
        self.kind = kind
        self._pointer = pointer
        self._token: _Token | None = _Token()
        self._freed = weakref.finalize(self._token, free, pointer)
        self._freed.atexit = False
        self._lock = threading.Lock()
        self._uses: list[weakref.ref[Use]] = []
        self._closed = "was closed"  # what a message says where it is
        _live.add(self)

    def use(self) -> Use:
        return Use(self)

    def _begin(self, use: Use) -> _Token:
        if ending.is_ending:
            ending.refuse()
        with self._lock:
            token = self._token
            if token is None:
                raise ClosedError(f"this {self.kind} {self._closed}")
            self._check()
            self._uses = [other for other in self._uses if _is_active(other)]
            self._uses.append(weakref.ref(use))
            return token

    def _check(self) -> None:
        """Raises where this thread may not use the object now. Called with the lock."""

    @property
    def is_open(self) -> bool:
        return self._token is not None

    @property
    def is_freed(self) -> bool:
        return not self._freed.alive

    def close(self) -> None:
        with self._lock:
            self._token = None
            is_used = bool(self.threads())
        # Else the last use frees it. Here, and not when the token dies, as an interrupt would be lost there.
        if not is_used:
            self._freed()

    def threads(self) -> set[int]:
        """That use it now."""
        return {use.thread for use in (other() for other in self._uses) if use is not None and use.is_active}

    def abandon(self) -> None:
        """At the end of the process: threads that use it will call the library no more."""
        for other in self._uses:
            use = other()
            if use is not None:
                use.give_up()

    def forget(self) -> None:
        """In the child of a fork(): its threads are in the parent, so it can be neither used nor freed."""
        self._lock = threading.Lock()
        self._freed.detach()
        self._token, self._uses = None, []
        self._closed = "was made before fork(), by another process: load models in the process that uses them"


class Exclusive(Cell):
    """An object for one thread at a time. The same thread may begin a use inside another one."""

    def _check(self) -> None:
        if self.threads() - {threading.get_ident()}:
            raise BusyError(f"this {self.kind} is in use by another thread; nothing has changed. Use one {self.kind} for each thread, or a lock")


def _is_active(reference: weakref.ref[Use]) -> bool:
    use = reference()
    return use is not None and use.is_active


def _in_child() -> None:
    for cell in list(_live):
        cell.forget()


def _all_cells() -> list[Cell]:
    while True:
        try:
            return list(_live)
        except RuntimeError:  # a daemon thread has made one meanwhile
            continue


def _at_exit() -> None:
    ending.is_ending = True
    # This thread calls nothing now: a use of it is kept by the traceback of an interrupted call.
    ending.stopped.add(threading.get_ident())
    cells = _all_cells()
    for cell in cells:
        cell.close()
    end = time.monotonic() + _PATIENCE_SECONDS
    while (ending.long_calls or any(cell.threads() - ending.stopped for cell in cells)) and time.monotonic() < end:
        time.sleep(0.002)
    for cell in cells:
        if not cell.threads() - ending.stopped:
            cell.abandon()


os.register_at_fork(after_in_child=_in_child)
atexit.register(_at_exit)
