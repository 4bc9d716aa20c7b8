# SPDX-License-Identifier: Apache-2.0
"""Scores of continuations, and what the evaluation harness and transformers say of them where they are installed (.ci/nightly)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import krait
from krait.scoring import Scorer

from .conftest import DEVICE

CONTEXT = "The sea was"
CHOICES = [" calm", " gone, and there was no sign of them", " a", " 7"]


def logprobs(model: krait.Model, tokens: list[int], first: int) -> list[float]:
    """Of tokens[first:], by a softmax of numpy."""
    with model.session() as session:
        session.read(tokens, want="all")
        x = session.logits().astype(np.float64)
    x -= x.max(axis=1, keepdims=True)
    x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
    return [float(x[at - 1, tokens[at]]) for at in range(first, len(tokens))]


def test_scores_are_sums_of_logprobs(model: krait.Model) -> None:
    encode = model.tokenizer.encode
    context = encode(CONTEXT)
    choices = [encode(choice, begin=False) for choice in CHOICES] * 3  # more than are scored together
    greedy = model.generate(context, max_tokens=300, temperature=0).tokens  # more than a run's rows
    with Scorer(model, max_continuations=5) as scorer:
        scores = scorer.score(context, [*choices, greedy])
        for choice, score in zip([*choices, greedy], scores, strict=True):
            assert score.logprob == pytest.approx(sum(logprobs(model, context + choice, len(context))), rel=1e-5)
        assert scores[-1].is_greedy and not scores[3].is_greedy
        assert scorer.score(context, choices) == scores[:-1]
        assert scorer.score(context[:1], [[7]])[0].logprob == pytest.approx(logprobs(model, [context[0], 7], 1)[0], rel=1e-5)
        with pytest.raises(krait.InvalidArgumentError):
            scorer.score([], [[1]])


def test_tasks_of_the_evaluation_harness(model: krait.Model, tmp_path: Path) -> None:
    lm_eval = pytest.importorskip("lm_eval")
    from krait.lm_eval import KraitLM
    (tmp_path / "data.json").write_text("\n".join(
        json.dumps({"question": CONTEXT, "choices": CHOICES, "answer": answer}) for answer in range(4)))
    data: dict[str, Any] = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(tmp_path / "data.json")}},
                            "test_split": "test", "doc_to_text": "{{question}}"}
    tasks = [
        {**data, "task": "choices", "output_type": "multiple_choice", "doc_to_choice": "choices", "doc_to_target": "answer",
         "target_delimiter": "", "metric_list": [{"metric": "acc"}]},
        {**data, "task": "writing", "output_type": "generate_until", "doc_to_target": "", "generation_kwargs": {"until": ["."], "max_gen_toks": 12},
         "metric_list": [{"metric": "exact_match"}]},
        {**data, "task": "rolling", "output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{question}}",
         "metric_list": [{"metric": "bits_per_byte"}]},
    ]
    lm = KraitLM(model=model, batch_size=3)
    done = lm_eval.simple_evaluate(lm, tasks=tasks, log_samples=True, bootstrap_iters=0)
    encode = model.tokenizer.encode
    context = encode(CONTEXT)
    expected = [sum(logprobs(model, encode(CONTEXT + choice), len(context))) for choice in CHOICES]
    sample = done["samples"]["choices"][0]
    assert [response[0][0] for response in sample["resps"]] == pytest.approx(expected, rel=1e-5)
    assert done["results"]["choices"]["acc,none"] == 0.25  # each of the four is right once
    assert done["samples"]["writing"][0]["resps"][0][0] == model.generate(CONTEXT, max_tokens=12, temperature=0, stop=["."])
    tokens = [lm.prefix_token_id, *encode(CONTEXT, begin=False)]
    bits = -sum(logprobs(model, tokens, 1)) / np.log(2) / len(CONTEXT)
    assert done["results"]["rolling"]["bits_per_byte,none"] == pytest.approx(bits, rel=1e-5)
    windows = KraitLM(model=model, max_length=2).loglikelihood_rolling([type("Request", (), {"args": (CONTEXT,)})])
    assert windows[0] != pytest.approx(-bits * np.log(2) * len(CONTEXT), rel=1e-5)


def test_a_folder_beside_transformers(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from krait import torch_reference
    for architecture in ("mamba-130m", "mamba2-130m"):
        folder = tmp_path / architecture
        krait.run_command("make-random", folder, "--huggingface", "--like", architecture, "--layers", "2", "--d-model", "128", "--vocab", "400")
        tokens = list(range(10, 74))
        exact = torch_reference.compare(folder, tokens, device=DEVICE)
        assert exact.nmse < 1e-9 and exact.same_top == 1 and exact.n_tok == 64
        rough = torch_reference.compare(folder, tokens, device=DEVICE, quantize="q4_0")
        assert rough.nmse > 100 * exact.nmse and rough.kl > exact.kl
