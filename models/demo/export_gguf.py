#!/usr/bin/env python3
"""Writes a checkpoint of train.py as GGUF, in F32 and in Q8_0.

In the Q8_0 file the matrices (token_embd, ssm_in, ssm_x, ssm_dt, ssm_out) are Q8_0; A (stored as -exp(A_log)), D, the convolution,
norms and biases stay F32. The head is tied: there is no output.weight. Extents in the comments are in GGUF order.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

NORMAL, CONTROL = 1, 3


def tensors(model: dict[str, torch.Tensor], layers: int) -> Iterator[tuple[str, torch.Tensor, bool]]:
    """(name in GGUF, values with the row extent first, is it a matrix that may be quantized)."""
    yield "token_embd.weight", model["embedding.weight"], True  # {E,V}
    yield "output_norm.weight", model["norm.weight"], False  # {E}
    for n in range(layers):
        source, target = f"blocks.{n}.", f"blk.{n}."
        yield target + "attn_norm.weight", model[source + "norm.weight"], False  # {E}
        yield target + "ssm_in.weight", model[source + "in_proj.weight"], True  # {E,2I}, rows [x; z]
        yield target + "ssm_conv1d.weight", model[source + "conv_weight"].T, False  # {K,I}
        yield target + "ssm_conv1d.bias", model[source + "conv_bias"], False  # {I}
        yield target + "ssm_x.weight", model[source + "x_proj.weight"], True  # {I,R+2N}, rows [dt; B; C]
        yield target + "ssm_dt.weight", model[source + "dt_proj.weight"], True  # {R,I}
        yield target + "ssm_dt.bias", model[source + "dt_proj.bias"], False  # {I}
        yield target + "ssm_a", -model[source + "a_log"].exp(), False  # {N,I}
        yield target + "ssm_d", model[source + "d"], False  # {I}
        yield target + "ssm_out.weight", model[source + "out_proj.weight"], True  # {I,E}


def add_sizes(writer: gguf.GGUFWriter, config: dict) -> None:
    """The keys that say how large the model is."""
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(config["d_model"])
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(config["layers"])
    writer.add_ssm_conv_kernel(config["d_conv"])
    writer.add_ssm_inner_size(config["d_inner"])
    writer.add_ssm_state_size(config["d_state"])
    writer.add_ssm_time_step_rank(config["dt_rank"])
    writer.add_ssm_dt_b_c_rms(False)
    writer.add_layer_norm_rms_eps(config["eps"])
    writer.add_vocab_size(config["vocab"])


def add_tokenizer(writer: gguf.GGUFWriter, path: Path) -> None:
    """Byte-level BPE: tokens and merges in GPT-2's spelling of bytes."""
    model = json.loads(path.read_text("utf-8"))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if i == 0 else NORMAL for i in range(len(tokens))])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)


def write(path: Path, checkpoint: dict, tokenizer: Path, quantized: bool) -> None:
    """One GGUF file, put in place in one move."""
    part = path.with_name(path.name + ".part")
    writer = gguf.GGUFWriter(part, "mamba")
    writer.add_name("krait-demo")
    writer.add_description("A small Mamba-1 trained on public-domain English novels; the demo and test model of Krait.")
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantized else gguf.LlamaFileType.ALL_F32)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_sizes(writer, checkpoint["config"])
    add_tokenizer(writer, tokenizer)
    for name, values, matrix in tensors(checkpoint["model"], checkpoint["config"]["layers"]):
        array = np.ascontiguousarray(values.float().numpy())
        kind = Type.Q8_0 if quantized and matrix else Type.F32
        writer.add_tensor(name, gguf.quants.quantize(array, kind) if kind != Type.F32 else array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(path)
    print(f"{path}: {path.stat().st_size} bytes, step {checkpoint['step']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder that train.py wrote: checkpoint.pt and tokenizer.json")
    parser.add_argument("--q8", type=Path, help="Q8_0 file to write")
    parser.add_argument("--f32", type=Path, help="F32 file to write")
    args = parser.parse_args()
    checkpoint = torch.load(args.run / "checkpoint.pt", weights_only=True, map_location="cpu")
    for path, quantized in ((args.q8, True), (args.f32, False)):
        if path:
            write(path, checkpoint, args.run / "tokenizer.json", quantized)
    return 0


if __name__ == "__main__":
    sys.exit(main())
