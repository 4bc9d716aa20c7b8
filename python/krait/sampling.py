# SPDX-License-Identifier: Apache-2.0
"""How the next token is chosen (include/krait/sampler.h says in which order the options apply)."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import byref, c_float, c_int32
from typing import Any, TypedDict, Unpack

from krait._c import calls
from krait._c.cell import Exclusive
from krait._c.loader import lib
from krait._c.structs import krait_sampler_options


class SamplingOptions(TypedDict, total=False):
    """Options of a sampler; those that are left out have the defaults of the C API."""

    temperature: float  # 0 or more (0.8); 0: always the most likely token
    top_k: int  # only the k most likely tokens (40); 0: all
    top_p: float  # only the most likely tokens that have this probability together (0.95); 1: all
    min_p: float  # only tokens with this share of the highest probability (0); 0: all
    repetition_penalty: float  # more than 0 (1: none); above 1: tokens of the latest ones are less likely
    repetition_window: int  # how many tokens those are (64), at most 1024
    seed: int  # of the random numbers (0); the same seed and logits give the same tokens on every machine


def sampler_options(values: SamplingOptions) -> krait_sampler_options:
    return calls.filled(krait_sampler_options, values, SamplingOptions)


class Sampler:
    """Chooses tokens of one sequence, and remembers its latest ones for the repetition penalty.

    Threads: one at a time. Session.sample and streams use it too.
    """

    def __init__(self, **options: Unpack[SamplingOptions]) -> None:
        self._set(calls.create(lib.krait_sampler_create, byref(sampler_options(options))))

    def _set(self, pointer: int | None) -> None:
        self._cell = Exclusive("sampler", pointer, lib.krait_sampler_free)

    def needs(self) -> int:
        """How many of the most likely tokens it chooses from; 0: it needs all logits."""
        top_k = c_int32()
        with self._cell.use() as pointer:
            calls.call(lib.krait_sampler_needs, pointer, byref(top_k))
        return top_k.value

    def sample(self, logits: Iterable[float]) -> int:
        """Chooses a token by logits of the application's, [n_token]; -inf forbids one. Does not remember it."""
        values = list(logits)
        return self._sample((c_float * len(values))(*values))

    def _sample(self, logits: Any) -> int:
        token = c_int32()
        with self._cell.use() as pointer:
            calls.call(lib.krait_sampler_sample, pointer, logits, len(logits), byref(token))
        return token.value

    def accept(self, tokens: Iterable[int]) -> None:
        """Remembers tokens that it did not choose, such as those of a prompt."""
        array = calls.tokens_of(tokens)
        with self._cell.use() as pointer:
            calls.call(lib.krait_sampler_accept, pointer, array, len(array))

    def reset(self) -> None:
        """The random numbers of the seed from the first on, and nothing remembered."""
        with self._cell.use() as pointer:
            lib.krait_sampler_reset(pointer)

    def clone(self) -> Sampler:
        """One that chooses what this one would from now on: for a fork."""
        copy = Sampler.__new__(Sampler)
        with self._cell.use() as pointer:
            copy._set(calls.create(lib.krait_sampler_clone, pointer))
        return copy

    def close(self) -> None:
        """Frees it. Safe to call again."""
        self._cell.close()

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
