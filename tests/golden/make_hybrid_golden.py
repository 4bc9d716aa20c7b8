#!/usr/bin/env python3
"""Makes the folders hybrids/<name> beside this file: tiny checkpoints with random weights as transformers saves them, and their logits.

config.json and model.safetensors (float32), tokens.npy (int32 [T]), logits.npy (float64 [T, n_vocab]). The
logits are computed twice: by transformers in float64, with its inner casts to float32 lifted, and by the loops of
hybrid_reference.py from the checkpoint. The two must agree to 1e-20 in normalized squared error; the loops' numbers are written.
transformers 5.24 does. Steps of scans stay above every limit that transformers puts to them on prompts, and no choice of experts is
close.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file

import hybrid_reference
from make_golden import all_float64, difference

VOCAB = 120
TOKENS = 20
AGREEMENT = 1e-20
COMMON: dict[str, Any] = {"vocab_size": VOCAB, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "hidden_size": 24,
                          "num_attention_heads": 4, "num_key_value_heads": 2}
# Two groups; chunks of 8, so that the tokens cross borders of the chunked form.
MAMBA2 = {"mamba_n_heads": 12, "mamba_d_head": 4, "mamba_n_groups": 2, "mamba_d_state": 8, "mamba_chunk_size": 8}
GRANITE = COMMON | MAMBA2 | {"embedding_multiplier": 3.0, "logits_scaling": 1.75, "residual_multiplier": 0.22, "attention_multiplier": 0.3,
                             "rms_norm_eps": 1e-5, "layer_types": ["linear_attention", "full_attention", "linear_attention", "full_attention"],
                             "num_hidden_layers": 4}
NEMOTRON = COMMON | {"head_dim": 10, "mamba_num_heads": 10, "mamba_head_dim": 4, "n_groups": 2, "ssm_state_size": 8, "chunk_size": 8,
                     "intermediate_size": 28}
FALCON_H1 = COMMON | MAMBA2 | {"mamba_d_ssm": 40, "mamba_n_heads": 10, "head_dim": 8, "intermediate_size": 28, "num_hidden_layers": 4,
                               "rope_parameters": {"rope_type": "default", "rope_theta": 1e11}, "mamba_norm_before_gate": False,
                               "embedding_multiplier": 1.5, "lm_head_multiplier": 0.375, "mlp_multipliers": [0.75, 1.25],
                               "key_multiplier": 0.625, "attention_in_multiplier": 1.25, "attention_out_multiplier": 0.875,
                               "ssm_in_multiplier": 1.375, "ssm_out_multiplier": 0.6875, "ssm_multipliers": [0.75, 1.25, 0.5, 1.75, 0.875]}
JAMBA = COMMON | {"intermediate_size": 28, "num_hidden_layers": 4, "mamba_d_state": 8, "mamba_dt_rank": 3, "attn_layer_period": 3,
                  "attn_layer_offset": 1, "num_key_value_heads": 1}
LFM2 = COMMON | {"num_hidden_layers": 5, "layer_types": ["conv", "full_attention", "conv", "full_attention", "conv"], "intermediate_size": 44}
ZAMBA2 = COMMON | {"hidden_size": 16, "num_hidden_layers": 5, "layers_block_type": ["linear_attention", "hybrid", "hybrid", "linear_attention", "hybrid"],
                   "intermediate_size": 20, "n_mamba_heads": 8, "mamba_ngroups": 2, "mamba_d_state": 8, "chunk_size": 8,
                   "num_mem_blocks": 2, "adapter_rank": 3, "num_key_value_heads": 4}
T = transformers
# Name, classes, settings.
KINDS: list[tuple[str, type, type, dict[str, Any]]] = [
    ("granite_dense_rope", T.GraniteMoeHybridForCausalLM, T.GraniteMoeHybridConfig,
     GRANITE | {"num_local_experts": 0, "num_experts_per_tok": 0, "shared_intermediate_size": 28, "position_embedding_type": "rope",
                "tie_word_embeddings": True}),
    ("granite_moe_nope", T.GraniteMoeHybridForCausalLM, T.GraniteMoeHybridConfig,
     GRANITE | {"num_local_experts": 5, "num_experts_per_tok": 2, "intermediate_size": 8, "shared_intermediate_size": 12,
                "position_embedding_type": "nope", "tie_word_embeddings": False}),
    ("bamba", T.BambaForCausalLM, T.BambaConfig,
     COMMON | MAMBA2 | {"hidden_size": 32, "mamba_n_heads": 16, "num_hidden_layers": 3, "attn_layer_indices": [1], "intermediate_size": 28}),
    ("nemotron_h", T.NemotronHForCausalLM, T.NemotronHConfig,
     NEMOTRON | {"layers_block_type": ["linear_attention", "mlp", "full_attention", "mlp", "linear_attention", "mlp"]}),
    ("nemotron_h_moe", T.NemotronHForCausalLM, T.NemotronHConfig,
     NEMOTRON | {"layers_block_type": ["linear_attention", "moe", "full_attention", "moe", "linear_attention", "mlp"],
                 "n_routed_experts": 6, "num_experts_per_tok": 3, "moe_intermediate_size": 12, "moe_shared_expert_intermediate_size": 20,
                 "routed_scaling_factor": 2.5}),
    ("nemotron_h_moe_latent", T.NemotronHForCausalLM, T.NemotronHConfig,
     NEMOTRON | {"layers_block_type": ["linear_attention", "moe", "full_attention", "moe"], "n_routed_experts": 8,
                 "num_experts_per_tok": 3, "moe_intermediate_size": 12, "moe_shared_expert_intermediate_size": 20,
                 "moe_latent_size": 16, "n_group": 4, "topk_group": 2, "routed_scaling_factor": 5.0, "norm_topk_prob": True}),
    ("falcon_h1", T.FalconH1ForCausalLM, T.FalconH1Config, FALCON_H1 | {"mamba_rms_norm": True, "num_hidden_layers": 3}),
    ("falcon_h1_plain_tied", T.FalconH1ForCausalLM, T.FalconH1Config,
     FALCON_H1 | {"mamba_rms_norm": False, "tie_word_embeddings": True, "num_hidden_layers": 3}),
    ("jamba_moe", T.JambaForCausalLM, T.JambaConfig, JAMBA | {"num_experts": 4, "num_experts_per_tok": 2, "intermediate_size": 12}),
    ("jamba_dense", T.JambaForCausalLM, T.JambaConfig,
     JAMBA | {"num_experts": 1, "num_experts_per_tok": 1, "tie_word_embeddings": True}),
    ("lfm2", T.Lfm2ForCausalLM, T.Lfm2Config, LFM2 | {"block_multiple_of": 8}),
    ("lfm2_moe", T.Lfm2MoeForCausalLM, T.Lfm2MoeConfig,
     LFM2 | {"num_dense_layers": 2, "num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 12}),
    ("zamba2", T.Zamba2ForCausalLM, T.Zamba2Config, ZAMBA2 | {"use_shared_attention_adapter": True, "use_mem_rope": True}),
    ("zamba2_plain", T.Zamba2ForCausalLM, T.Zamba2Config, ZAMBA2),
]


def start_values(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Random values fit for the weight `name`; every one is something, so that no term can be left out unseen."""
    noise = torch.randn(shape, generator=generator)
    uniform = torch.rand(shape, generator=generator)
    if name.endswith("A_log"):
        return -2.0 + 4.5 * uniform
    if name.endswith(("dt_bias", "dt_proj.bias")):
        return -1.5 + 2.5 * uniform
    if "norm" in name or name.endswith(".D"):
        return 1.0 + 0.3 * noise
    if name.endswith(("expert_bias", "e_score_correction_bias")):
        return 0.3 * noise
    if len(shape) == 1:
        return noise
    if "embed" in name:
        return 0.7 * noise
    gain = 0.8 if ".shared_transformer." in name else 1.3  # attention over two inputs amplifies roundings
    return noise * gain / shape[-1] ** 0.5


