# SPDX-License-Identifier: Apache-2.0
"""A request to an engine: its tokens as events, its text as pieces."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from krait._c import calls
from krait._c.cell import Cell, Exclusive
from krait._c.enums import krait_event_kind, krait_finish
from krait._c.loader import lib
from krait._c.structs import krait_event, krait_failure, krait_request_figures, krait_request_options, krait_wake
from krait.errors import InvalidArgumentError, KraitError, error_of
from krait.generation import Answer, Finish

if TYPE_CHECKING:
    from krait.engine import Engine
    from krait.tokenizer import Detokenizer

# For how long a wait runs inside the library. Ctrl-C takes effect between two waits.
_WAIT_SECONDS = 0.1

_numbers = itertools.count(1)
_waiting: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}  # by a request's number, while a task waits for its events


def _wake(user: int | None) -> None:
    """Called on the engine's thread after new events."""
    waiting = _waiting.get(user or 0)
    if waiting is not None:
        loop, event = waiting
        try:
            loop.call_soon_threadsafe(event.set)
        except RuntimeError:  # the loop was closed meanwhile
            pass


wake = krait_wake(_wake)  # for all requests, so that it lives longer than any


@dataclass(frozen=True)
class Token:
    """The next token of a choice."""

    choice: int
    token: int


@dataclass(frozen=True)
class Finished:
    """A choice has ended. token: with finish "stop" the token before which it did, else None."""

    choice: int
    finish: Finish
    token: int | None


class _Choice:
    """The text of one choice."""

    def __init__(self, detokenizer: Detokenizer) -> None:
        self.detokenizer = detokenizer
        self.pieces: list[str] = []
        self.tokens: list[int] = []
        self.finish: Finish | None = None

    def add(self, event: Token | Finished) -> str:
        """The piece of text that follows."""
        if self.finish is not None:
            return ""
        if isinstance(event, Token):
            self.tokens.append(event.token)
            piece = self.detokenizer.push(event.token)
            if self.detokenizer.is_stopped:
                self.finish = "stop"
        else:
            self.finish = event.finish
            piece = self.detokenizer.finish()
        self.pieces.append(piece)
        return piece


