# SPDX-License-Identifier: Apache-2.0
"""Engines: batches, streams, cancelling, reuse."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

import krait

PROMPT = "The sea was"


@pytest.fixture
def engine(model: krait.Model) -> Iterator[krait.Engine]:
    with model.engine(max_sequences=4, max_snapshots=8) as made:
        yield made


def test_answers_are_those_of_a_session(model: krait.Model, engine: krait.Engine) -> None:
    prompts = [PROMPT, "A ship", [5, 6, 7], PROMPT]
    expected = [model.generate(prompt, max_tokens=12, seed=2, repetition_penalty=1.2) for prompt in prompts]
    answers = engine.generate(prompts, max_tokens=12, seed=2, repetition_penalty=1.2)
    assert answers == expected and [answer.tokens for answer in answers] == [answer.tokens for answer in expected]
    assert {answer.finish for answer in answers} == {"length"}


def test_choices_draw_with_seeds_of_their_own(model: krait.Model, engine: krait.Engine) -> None:
    answers = engine.submit(PROMPT, n=3, seed=5, max_tokens=10).answers()
    assert answers == [model.generate(PROMPT, seed=5 + choice, max_tokens=10) for choice in range(3)]
    with pytest.raises(krait.InvalidArgumentError, match="choices"):
        engine.submit(PROMPT, n=2, max_tokens=1).answer()


def test_pieces_and_events(model: krait.Model, engine: krait.Engine) -> None:
    expected = model.generate(PROMPT, max_tokens=10)
    assert "".join(engine.submit(PROMPT, max_tokens=10)) == expected
    events = list(engine.submit(PROMPT, max_tokens=3).events())
    assert [event.token for event in events if isinstance(event, krait.Token)] == expected.tokens[:3]
    assert events[-1] == krait.Finished(0, "length", None)


def test_async_requests_share_one_thread(model: krait.Model, engine: krait.Engine) -> None:
    expected = [model.generate(PROMPT, max_tokens=10, seed=seed) for seed in range(20)]

    async def read(seed: int) -> str:
        return "".join([piece async for piece in engine.submit(PROMPT, max_tokens=10, seed=seed)])

    async def read_all() -> list[str]:
        before = threading.active_count()
        texts = await asyncio.gather(*(read(seed) for seed in range(20)))
        assert threading.active_count() == before
        return texts

    assert asyncio.run(read_all()) == expected


def test_stop_text_cancels_the_rest(model: krait.Model, engine: krait.Engine) -> None:
    whole = model.generate(PROMPT, max_tokens=200, seed=3)
    stop = whole[20:24]
    request = engine.submit(PROMPT, max_tokens=10_000, seed=3, stop=[stop])
    answer = request.answer()
    assert answer == whole[: whole.index(stop)] and answer.finish == "stop"
    assert request.figures().generated_tokens < 10_000


def test_cancel_pause_and_deadline(engine: krait.Engine) -> None:
    request = engine.submit(PROMPT, max_tokens=-1, stop_tokens=[])
    pieces = iter(request)
    next(pieces)
    request.pause(spill=True)
    request.resume()
    request.cancel()
    list(pieces)
    assert request.answer().finish == "cancelled"
    assert engine.submit(PROMPT, max_tokens=-1, stop_tokens=[], timeout_seconds=0.05, max_events=10**6).answer().finish == "deadline"


def test_prefixes_are_reused(engine: krait.Engine) -> None:
    prompt = list(range(300, 400))
    engine.submit(prompt, max_tokens=1).answer()
    request = engine.submit([*prompt, 5], max_tokens=1)
    request.answer()
    figures = request.figures()
    assert figures.cached_tokens == 100 and request.reuse_text and engine.figures().hits == 1 and "cached_tokens=100" in repr(figures)


def test_full_queue(model: krait.Model) -> None:
    with model.engine(max_sequences=1, max_waiting_requests=2) as engine:
        requests = []
        with pytest.raises(krait.UnavailableError):
            for _ in range(10):
                requests.append(engine.submit(PROMPT, max_tokens=-1, stop_tokens=[]))
        for request in requests:
            request.close()
        while engine.figures().waiting_requests:
            time.sleep(0.01)
        assert len(engine.generate([PROMPT] * 12, max_tokens=2)) == 12


def test_closing_the_engine_ends_its_requests(model: krait.Model) -> None:
    engine = model.engine()
    request = engine.submit(PROMPT, max_tokens=-1, stop_tokens=[])
    timer = threading.Timer(0.1, engine.close)
    timer.start()
    assert request.answer().finish == "cancelled"
    timer.join()
    with pytest.raises(krait.ClosedError, match="engine was closed"):
        engine.submit(PROMPT)
    with pytest.raises(krait.InvalidArgumentError):
        model.engine(max_sequences=0)


def test_wrong_requests(engine: krait.Engine) -> None:
    with pytest.raises(krait.InvalidArgumentError):
        engine.submit([])
    with pytest.raises(krait.InvalidArgumentError):
        engine.submit([99999])
    with pytest.raises(TypeError, match="grammar"):
        engine.submit(PROMPT, grammar="x")  # type: ignore[call-arg]
