# SPDX-License-Identifier: Apache-2.0
"""Many threads: random sequences of calls give what they give alone, misuse raises, and nothing grows."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import krait

from .conftest import DEVICE, FULL, TEMPLATE

N_THREAD = 4

sequences = st.integers(0, 3)  # one more than the session has: some calls fail
tokens = st.lists(st.integers(0, 4100), min_size=0, max_size=6)
texts = st.text(max_size=12)

# A call: its name and its arguments; Program.<name> carries it out.
CALLS = st.one_of(
    st.tuples(st.just("read"), tokens, sequences, st.sampled_from(["none", "last", "all"])),
    st.tuples(st.just("generate"), tokens, sequences, st.integers(0, 4), st.integers(0, 2**32)),
    st.tuples(st.just("fork"), sequences, sequences),
    st.tuples(st.just("snapshot"), sequences),
    st.tuples(st.just("rollback"), sequences, st.integers(0, 8)),
    st.tuples(st.just("reset"), sequences),
    st.tuples(st.just("save_and_load"), sequences, sequences, st.integers(0, 1000) | st.none()),
    st.tuples(st.just("encode"), texts),
    st.tuples(st.just("match"), texts),
    st.tuples(st.just("obey"), st.integers(1, 4)),
    st.tuples(st.just("chat"), texts),
    st.tuples(st.just("text"), texts, st.integers(0, 5)),
    st.tuples(st.just("submit"), tokens, st.integers(0, 4), st.integers(-1, 3)),
    st.tuples(st.just("cancelled")),
    st.tuples(st.just("stale")),
    st.tuples(st.just("close")),
)
PROGRAMS = st.lists(st.lists(CALLS, min_size=1, max_size=10), min_size=N_THREAD, max_size=N_THREAD)


class Program:
    """A session of its own, on a model and an engine that all share."""

    def __init__(self, model: krait.Model, engine: krait.Engine, grammar: krait.Grammar, template: krait.ChatTemplate) -> None:
        self.model, self.engine, self.grammar, self.template = model, engine, grammar, template
        self.session = model.session(max_sequences=3, max_snapshots=2)

    def run(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        results = []
        for name, *arguments in calls:
            try:
                results.append(getattr(self, name)(*arguments))
            except krait.KraitError as error:
                results.append((type(error).__name__, str(error)))
        self.session.close()
        return results

    def read(self, ids: list[int], sequence: int, want: Any) -> Any:
        self.session.read(ids, sequence, want=want)
        return self.session.length(sequence), None if want == "none" else self.session.logits().tobytes()

    def generate(self, ids: list[int], sequence: int, count: int, seed: int) -> Any:
        return self.session.generate(ids, sequence, max_tokens=count, seed=seed).tokens

    def fork(self, source: int, target: int) -> Any:
        self.session.fork(source, target)
        return self.session.length(target)

    def snapshot(self, sequence: int) -> Any:
        return self.session.snapshot(sequence), self.session.snapshots(sequence)

    def rollback(self, sequence: int, count: int) -> Any:
        return self.session.rollback(count, sequence)

    def reset(self, sequence: int) -> Any:
        return self.session.reset(sequence)

    def save_and_load(self, source: int, target: int, cut: int | None) -> Any:
        data = self.session.save(source)
        self.session.load(data if cut is None else data[:cut], target)
        return data

    def encode(self, text: str) -> Any:
        ids = self.model.tokenizer.encode(text)
        return ids, self.model.tokenizer.decode(ids)

    def match(self, text: str) -> Any:
        return self.grammar.match(text)

    def obey(self, count: int) -> Any:
        return str(self.model.generate([5], grammar=self.grammar, max_tokens=count))

    def chat(self, text: str) -> Any:
        return self.template.render([{"role": "user", "content": text}]).tokens

    def text(self, prompt: str, count: int) -> Any:
        return str(self.model.generate(prompt, max_tokens=count))

    def submit(self, ids: list[int], count: int, n: int) -> Any:
        return [answer.tokens for answer in self.engine.submit(ids, max_tokens=count, n=n).answers()]

    def cancelled(self) -> Any:
        request = self.engine.submit([5], max_tokens=-1, stop_tokens=[])
        request.cancel()
        return request.answer().finish

    def stale(self) -> Any:
        self.session.read([5])
        view = self.session.logits_view()
        self.session.read([6])
        return view[0]

    def close(self) -> Any:
        return self.session.close()


@pytest.fixture(scope="module")
def parts(model: krait.Model) -> Any:
    with model.engine(max_sequences=4) as engine:
        yield model, engine, krait.Grammar.regex("[a-z ]*"), krait.ChatTemplate(model, TEMPLATE)


@settings(max_examples=1000 if FULL else 60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, derandomize=not FULL)
@given(programs=PROGRAMS)
def test_random_calls_from_four_threads(parts: Any, programs: list[list[tuple[Any, ...]]]) -> None:
    alone = [Program(*parts).run(calls) for calls in programs]
    with ThreadPoolExecutor(N_THREAD) as pool:
        together = list(pool.map(lambda calls: Program(*parts).run(calls), programs))
    assert together == alone


@settings(max_examples=200 if FULL else 15, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, derandomize=not FULL)
@given(programs=PROGRAMS)
def test_one_session_in_four_threads_crashes_nothing(parts: Any, programs: list[list[tuple[Any, ...]]]) -> None:
    """Which call comes first is chance: each succeeds or raises, and the session is whole afterwards."""
    shared = Program(*parts)
    with ThreadPoolExecutor(N_THREAD) as pool:
        list(pool.map(shared.run, programs))
    assert not shared.session._cell.is_open


def both(model: krait.Model, use: Callable[[krait.Session], object]) -> krait.Session:
    """A long call in one thread, `use` in this one meanwhile."""
    session = model.session(max_batch_tokens=64)
    begun = threading.Event()
    thread = threading.Thread(target=lambda: session.read([5] * 20_000, progress=lambda done, total: begun.set()))
    thread.start()
    assert begun.wait(30)
    use(session)
    thread.join()
    return session


def test_a_session_in_use_says_so(model: krait.Model) -> None:
    def use(session: krait.Session) -> None:
        with pytest.raises(krait.BusyError, match="in use by another thread"):
            session.read([6])

    session = both(model, use)
    assert session.length() == 20_000
    session.read([6])


def test_close_waits_for_no_one_and_frees_later(model: krait.Model) -> None:
    def use(session: krait.Session) -> None:
        session.close()
        with pytest.raises(krait.ClosedError, match="session was closed"):
            session.length()

    session = both(model, use)
    assert session._cell.is_freed


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def load_and_free() -> None:
    with krait.demo(device=DEVICE) as model, model.session() as session:
        session.read([5])


def test_loads_and_frees_do_not_grow() -> None:
    count = 10_000 if FULL else 200
    for _ in range(100):
        load_and_free()
    gc.collect()
    before = resident_bytes()
    for _ in range(count):
        load_and_free()
    gc.collect()
    # A leak of one state (380 KiB) or of one object in ten loads would be far more.
    assert resident_bytes() - before < 8 << 20