class Request:
    """An answer in progress, made by Engine.submit().

    `for piece in request` and `async for` give the text of choice 0 as it is generated; answer() and answers() all of it; events() the tokens.
    Events are taken by one thread at a time; cancel(), pause(), resume() and figures() by any.
    """

    def __init__(self, engine: Engine, stops: Sequence[str], options: krait_request_options) -> None:
        self.prompt_tokens = options.n_tok
        self._engine = engine  # which would end this request if nothing kept it
        self._number = next(_numbers)
        self._choices = [_Choice(engine.model.tokenizer.detokenizer(stops)) for _ in range(max(options.n, 1))]
        self._has_stops = bool(stops)
        self._ended = False
        options.user = self._number
        with engine._cell.use() as pointer:
            self._cell = Cell("request", calls.create(lib.krait_engine_submit, pointer, byref(options)), lib.krait_request_free)
            # Taking events is for one thread at a time, and all else for any number.
            self._events = Exclusive("list of a request's events", self._cell._pointer, lambda pointer: None)

    # ---- events ----

    def _next(self, timeout_seconds: float) -> Token | Finished | None:
        """The next event; None where there is none in this time, and at the end (_ended)."""
        event = krait_event.init()
        with self._events.use():
            if self._ended:
                return None
            with self._cell.use() as request:
                calls.call(lib.krait_request_next, request, timeout_seconds, byref(event))
            if event.kind == krait_event_kind.END:
                self._ended = True
            taken = _event_of(event)
            if taken is not None:
                self._add(taken)
            return taken

    def _add(self, event: Token | Finished) -> None:
        choice = self._choices[event.choice]
        choice.add(event)
        # The engine knows tokens alone: a text that stops all choices ends the request.
        if self._has_stops and isinstance(event, Token) and all(other.finish is not None for other in self._choices):
            self.cancel()

    def events(self) -> Iterator[Token | Finished]:
        """The tokens of all choices as they are generated, and their ends."""
        while not self._ended:
            event = self._next(_WAIT_SECONDS)
            if event is not None:
                yield event

    # ---- text ----

    def __iter__(self) -> Iterator[str]:
        taken = 0
        while not self._ended:
            self._next(_WAIT_SECONDS)
            yield from filter(None, self._choices[0].pieces[taken:])
            taken = len(self._choices[0].pieces)
        self._raise_error()

    def __aiter__(self) -> AsyncIterator[str]:
        return self._async_pieces()

    async def _async_pieces(self) -> AsyncIterator[str]:
        taken = 0
        event = asyncio.Event()
        _waiting[self._number] = (asyncio.get_running_loop(), event)
        try:
            while not self._ended:
                event.clear()
                if self._next(0) is None and not self._ended:
                    await event.wait()
                for piece in filter(None, self._choices[0].pieces[taken:]):
                    yield piece
                taken = len(self._choices[0].pieces)
        finally:
            _waiting.pop(self._number, None)
            if not self._ended:
                self.cancel()
        self._raise_error()

    def answers(self) -> list[Answer]:
        """Waits for all choices."""
        for _ in self.events():
            pass
        self._raise_error()
        return [self._answer(choice) for choice in self._choices]

    def answer(self) -> Answer:
        """Waits for the only choice."""
        if len(self._choices) != 1:
            raise InvalidArgumentError(f"the request has {len(self._choices)} choices: answers()")
        return self.answers()[0]

    async def async_answers(self) -> list[Answer]:
        async for _ in self:
            pass
        return [self._answer(choice) for choice in self._choices]

    def _answer(self, choice: _Choice) -> Answer:
        return Answer("".join(choice.pieces), choice.tokens, choice.finish or "cancelled", self.prompt_tokens)

    def _raise_error(self) -> None:
        error = self.error
        if error is not None:
            raise error

    # ---- control ----

    def cancel(self) -> None:
        """Ends it before the next step; tokens that were generated before come first."""
        self._call(lib.krait_request_cancel)

    def pause(self, *, spill: bool = False) -> None:
        """No more tokens until resume(). spill: its states go to host memory, and others may use their places."""
        self._call(lib.krait_request_pause, int(spill))

    def resume(self) -> None:
        self._call(lib.krait_request_continue)

    def _call(self, function: Any, *arguments: Any) -> None:
        with self._cell.use() as request:
            calls.call(function, request, *arguments)

    def figures(self) -> krait_request_figures:
        """Tokens, reuse and times; complete with the last event."""
        with self._cell.use() as request:
            return calls.measured(krait_request_figures, lib.krait_request_measure, request)

    @property
    def reuse_text(self) -> str:
        """Why no more of the prompt came from a kept prefix: "nearest snapshot at 812 of 1190"; empty for a whole prompt."""
        with self._cell.use() as request:
            return calls.sized_bytes(lib.krait_request_reuse_text, request).decode()

    @property
    def error(self) -> KraitError | None:
        """Of a request that ended with "error"."""
        failure = krait_failure()
        with self._cell.use() as request:
            calls.call(lib.krait_request_error, request, byref(failure))
        return error_of(failure.code, failure.message.decode("utf-8", "replace")) if failure.code else None

    def close(self) -> None:
        """Cancels it if it has not ended. Safe to call again."""
        self._cell.close()

    def __enter__(self) -> Request:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _event_of(event: krait_event) -> Token | Finished | None:
    if event.kind == krait_event_kind.TOKEN:
        return Token(event.choice, event.token)
    if event.kind == krait_event_kind.FINISHED:
        finish: Any = krait_finish(event.finish).name.lower()
        return Finished(event.choice, finish, event.token if event.finish == krait_finish.STOP else None)
    return None
