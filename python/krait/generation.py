# SPDX-License-Identifier: Apache-2.0
"""Text from a model, piece by piece or at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from ctypes import byref, c_float, c_int32, c_size_t, c_void_p, memmove
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from krait._c import calls
from krait._c.enums import krait_want
from krait._c.loader import lib
from krait.chat import Prompt
from krait.errors import InvalidArgumentError, StaleError
from krait.grammar import Grammar, GrammarState, grammar_of
from krait.sampling import Sampler, SamplingOptions
from krait.session import Item, Session, single_item
from krait.tokenizer import Detokenizer
from krait.views import numpy

if TYPE_CHECKING:
    from krait.model import Model

Finish = Literal["stop", "length", "cancelled", "deadline", "error"]
Constraint = Callable[[Any], object]
Text = str | Iterable[int] | Prompt
T = TypeVar("T")


class TextOptions(SamplingOptions, total=False):
    """How a text is generated; with the options of sampling."""

    max_tokens: int  # 128
    stop: Sequence[str]  # texts before the first of which it ends
    grammar: Grammar | str | None  # what it obeys; a text is GBNF
    schema: Any  # JSON that obeys this schema: a dict, its text or a pydantic model
    regex: str | None  # the whole text matches
    constraint: Constraint | None  # changes a float32 array [n_token] of logits before each choice; -inf forbids a token
    control: bool  # texts of control tokens in the prompt become those tokens (False)


class Answer(str):
    """A text that a model wrote, with its tokens and why it ended.

    finish: "stop" (an end token, a stop text, or a grammar that is complete), "length" (max_tokens), or "cancelled", "deadline" and "error"
    of an engine.
    """

    tokens: list[int]
    finish: Finish
    prompt_tokens: int

    def __new__(cls, text: str, tokens: list[int], finish: Finish, prompt_tokens: int) -> Answer:
        answer = super().__new__(cls, text)
        answer.tokens, answer.finish, answer.prompt_tokens = tokens, finish, prompt_tokens
        return answer

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (str(self), self.tokens, self.finish, self.prompt_tokens)


@dataclass(frozen=True)
class Plan:
    """Everything that a stream needs besides a session."""

    prompt: Text
    max_tokens: int = 128
    stop: Sequence[str] = ()
    grammar: Grammar | None = None
    constraint: Constraint | None = None
    control: bool = False
    sampling: SamplingOptions = field(default_factory=SamplingOptions)


def plan_of(prompt: Text, options: TextOptions) -> Plan:
    """What a stream needs, of the options of generate()."""
    given = dict(options)
    grammar = grammar_of(given.pop("grammar", None), given.pop("schema", None), given.pop("regex", None))  # type: ignore[arg-type]
    own = {name: given.pop(name) for name in ("max_tokens", "constraint", "control") if name in given}
    stop = given.pop("stop", ())
    return Plan(prompt, stop=[stop] if isinstance(stop, str) else list(stop or ()), grammar=grammar, sampling=given, **own)  # type: ignore


def prompt_tokens(model: Model, prompt: Text, *, control: bool = False, begin: bool = True) -> list[int]:
    """Token ids of a text, of a rendered conversation, or as they are."""
    if isinstance(prompt, Prompt):
        return prompt.tokens
    if isinstance(prompt, str):
        return model.tokenizer.encode(prompt, control=control, begin=begin)
    return list(prompt)


class Stream:
    """Pieces of text as they are generated: `for piece in stream`, or `async for`. Each is valid text; none is empty.

    tokens and finish grow with it. close() ends it early, `with stream:` too; a Stream of Model.stream() gives its session back then.
    Threads: one at a time; streams of different sessions run side by side.
    """

    def __init__(self, session: Session, plan: Plan, sequence: int = 0, done: Callable[[], None] | None = None) -> None:
        """done: called once, when the stream has ended or was closed."""
        self._done: Callable[[], None] | None = done
        self._closed = False
        self._parts: list[Sampler | Detokenizer | GrammarState] = []  # that end with it
        self._lock = threading.Lock()
        self._session = session
        self._sequence = sequence
        self._plan = plan
        self.tokens: list[int] = []
        self.finish: Finish | None = None
        try:
            self._prepare(session.model)
        except BaseException:
            self._release()
            raise

    def _prepare(self, model: Model) -> None:
        plan = self._plan
        if plan.max_tokens < 0:
            raise InvalidArgumentError(f"max_tokens is {plan.max_tokens}: 0 or more")
        self._start = self._session.length(self._sequence)
        tokens = prompt_tokens(model, plan.prompt, control=plan.control, begin=self._start == 0)
        if not tokens:
            raise InvalidArgumentError("the prompt has no tokens")
        self.prompt_tokens = len(tokens)
        self._next: list[int] | None = tokens  # what the sequence reads before the next token is chosen
        self._sampler = Sampler(**plan.sampling)
        self._sampler.accept(tokens)
        self._ends = frozenset(model.tokenizer.ends)
        self._detokenizer = model.tokenizer.detokenizer(plan.stop)
        self._state = plan.grammar.state(model) if plan.grammar is not None else None
        self._parts = [self._sampler, self._detokenizer, *([self._state] if self._state is not None else [])]
        self._changes_logits = self._state is not None or plan.constraint is not None
        top_k = 0 if self._changes_logits or not model.has_top_k else self._sampler.needs()
        self._want, self._top_k = (krait_want.TOP, top_k) if top_k else (krait_want.LAST, 0)
        self._token = (c_int32 * 1)()
        self._item = single_item(self._sequence, self._token, self._want, self._top_k)
        self._logits = (c_float * len(model.tokenizer))() if self._changes_logits else None

    # ---- one token ----

    def _read(self) -> None:
        """What was chosen, or the prompt. The sequence must be where this stream left it."""
        session = self._session
        if session.length(self._sequence) != self._start:
            raise StaleError(f"sequence {self._sequence} was changed by somebody else: it has {session.length(self._sequence)} tokens, and this stream "
                             f"left it with {self._start}")
        assert self._next is not None
        if len(self._next) == 1:
            self._token[0] = self._next[0]
            session._step(self._item)
        else:
            session.decode([Item(self._next, self._sequence, "top" if self._want == krait_want.TOP else "last", top_k=self._top_k)])
        self._start += len(self._next)
        self._next = None

    def _choose(self) -> int:
        session, buffer = self._session, self._logits
        if buffer is None:
            return session.sample(self._sampler)
        numbers, size = c_void_p(), c_size_t()
        with session._cell.use() as pointer:
            calls.call(lib.krait_session_logits, pointer, 0, 0, byref(numbers), byref(size))
            memmove(buffer, numbers, 4 * len(buffer))
        if self._plan.constraint is not None:
            self._plan.constraint(numpy().ctypeslib.as_array(buffer))
        if self._state is not None:
            self._state._apply(buffer)
        token = self._sampler._sample(buffer)
        self._sampler.accept([token])
        return token

    def _step(self) -> str | None:
        """The next piece, which may be empty; None at the end."""
        if self.finish is not None:
            return None
        if len(self.tokens) >= self._plan.max_tokens:
            return self._finish_with("length")
        with self._session.claimed():
            self._read()
            token = self._choose()
        if token in self._ends:
            return self._finish_with("stop")
        self.tokens.append(token)
        self._next = [token]
        if self._state is not None:
            self._state.accept(token)
        piece = self._detokenizer.push(token)
        if self._detokenizer.is_stopped:
            self.finish = "stop"
        elif self._state is not None and self._state.is_finished:
            self.finish = "stop"
            piece += self._detokenizer.finish()
        return piece

    def _finish_with(self, finish: Finish) -> str:
        self.finish = finish
        return self._detokenizer.finish()

    # ---- iteration ----

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        piece = self._piece()
        if piece is None:
            raise StopIteration
        return piece

    def _piece(self) -> str | None:
        """The next piece that is not empty; None at the end."""
        with self._lock:
            try:
                while not self._closed:
                    piece = self._step()
                    if piece is None:
                        break
                    if piece:
                        return piece
            except BaseException:
                self._release()
                raise
            self._release()
            return None

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> str:
        piece = await in_thread(self._piece, self.close)
        if piece is None:
            raise StopAsyncIteration
        return piece

    def answer(self) -> Answer:
        """Reads it to the end: all its text that was not taken as pieces yet."""
        return self._answer(list(self))

    async def async_answer(self) -> Answer:
        return self._answer([piece async for piece in self])

    def _answer(self, pieces: list[str]) -> Answer:
        return Answer("".join(pieces), self.tokens, self.finish or "cancelled", self.prompt_tokens)

    # ---- life ----

    def _release(self) -> None:
        self._closed = True
        for part in self._parts:
            part.close()
        done, self._done = self._done, None
        if done is not None:
            done()

    def close(self) -> None:
        """Ends it; waits for the token in progress. Safe to call again."""
        with self._lock:
            self._release()

    def __del__(self) -> None:
        if getattr(self, "_done", None) is not None:
            self._release()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


async def in_thread(work: Callable[[], T], abandon: Callable[[], None]) -> T:
    """The result of `work`, which another thread does. Where the task is cancelled meanwhile, `abandon` is called when the work is over."""
    def leave(done: asyncio.Future[T]) -> None:
        if not done.cancelled():
            done.exception()  # taken, as nobody waits for it any more
        abandon()

    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        future.add_done_callback(leave)
        raise
