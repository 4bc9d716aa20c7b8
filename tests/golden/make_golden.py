#!/usr/bin/env python3
"""Makes the golden models and logits of this folder: {mamba,falcon_mamba,mamba2,mamba_biases,mamba2_biases}.{gguf,tokens.npy,logits.npy}.

Each model is tiny, of odd sizes, with random weights. Its logits are computed twice: by transformers (its casts to float32 lifted to
float64) from a Hugging Face checkpoint, and by the loops of reference.py from the tensors of the GGUF file. The two must agree to
1e-20 in normalized squared error; the loops' numbers are written. So the files prove the formulas and the conversion together.

What that agreement settled: the heads of a group are neighbours (repeat_interleave), and the gated norm of Mamba-2 gates first and
then norms over each group. Releases of transformers that do otherwise stop this script.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import gguf
import numpy as np
import torch
import transformers

import reference

EPS = float(np.float32(1e-5))  # as GGUF stores it
VOCAB = 101
LAYERS = 3
TOKENS = 40
AGREEMENT = 1e-20  # float64 carries 1e-16; squared, 1e-32; the rest is room for sums in another order


@dataclass(frozen=True)
class Kind:
    """A model to make: its name, GGUF architecture, transformers class and the sizes; biases: of the in- and out-projections."""

    name: str
    arch: str
    hf: type
    config: type
    d_model: int
    sizes: dict[str, int]
    tied: bool
    biases: bool = False

    @property
    def is_mamba2(self) -> bool:
        return self.arch == "mamba2"


KINDS = [
    Kind(
        "mamba",
        "mamba",
        transformers.MambaForCausalLM,
        transformers.MambaConfig,
        40,
        {"layers": LAYERS, "d_inner": 80, "d_state": 16, "d_conv": 4, "dt_rank": 3},
        True,
    ),
    Kind(
        "falcon_mamba",
        "mamba",
        transformers.FalconMambaForCausalLM,
        transformers.FalconMambaConfig,
        24,
        {"layers": LAYERS, "d_inner": 48, "d_state": 8, "d_conv": 3, "dt_rank": 3},
        False,
    ),
    Kind(
        "mamba2",
        "mamba2",
        transformers.Mamba2ForCausalLM,
        transformers.Mamba2Config,
        24,
        {"layers": LAYERS, "d_inner": 48, "d_state": 8, "d_conv": 4, "heads": 12, "groups": 4},
        False,
    ),
    Kind(
        "mamba_biases",
        "mamba",
        transformers.MambaForCausalLM,
        transformers.MambaConfig,
        20,
        {"layers": LAYERS, "d_inner": 40, "d_state": 8, "d_conv": 4, "dt_rank": 2},
        True,
        biases=True,
    ),
    Kind(
        "mamba2_biases",
        "mamba2",
        transformers.Mamba2ForCausalLM,
        transformers.Mamba2Config,
        20,
        {"layers": LAYERS, "d_inner": 40, "d_state": 8, "d_conv": 4, "heads": 10, "groups": 2},
        True,
        biases=True,
    ),
]


def hf_model(kind: Kind) -> torch.nn.Module:
    """The transformers model with random float32 weights that keep activations near 1."""
    s = kind.sizes
    options = {"hidden_size": kind.d_model, "state_size": s["d_state"], "conv_kernel": s["d_conv"], "num_hidden_layers": LAYERS}
    options |= {"vocab_size": VOCAB, "expand": s["d_inner"] // kind.d_model, "layer_norm_epsilon": EPS, "residual_in_fp32": False}
    options |= {"tie_word_embeddings": kind.tied, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    options |= {"use_bias": kind.biases}
    if kind.is_mamba2:
        # chunks of 16: the 40 tokens cross two borders of its chunked form
        options |= {"num_heads": s["heads"], "head_dim": s["d_inner"] // s["heads"], "n_groups": s["groups"], "chunk_size": 16}
    else:
        options |= {"time_step_rank": s["dt_rank"]}
    if kind.name == "falcon_mamba":
        options |= {"mixer_rms_eps": EPS}  # GGUF has one epsilon for all norms
    torch.manual_seed(len(kind.name))
    model = kind.hf(kind.config(**options)).eval()
    with torch.no_grad():
        for name, values in model.named_parameters():
            values.copy_(start_values(name, values.shape))
    return model


def start_values(name: str, shape: torch.Size) -> torch.Tensor:
    """Random values fit for the parameter `name`."""
    if name.endswith("A_log"):
        return torch.empty(shape).uniform_(-2.0, 2.5)
    if name.endswith(("dt_bias", "dt_proj.bias")):
        return torch.empty(shape).uniform_(-4.0, 1.0)
    if "norm" in name or name.endswith(".D"):
        return 1.0 + 0.3 * torch.randn(shape)
    if len(shape) == 1 or "embedding" in name:
        return torch.randn(shape)
    return torch.randn(shape) * 1.5 / shape[-1] ** 0.5


@contextmanager
def all_float64() -> Iterator[None]:
    """Makes casts to float32 inside transformers casts to float64."""
    plain_to = torch.Tensor.to

    def to(self: torch.Tensor, *args: object, **options: object) -> torch.Tensor:
        args = tuple(torch.float64 if arg is torch.float32 else arg for arg in args)
        options = {k: torch.float64 if v is torch.float32 else v for k, v in options.items()}
        return plain_to(self, *args, **options)

    with patch.object(torch.Tensor, "float", torch.Tensor.double), patch.object(torch.Tensor, "to", to):
        yield


def gguf_tensors(kind: Kind, model: torch.nn.Module) -> dict[str, np.ndarray]:
    """The checkpoint under GGUF's names and in its layouts, row extent first."""
    hf = {name: values.detach().numpy() for name, values in model.state_dict().items()}
    out = {"token_embd.weight": hf["backbone.embeddings.weight"], "output_norm.weight": hf["backbone.norm_f.weight"]}
    if not kind.tied:
        out["output.weight"] = hf["lm_head.weight"]
    for n in range(LAYERS):
        source, target = f"backbone.layers.{n}.mixer.", f"blk.{n}."
        out[target + "attn_norm.weight"] = hf[f"backbone.layers.{n}.norm.weight"]
        out[target + "ssm_in.weight"] = hf[source + "in_proj.weight"]
        if kind.biases:
            out[target + "ssm_in.bias"] = hf[source + "in_proj.bias"]
            out[target + "ssm_out.bias"] = hf[source + "out_proj.bias"]
        out[target + "ssm_conv1d.weight"] = hf[source + "conv1d.weight"][:, 0, :]
        out[target + "ssm_conv1d.bias"] = hf[source + "conv1d.bias"]
        out[target + "ssm_a"] = -np.exp(hf[source + "A_log"])
        out[target + "ssm_d"] = hf[source + "D"]
        out[target + "ssm_out.weight"] = hf[source + "out_proj.weight"]
        if kind.is_mamba2:
            out[target + "ssm_a"] = out[target + "ssm_a"][:, None]
            out[target + "ssm_d"] = out[target + "ssm_d"][:, None]
            out[target + "ssm_dt.bias"] = hf[source + "dt_bias"]
            out[target + "ssm_norm.weight"] = hf[source + "norm.weight"].reshape(kind.sizes["groups"], -1)
        else:
            out[target + "ssm_x.weight"] = hf[source + "x_proj.weight"]
            out[target + "ssm_dt.weight"] = hf[source + "dt_proj.weight"]
            out[target + "ssm_dt.bias"] = hf[source + "dt_proj.bias"]
    return {name: np.ascontiguousarray(values) for name, values in out.items()}


