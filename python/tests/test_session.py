# SPDX-License-Identifier: Apache-2.0
"""Sessions, their numbers, and the properties of models."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import krait
from krait import states

from .conftest import DEVICE


def test_batch_has_the_bits_of_single_sequences(model: krait.Model, session: krait.Session) -> None:
    prompts = [model.tokenizer.encode(text) for text in ("A ship", "The sea was calm", "x")]
    session.decode([krait.Item(tokens, sequence) for sequence, tokens in enumerate(prompts)])
    together = [session.logits(item) for item in range(3)]
    for tokens, expected in zip(prompts, together, strict=True):
        session.reset()
        session.read(tokens)
        assert np.array_equal(session.logits(), expected)


def test_logits_of_all_tokens(model: krait.Model, session: krait.Session) -> None:
    tokens = model.tokenizer.encode("The sea was calm")
    session.read(tokens, want="all", hidden="all")
    logits, hidden = session.logits(), session.hidden()
    assert logits.shape == (len(tokens), model.n_vocab) and hidden.shape == (len(tokens), model.d_model)
    p = logits[1].astype(np.float64)
    expected = p[tokens[2]] - p.max() - np.log(np.exp(p - p.max()).sum())
    assert session.logprobs([tokens[2]], row=1)[0] == pytest.approx(expected, rel=1e-12)


def test_views_raise_once_stale(model: krait.Model, session: krait.Session) -> None:
    session.read([40])
    view, copy = session.logits_view(), session.logits()
    assert view[0] == copy[0] and view.argmax() == copy.argmax() and np.array_equal(np.asarray(view), copy) and view.shape == copy.shape
    assert view.tolist() == list(view) == copy.tolist()
    assert np.array_equal(np.from_dlpack(view), copy)
    session.read([41])
    for access in (lambda: view[0], view.argmax, view.tolist, view.copy, lambda: np.asarray(view)):
        with pytest.raises(krait.StaleError):
            access()
    fresh = session.logits_view()
    session.close()
    with pytest.raises(krait.ClosedError):
        fresh.tolist()
    assert copy[0] == copy[0]


def test_fork_snapshot_rollback(model: krait.Model, session: krait.Session) -> None:
    session.read(model.tokenizer.encode("Once upon a time"))
    at = session.snapshot()
    session.fork(0, 1)
    a, b = session.generate([300], max_tokens=8), session.generate([300], 1, max_tokens=8)
    assert a == b and session.length(1) == session.length(0) == at + 8
    session.rollback(at)
    assert session.length() == at and session.snapshots() == [at]
    assert session.generate([300], max_tokens=8) == a
    session.drop_snapshot(at)
    with pytest.raises(krait.NotFoundError):
        session.rollback(at)
    session.keep(1)
    assert (session.length(0), session.length(1)) == (0, at + 8)
    assert session.room() is None


def test_save_load_pickle(model: krait.Model, session: krait.Session) -> None:
    session.read(model.tokenizer.encode("Once upon a time"))
    session.snapshot()
    session.read([7], want="none")
    data = session.save()
    expected = session.generate([300], max_tokens=6)
    with model.session(max_snapshots=1) as other:
        other.load(data)
        assert other.generate([300], max_tokens=6) == expected and other.snapshots() == session.snapshots()
        for damaged in (data[:-1], data[:100] + bytes([data[100] ^ 1]) + data[101:], b""):
            with pytest.raises(krait.KraitError):
                other.load(damaged)
    session.load(data, 2)
    with pickle.loads(pickle.dumps(session)) as copy:
        assert copy.length(2) == session.length(2) and copy.generate([300], 2, max_tokens=6) == expected
        copy.model.close()


def test_states_of_a_saved_sequence(model: krait.Model, session: krait.Session) -> None:
    tokens = model.tokenizer.encode("Once upon a time")
    session.read(tokens)
    session.snapshot()
    session.read([7])
    saved = states.read(session.save())
    assert saved.tokens == [*tokens, 7] and saved.snapshots == [len(tokens)] and saved.model_hash == model.hash
    assert sum(memory.values.nbytes for memory in saved.memories) == model.state_bytes
    assert {memory.values.shape[0] for memory in saved.memories} == {model.n_layer}
    with pytest.raises(krait.CorruptFileError):
        states.read(session.save()[:200])


def test_sampler_and_candidates(model: krait.Model, session: krait.Session) -> None:
    sampler = krait.Sampler(temperature=0)
    assert sampler.needs() == 1
    session.read([40])
    best = int(session.logits().argmax())
    assert session.sample(sampler) == best == sampler.sample(session.logits())
    drawn = krait.Sampler(seed=5)
    copy = drawn.clone()
    assert [session.sample(drawn) for _ in range(5)] == [session.sample(copy) for _ in range(5)]
    drawn.reset()
    if model.has_top_k:
        session.decode([krait.Item([41], want="top", top_k=3)])
        candidates = session.candidates()
        assert len(candidates) == 3 and candidates[0].logit >= candidates[1].logit
        found = session.chain(candidates[0].token, 1)
        assert len(found) == 1


def test_a_stream_notices_who_else_continues_its_sequence(session: krait.Session) -> None:
    stream = session.stream([40], max_tokens=10)
    next(stream)
    session.read([41])
    with pytest.raises(krait.StaleError, match="somebody else"):
        list(stream)


def test_long_prompt_tells_its_progress_and_can_be_cancelled(model: krait.Model) -> None:
    with model.session(max_batch_tokens=32) as session:
        told: list[tuple[int, int]] = []
        session.read([5] * 100, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (100, 100) and len(told) == 4
        session.reset()
        with pytest.raises(krait.Cancelled):
            session.read([5] * 100, progress=lambda done, total: done < 64)
        assert session.length() == 64

        def fail(done: int, total: int) -> None:
            raise RuntimeError("of the application")

        with pytest.raises(RuntimeError, match="of the application"):
            session.read([5] * 100, progress=fail)


def test_profile(model: krait.Model) -> None:
    profile = model.profile(max_events=100)
    with model.session(profile=profile) as session:
        session.generate("The sea", max_tokens=5)
    assert profile.sums("decode").n_run == 4 and profile.sums("prompt").n_run == 1
    entries = profile.entries("decode", "node")
    assert {entry.layer for entry in entries} >= set(range(model.n_layer)) and all(entry.seconds >= 0 for entry in entries)
    assert len(profile.events()) == 100 and profile.n_dropped > 0


def test_properties(model: krait.Model) -> None:
    assert model.architecture == "mamba" and model.metadata["general.architecture"] == "mamba" and model.name == "the demo model"
    assert model.metadata["mamba.block_count"] == model.n_layer == 8
    assert "nothing" not in model.metadata and len(list(model.metadata)) == len(model.metadata)
    tensors = model.tensors
    assert sum(tensor.bytes for tensor in tensors) == model.weight_bytes and tensors[0].shape == (4096, model.d_model)
    assert "the only device" in model.explain() and model.explain(dot=True).startswith("digraph") and model.work.layer_weights > 0
    assert model.devices[0].name == "cpu" and model.devices[0].is_processor and isinstance(model.is_tied, bool)
    assert model.files == ["the demo model"] and model.format_version == 3 and model.file_bytes > model.weight_bytes
    assert model.sizes["d_state"] == 16 and model.warnings == [] and "mamba on cpu" in repr(model)
    assert model.embed(["a ship", [4, 5]]).shape == (2, model.d_model)


def test_perplexity(model: krait.Model, tmp_path: Path) -> None:
    text = "It was a fine morning, and the sea was calm. " * 10
    seen: list[int] = []
    first = model.perplexity(text, context=32, save=tmp_path / "base", progress=lambda done, total, nll: seen.append(done))
    assert first.n_scored > 50 and first.perplexity == pytest.approx(np.exp(first.nll)) and seen
    second = model.perplexity(text, context=32, base=str(tmp_path / "base"))
    assert second.has_base and second.kl == pytest.approx(0, abs=1e-6)
    with pytest.raises(krait.Cancelled):
        model.perplexity(text, context=32, progress=lambda done, total, nll: False)


def test_devices_and_files(tmp_path: Path) -> None:
    names = [device.name for device in krait.devices() if device.error is None]
    assert "cpu" in names
    with pytest.raises(krait.NotFoundError):
        krait.load(tmp_path / "none.gguf")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(10))
    with pytest.raises(krait.CorruptFileError, match="byte"):
        krait.load(tmp_path / "bad.gguf")
    with pytest.raises(krait.KraitError, match="no such|there is no"):
        krait.demo(device="nosuch0")
    with pytest.raises(krait.NotFoundError):
        krait.add_backend_folder(tmp_path / "none")


def test_quantize_convert_bench(tmp_path: Path) -> None:
    krait.run_command("make-random", tmp_path / "hf", "--huggingface", "--layers", "2", "--d-model", "64", "--vocab", "300")
    krait.convert(tmp_path / "hf", tmp_path / "f16.gguf", type="f16")
    krait.quantize(tmp_path / "f16.gguf", tmp_path / "q8.gguf", "q8_0")
    with krait.load(tmp_path / "q8.gguf", device=DEVICE) as a, krait.load(tmp_path / "f16.gguf", device=DEVICE, quantize="q8_0") as b:
        assert a.generate([1, 2, 3], max_tokens=4).tokens == b.generate([1, 2, 3], max_tokens=4).tokens
    with krait.load(tmp_path / "f16.gguf", weights=False) as bare:
        bare.check()
        assert bare.device is None
        with pytest.raises(krait.UnsupportedError):
            bare.session()
    figures = krait.bench(None, "-p", "8", "-n", "4", "-r", "1", "--no-ceilings", "--device", DEVICE)
    assert figures
    with pytest.raises(krait.InvalidArgumentError):
        krait.quantize(tmp_path / "none.gguf", tmp_path / "x.gguf", "q4_k")
