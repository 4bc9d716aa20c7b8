# SPDX-License-Identifier: Apache-2.0
"""Many requests on one model: batches, kept prefixes, priorities (docs/engine.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import byref, pointer
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from krait._c import calls
from krait._c.cell import Cell
from krait._c.loader import lib
from krait._c.structs import krait_engine_figures, krait_engine_options, krait_request_options
from krait.chat import Prompt
from krait.errors import UnavailableError
from krait.generation import Answer, prompt_tokens
from krait.request import Request, wake
from krait.sampling import SamplingOptions, sampler_options

if TYPE_CHECKING:
    from krait.model import Model


class EngineOptions(TypedDict, total=False):
    """Memory and limits of an engine (include/krait/engine.h); those that are left out have the defaults of the C API."""

    max_sequences: int  # choices in progress at the same time; each takes one state (16)
    max_batch_tokens: int  # rows of a step (512)
    max_snapshots: int  # prefixes that are kept on the device; each takes one state (32)
    max_cached_tokens: int  # with attention: of all sequences together (0: enough)
    max_sequence_tokens: int  # with attention: of one sequence
    step_seconds: float  # how long a step with prompts may take while answers are in progress (0.05)
    max_waiting_requests: int  # one more is UnavailableError (512); 0: no limit
    max_waiting_tokens: int  # of prompts that are not read yet; the same (0)
    max_host_bytes: int  # host memory for prefixes that lose their place on the device (0)
    folder: str  # for prefixes that lose their place in host memory
    max_folder_bytes: int  # 0: no limit


class RequestOptions(SamplingOptions, total=False):
    """A request's limits and its place in the queue; with the options of sampling. The repetition penalty applies to the prompt too."""

    max_tokens: int  # of each choice (128); -1: up to an end token
    n: int  # choices: forks of one sequence after the prompt; choice i draws with seed + i (1)
    stop: Sequence[str]  # texts before the first of which a choice ends
    stop_tokens: Sequence[int]  # tokens before which a choice ends (the model's end tokens)
    priority: int  # higher ones are admitted, and read, before all others (0)
    key: str  # whose it is: keys share the engine by their weights
    weight: float  # of the key (1)
    timeout_seconds: float  # after which it ends with "deadline" (0: never)
    message_ends: Sequence[int]  # after how many tokens of the prompt a state is kept
    reuse: bool  # continues from kept prefixes (True)
    keep: bool  # later requests may continue from its prefixes (True)
    max_events: int  # that wait to be taken; without room for more it pauses (256)
    control: bool  # texts of control tokens in the prompt become those tokens (False)


class Engine:
    """Answers many requests on one model, on a thread of its own. Made by Model.engine(); keeps its model alive.

    On a CPU an answer has the tokens that it would have alone. Threads: any number at once.
    A grammar, schema or constraint is not offered: the C API has none for requests (Model.stream has).
    """

    def __init__(self, model: Model, **options: Unpack[EngineOptions]) -> None:
        """OutOfMemoryError where the states do not fit."""
        struct = calls.filled(krait_engine_options, options, EngineOptions)
        self.model = model
        with model._cell.use() as of:
            self._cell = Cell("engine", calls.create(lib.krait_engine_create, of, byref(struct)), lib.krait_engine_free)

    def submit(self, prompt: str | Iterable[int] | Prompt, **options: Unpack[RequestOptions]) -> Request:
        """Begins an answer: `for piece in request`, `async for`, request.answer(), request.answers().

        UnavailableError: the queue is full, try again later. InvalidArgumentError: it could never run.
        """
        given: dict[str, Any] = {"max_tokens": 128, **options}
        tokens = calls.tokens_of(prompt_tokens(self.model, prompt, control=given.pop("control", False)))
        texts = given.pop("stop", ())
        ends = given.pop("stop_tokens", None)
        stops = calls.tokens_of(self.model.tokenizer.ends if ends is None else ends)
        message_ends = calls.sizes_of(given.pop("message_ends", ()))
        sampling = {name: given.pop(name) for name in SamplingOptions.__annotations__ if name in given}
        sampler = sampler_options(sampling)  # type: ignore[arg-type]
        struct = calls.filled(krait_request_options, given, RequestOptions)
        struct.tokens, struct.n_tok = tokens, len(tokens)
        struct.sampler = pointer(sampler)
        struct.stops, struct.n_stop = stops, len(stops)
        struct.message_ends, struct.n_message_end = message_ends, len(message_ends)
        struct.wake = wake
        return Request(self, [texts] if isinstance(texts, str) else texts, struct)

    def generate(self, prompts: Iterable[str | Iterable[int] | Prompt], **options: Unpack[RequestOptions]) -> list[Answer]:
        """The answers to many prompts, in their order; they are computed together. With n > 1 those of a prompt follow each other.

        More prompts than max_waiting_requests are submitted as others end.
        """
        submitted: list[Request] = []
        answers: dict[int, list[Answer]] = {}
        first = 0  # of the requests whose answers are not taken
        try:
            for prompt in prompts:
                while True:
                    try:
                        submitted.append(self.submit(prompt, **options))
                        break
                    except UnavailableError:
                        if first == len(submitted):
                            raise
                        answers[first] = submitted[first].answers()
                        first += 1
            while first < len(submitted):
                answers[first] = submitted[first].answers()
                first += 1
        finally:
            for request in submitted:
                request.close()
        return [answer for index in range(len(submitted)) for answer in answers[index]]

    def figures(self) -> krait_engine_figures:
        """Queue, steps, hits and memory. Never waits for a step."""
        with self._cell.use() as engine:
            return calls.measured(krait_engine_figures, lib.krait_engine_measure, engine)

    def close(self) -> None:
        """Ends all requests as "cancelled", and waits for the step in progress. Requests stay valid. Safe to call again."""
        self._cell.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