def exact_a_log(model: torch.nn.Module) -> None:
    """Replaces A_log (now float64) by log(-A) of the float32 A that the GGUF file holds, so that both sides have one A."""
    with torch.no_grad():
        for name, values in model.named_parameters():
            if name.endswith("A_log"):
                stored = np.exp(values.detach().numpy().astype(np.float32))
                values.copy_(torch.tensor(np.log(stored.astype(np.float64))))


def write_gguf(path: Path, kind: Kind, tensors: dict[str, np.ndarray]) -> None:
    """A GGUF file without a tokenizer: the tests feed token ids."""
    s = kind.sizes
    writer = gguf.GGUFWriter(path, kind.arch)
    writer.add_name(f"krait-golden-{kind.name}")
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(kind.d_model)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(LAYERS)
    writer.add_vocab_size(VOCAB)
    writer.add_ssm_conv_kernel(s["d_conv"])
    writer.add_ssm_inner_size(s["d_inner"])
    writer.add_ssm_state_size(s["d_state"])
    writer.add_ssm_time_step_rank(s.get("heads", s.get("dt_rank")))
    if kind.is_mamba2:
        writer.add_ssm_group_count(s["groups"])
    else:
        writer.add_ssm_dt_b_c_rms(kind.name == "falcon_mamba")
    writer.add_layer_norm_rms_eps(EPS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def difference(got: np.ndarray, want: np.ndarray) -> float:
    """Normalized squared error."""
    return float(np.sum((got - want) ** 2) / np.sum(want**2))


def make(kind: Kind, folder: Path) -> None:
    """One model: build, convert, compute both ways, compare, write."""
    model = hf_model(kind)
    tokens = np.random.default_rng(7).integers(0, VOCAB, TOKENS).astype(np.int32)
    ids = torch.tensor(tokens, dtype=torch.long)[None]
    tensors = gguf_tensors(kind, model)
    want = reference.logits(kind.name, tensors, tokens, kind.sizes, EPS)
    with torch.no_grad():
        single = model(ids, use_cache=False).logits[0].numpy().astype(np.float64)
        model.double()
        exact_a_log(model)
        with all_float64():
            double = model(ids, use_cache=False).logits[0].numpy()
    assert double.dtype == np.float64
    error = difference(double, want)
    print(f"{kind.name}: transformers in float64 {error:.1e}, in float32 {difference(single, want):.1e}; rms of logits {want.std():.2f}")
    if not error < AGREEMENT:
        raise SystemExit(f"{kind.name}: transformers {transformers.__version__} and reference.py disagree")
    write_gguf(folder / f"{kind.name}.gguf", kind, tensors)
    np.save(folder / f"{kind.name}.tokens.npy", tokens)
    np.save(folder / f"{kind.name}.logits.npy", want)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    folder = parser.parse_args().out
    for kind in KINDS:
        make(kind, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
