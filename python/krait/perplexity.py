# SPDX-License-Identifier: Apache-2.0
"""How well a model predicts a text (docs/evaluation.md)."""

from __future__ import annotations

import os
from collections.abc import Callable
from ctypes import byref
from typing import Any, TypedDict

from krait._c import calls
from krait._c.cell import Cell
from krait._c.loader import lib
from krait._c.structs import krait_perplexity, krait_perplexity_options, krait_perplexity_options_progress


class PerplexityOptions(TypedDict, total=False):
    """Windows and files (include/krait/perplexity.h); those that are left out have the defaults of the C API."""

    context: int  # tokens of a window, of which the second half is scored (512)
    stride: int  # a window begins every `stride` tokens, and its last ones are scored (0: none)
    is_stream: bool  # the whole text is one window
    batch: int  # windows that are read together (4)
    max_tokens: int  # 0: all
    save: str | os.PathLike[str]  # a file for the predicted probabilities, as a later `base`
    base: str | os.PathLike[str]  # probabilities of another model, to compare with
    progress: Callable[[int, int, float], object]  # (tokens read, of, mean nll so far); False ends it (Cancelled), and so does Ctrl-C


def measure(model: Cell, text: str | bytes, options: PerplexityOptions) -> krait_perplexity:
    given: dict[str, Any] = dict(options)
    report = given.pop("progress", None)
    for name in ("save", "base"):
        if name in given:
            given[name] = os.fspath(given[name])
    struct = calls.filled(krait_perplexity_options, given, PerplexityOptions)
    mean = [float("nan")]
    told = calls.Progress(None if report is None else lambda done, total: report(done, total, mean[0]))

    def tell(user: int | None, done: int, total: int, mean_nll: float) -> int:
        mean[0] = mean_nll
        return told.tell(user, done, total)

    struct.progress = krait_perplexity_options_progress(tell)
    encoded = text.encode() if isinstance(text, str) else text
    out = krait_perplexity.init()
    with model.use() as pointer:
        calls.run(told, lib.krait_perplexity_measure, pointer, encoded, len(encoded), byref(struct), byref(out))
    return out
