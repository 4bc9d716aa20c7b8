# SPDX-License-Identifier: Apache-2.0
"""A model beside transformers, which computes the same Hugging Face folder in float32 (pip install krait[torch]).

    print(krait.torch_reference.compare("mamba-130m-hf", "Once upon a time", quantize="q8_0"))
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]

from krait.model import LoadOptions, Model

if TYPE_CHECKING:
    from krait.views import Floats


@dataclass(frozen=True)
class Comparison:
    """Logits of Krait beside those of transformers, over all tokens of a text."""

    n_tok: int
    nmse: float  # sum of squared differences / sum of squares
    max_error: float  # of a logit
    kl: float  # mean KL(transformers || Krait) of a token, in nats
    same_top: float  # share of tokens with the same most likely next token


def logits(folder: str | os.PathLike[str], tokens: Sequence[int]) -> Floats:
    """What transformers computes, in float32 on the CPU: float32 [n_tok, n_vocab]."""
    model = transformers.AutoModelForCausalLM.from_pretrained(os.fspath(folder), dtype=torch.float32, local_files_only=True).eval()
    with torch.inference_mode():
        computed: Floats = model(torch.tensor([list(tokens)])).logits[0].numpy()
    return computed


def compare(folder: str | os.PathLike[str], text: str | Sequence[int], **options: Unpack[LoadOptions]) -> Comparison:
    """Loads a folder here (options of krait.load: device, quantize, ...) and there, and compares the logits of a text or of token ids."""
    with Model(folder, **options) as model, model.session() as session:
        tokens = model.tokenizer.encode(text) if isinstance(text, str) else list(text)
        session.read(tokens, want="all")
        ours = session.logits()
    return compare_logits(ours, logits(folder, tokens))


def compare_logits(ours: Floats, theirs: Floats) -> Comparison:
    """float32 [n_tok, n_vocab] each; rows of padding that only one has are left out."""
    n_vocab = min(ours.shape[1], theirs.shape[1])
    q, p = ours[:, :n_vocab].astype(np.float64), theirs[:, :n_vocab].astype(np.float64)
    log_q, log_p = _log_softmax(q), _log_softmax(p)
    return Comparison(n_tok=len(p), nmse=float(((q - p) ** 2).sum() / (p**2).sum()), max_error=float(abs(q - p).max()),
                      kl=float((np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()),
                      same_top=float((q.argmax(axis=1) == p.argmax(axis=1)).mean()))


def _log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(axis=1, keepdims=True)
    made: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return made
