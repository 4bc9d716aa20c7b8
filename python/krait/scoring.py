# SPDX-License-Identifier: Apache-2.0
"""How likely a model thinks that a text goes on in given ways: what benchmarks with several choices ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from krait.errors import InvalidArgumentError
from krait.session import Item, Session

if TYPE_CHECKING:
    from krait.model import Model

# Rows of logits of a run, all sequences together: 256 rows of a vocabulary of 50,000 are 51 MB.
_MAX_ROWS = 256


class Score(NamedTuple):
    """logprob: the sum of ln p of the tokens of a continuation. is_greedy: each of them was the most likely one."""

    logprob: float
    is_greedy: bool


class Scorer:
    """Scores continuations of a context, which is read once: the others are forks of its state. Threads: one at a time. Needs numpy."""

    def __init__(self, model: Model, *, max_continuations: int = 8) -> None:
        """max_continuations: scored in the same runs; each takes the memory of one state."""
        self._count = max_continuations
        self._session = Session(model, max_sequences=max_continuations + 1)

    def score(self, context: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[Score]:
        """A score for each continuation (1 token or more), after a context (1 token or more)."""
        if not context or not all(continuations):
            raise InvalidArgumentError("a context and its continuations have one token or more")
        session = self._session
        session.reset(0)
        if len(context) > 1:
            session.read(context[:-1], 0, want="none")
        scores: list[Score] = []
        for first in range(0, len(continuations), self._count):
            scores += self._score_together(context[-1], continuations[first : first + self._count])
        return scores

    def _score_together(self, last: int, continuations: Sequence[Sequence[int]]) -> list[Score]:
        session = self._session
        logprobs, greedy = [0.0] * len(continuations), [True] * len(continuations)
        for index in range(len(continuations)):
            session.fork(0, index + 1)
        read = 0
        rows = max(_MAX_ROWS // len(continuations), 1)
        while True:
            # Token i of what is read predicts token i of the continuation.
            parts = [(index, [last, *tokens][read : read + rows], tokens[read : read + rows]) for index, tokens in enumerate(continuations)
                     if read < len(tokens)]
            if not parts:
                return [Score(*pair) for pair in zip(logprobs, greedy, strict=True)]
            session.decode([Item(given[: len(wanted)], index + 1, want="all") for index, given, wanted in parts])
            for item, (index, _, wanted) in enumerate(parts):
                for row, token in enumerate(wanted):
                    logprobs[index] += session.logprobs([token], item, row)[0]
                    greedy[index] = greedy[index] and session.logits_view(item, row).argmax() == token
            read += rows

    def close(self) -> None:
        """Frees its session. Safe to call again."""
        self._session.close()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
