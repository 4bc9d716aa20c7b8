# SPDX-License-Identifier: Apache-2.0
"""How functions of the library are called: failures become exceptions, Python's values become C's, and long calls can be interrupted.

ctypes lets other threads run Python during every call (it gives up the GIL).
"""

from __future__ import annotations

import ctypes
import threading
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import byref, c_int32, c_size_t, c_void_p, create_string_buffer, string_at
from typing import Any, TypeVar

from krait._c import ending
from krait._c.sized import Sized
from krait._c.structs import krait_failure, krait_progress
from krait.errors import InvalidArgumentError, error_of

S = TypeVar("S", bound=Sized)


class _Failures(threading.local):
    """One failure for each thread: a call fills it, and it is read before the next one."""

    def __init__(self) -> None:
        self.failure = krait_failure()
        self.reference = byref(self.failure)


_failures = _Failures()


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function whose last parameter is a krait_failure, which is left out here. Raises KraitError."""
    if function(*arguments, _failures.reference):
        failure = _failures.failure
        raise error_of(failure.code, failure.message.decode("utf-8", "replace"))


def create(function: Callable[..., int], *arguments: Any) -> int | None:
    """The same for a function that makes an object: its last parameters are `out` and a failure."""
    out = c_void_p()
    call(function, *arguments, byref(out))
    return out.value


def text_at(address: int | None, size: int) -> str:
    """size bytes of UTF-8."""
    return bytes_at(address, size).decode("utf-8", "replace")


def bytes_at(address: int | None, size: int) -> bytes:
    return string_at(address, size) if address else b""


def pointed_text(function: Callable[..., int], *arguments: Any) -> bytes:
    """The bytes of a function whose last parameters are `const char** text, size_t* size` and a failure."""
    text, size = c_void_p(), c_size_t()
    call(function, *arguments, byref(text), byref(size))
    return bytes_at(text.value, size.value)


def sized_bytes(function: Callable[..., int], *arguments: Any) -> bytes:
    """The bytes of a function whose last parameters are an array, its capacity, `size_t* size` and a failure."""
    size = c_size_t()
    call(function, *arguments, None, 0, byref(size))
    if size.value == 0:
        return b""
    buffer = create_string_buffer(size.value)
    call(function, *arguments, buffer, size.value, byref(size))
    return buffer.raw[: size.value]


def sized_tokens(function: Callable[..., int], *arguments: Any, room: int = 0) -> list[int]:
    """The same for an array of token ids. room: how many are expected; asks for their number where it is 0."""
    count = c_size_t()
    if room == 0:
        call(function, *arguments, None, 0, byref(count))
        room = count.value
    out = (c_int32 * max(room, 1))()
    call(function, *arguments, out, room, byref(count))
    return out[: count.value]


def tokens_of(tokens: Iterable[int]) -> Any:
    """A C array of token ids: of a list, or of a numpy array of whole numbers."""
    if isinstance(tokens, (str, bytes)):
        raise InvalidArgumentError("tokens are a list of ids; Tokenizer.encode makes them of a text")
    try:
        kept = array("i", tokens)
    except (TypeError, OverflowError) as error:
        raise InvalidArgumentError(f"tokens are whole numbers of 32 bits: {error}") from None
    return (c_int32 * len(kept)).from_buffer(kept) if kept else (c_int32 * 0)()


def sizes_of(numbers: Iterable[int]) -> Any:
    kept = list(numbers)
    if any(number < 0 for number in kept):
        raise InvalidArgumentError(f"{min(kept)} is no number of tokens")
    return (c_size_t * len(kept))(*kept)


def texts_of(texts: Sequence[str]) -> Any:
    """An array of NUL-terminated texts; it keeps them."""
    return (ctypes.c_char_p * len(texts))(*(c_text(text) for text in texts))


def c_text(text: str) -> bytes:
    """For a parameter that ends at a NUL."""
    encoded = text.encode()
    if b"\0" in encoded:
        raise InvalidArgumentError(f"{text!r} holds a NUL, and this text ends at one")
    return encoded


def address_of(data: bytes) -> int | None:
    """Where the bytes are; the caller keeps them."""
    return ctypes.cast(ctypes.c_char_p(data), c_void_p).value


def filled(kind: type[S], values: Mapping[str, Any], options: type) -> S:
    """The struct with its defaults, and these values in the fields of their names. options: the TypedDict that says which there are."""
    struct = kind.init()
    named, names = options.__name__, list(options.__annotations__)
    for name, value in values.items():
        if name not in names:
            raise TypeError(f"{named} has no '{name}'; there are {', '.join(names)}")
        try:
            setattr(struct, name, c_text(value) if isinstance(value, str) else value)
        except TypeError as error:
            raise InvalidArgumentError(f"{named}: {name} = {value!r}: {error}") from None
        # ctypes takes whole numbers of any size, and keeps their lowest bits.
        if isinstance(value, int) and getattr(struct, name) != value:
            raise InvalidArgumentError(f"{named}: {name} = {value} is out of range")
    return struct


def measured(kind: type[S], function: Callable[..., int], *arguments: Any) -> S:
    """A struct of figures that a function fills."""
    figures = kind.init()
    call(function, *arguments, byref(figures))
    return figures


Report = Callable[[int, int], object]


class Progress:
    """A krait_progress that tells a Python function, and that ends the call once it is cancelled.

    The function returns False to end the call; an exception of it ends the call too, and is raised by run().
    """

    def __init__(self, report: Report | None) -> None:
        self.callback = krait_progress(self.tell)
        self._report = report
        self._is_cancelled = False
        self.error: BaseException | None = None

    def cancel(self) -> None:
        self._is_cancelled = True

    def tell(self, user: int | None, done: int, total: int) -> int:
        if self._is_cancelled or ending.is_ending:
            return 1
        if self._report is not None:
            try:
                self._is_cancelled = self._report(done, total) is False
            except BaseException as error:
                self.error = error
                return 1
        return int(self._is_cancelled)


def run(progress: Progress, function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function that may take long, which has been given `progress`.

    Ctrl-C ends it. Python runs its handler in the main thread, at the first instruction of a callback, where nothing could catch what
    it raises; so there the call is left to another thread, for which the main thread waits.
    """
    if threading.current_thread() is not threading.main_thread():
        _raising(progress, function, arguments)
        return
    raised: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            _raising(progress, function, arguments)
        except BaseException as error:
            raised.append(error)
        finally:
            done.set()

    threading.Thread(target=work, name="krait").start()
    interrupt: BaseException | None = None
    while not done.is_set():
        try:
            done.wait()
        except BaseException as error:  # KeyboardInterrupt, or what another signal's handler raised
            interrupt = error
            progress.cancel()
    if interrupt is not None:
        raise interrupt
    if raised:
        raise raised[0]


def _raising(progress: Progress, function: Callable[..., int], arguments: tuple[Any, ...]) -> None:
    ending.long_calls.add(progress)
    try:
        call(function, *arguments)
    except BaseException:
        if ending.is_ending:  # for which the call was cancelled: nobody waits for its error
            ending.long_calls.discard(progress)
            ending.refuse()
        if progress.error is not None:
            raise progress.error from None
        raise
    finally:
        ending.long_calls.discard(progress)