def fill(model: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    done = {}
    for name, values in model.state_dict(keep_vars=True).items():
        if values.data_ptr() in done or values.numel() == 0:
            continue  # tied
        done[values.data_ptr()] = name
        values.data.copy_(start_values(name, values.shape, generator))
        if "mamba" in name and name.endswith("in_proj.weight") or name.endswith("mixer.in_proj.weight"):
            values.data[-16:] *= 0.4  # dt stays clear of its limits


def exact_frequencies(model: torch.nn.Module) -> None:
    """transformers computes the frequencies of rope in float32."""
    for module in model.modules():
        if hasattr(module, "inv_freq"):
            n_rot = 2 * len(module.inv_freq)
            base = module.config.rope_parameters["rope_theta"]
            module.inv_freq = torch.tensor(base ** (-np.arange(0, n_rot, 2) / n_rot))


@contextmanager
def lifted() -> Iterator[None]:
    """Makes all casts to float32 inside transformers casts to float64."""
    plain_softmax, plain_type = torch.nn.functional.softmax, torch.Tensor.type

    def softmax(x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        options.pop("dtype", None)
        return plain_softmax(x, *args, **options)

    def cast(x: torch.Tensor, kind: Any = None) -> Any:
        return plain_type(x, torch.float64 if kind is torch.float32 else kind) if kind is not None else plain_type(x)

    with ExitStack() as stack:
        stack.enter_context(all_float64())
        stack.enter_context(patch.object(torch.nn.functional, "softmax", softmax))
        stack.enter_context(patch.object(torch, "softmax", softmax))
        stack.enter_context(patch.object(torch.Tensor, "type", cast))
        yield


def make(name: str, model_class: type, config_class: type, settings: dict[str, Any], root: Path, seed: int) -> None:
    folder = root / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    model = model_class(config_class(**settings)).eval()
    if hasattr(model, "set_experts_implementation"):
        model.set_experts_implementation("eager")
    with torch.no_grad():
        fill(model, seed)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    tokens = np.random.default_rng(7).integers(0, VOCAB, TOKENS).astype(np.int32)
    ids = torch.tensor(tokens, dtype=torch.long)[None]
    config = json.loads((folder / "config.json").read_text())
    want = hybrid_reference.logits(config, load_file(folder / "model.safetensors"), tokens)
    with torch.no_grad():
        single = model(ids, use_cache=False).logits[0].numpy().astype(np.float64)
        model.double()
        exact_frequencies(model)
        with lifted():
            double = model(ids, use_cache=False).logits[0].numpy()
    assert double.dtype == np.float64
    error = difference(double, want)
    found = hybrid_reference.smallest
    size = (folder / "model.safetensors").stat().st_size
    print(f"{name}: transformers in float64 {error:.1e}, in float32 {difference(single, want):.1e}; rms of logits {want.std():.2f}, "
          f"smallest dt {found['dt']:.3f}, closest choice {found['choice']:.4f}, {size} bytes")
    if not error < AGREEMENT or found["dt"] < 2e-3 or found["choice"] < 1e-4 or size > 200_000:
        raise SystemExit(f"{name}: of no use with transformers {transformers.__version__}")
    np.save(folder / "tokens.npy", tokens)
    np.save(folder / "logits.npy", want)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="some of them; all without")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "hybrids", help="folder to write to")
    args = parser.parse_args()
    for seed, (name, *kind) in enumerate(KINDS):
        if not args.names or name in args.names:
            make(name, *kind, args.out, seed + 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
