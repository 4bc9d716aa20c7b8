#!/usr/bin/env python3
"""Reads a GGUF file of this model back (weights dequantized to F32), and prints its held-out bits per byte and a sample.

Everything, the tokenizer too, comes from the GGUF file, so this also proves that nothing was lost on the way into it.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import gguf
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

import cpu_ops
from model import Config, Mamba, generate, stream_loss

LAYER_NAMES = {
    "attn_norm.weight": "norm.weight",
    "ssm_in.weight": "in_proj.weight",
    "ssm_conv1d.weight": "conv_weight",
    "ssm_conv1d.bias": "conv_bias",
    "ssm_x.weight": "x_proj.weight",
    "ssm_dt.weight": "dt_proj.weight",
    "ssm_dt.bias": "dt_proj.bias",
    "ssm_a": "a_log",
    "ssm_d": "d",
    "ssm_out.weight": "out_proj.weight",
}


def read_config(reader: gguf.GGUFReader) -> Config:
    """Sizes from the keys."""

    def key(name: str) -> float:
        return reader.fields[f"mamba.{name}"].contents()

    return Config(
        vocab=len(reader.fields["tokenizer.ggml.tokens"].data),
        layers=key("block_count"),
        d_model=key("embedding_length"),
        d_inner=key("ssm.inner_size"),
        d_state=key("ssm.state_size"),
        d_conv=key("ssm.conv_kernel"),
        dt_rank=key("ssm.time_step_rank"),
        eps=key("attention.layer_norm_rms_epsilon"),
    )


def read_model(reader: gguf.GGUFReader) -> Mamba:
    """The model with the file's weights as F32."""
    model = Mamba(read_config(reader))
    state = {}
    for tensor in reader.tensors:
        values = torch.tensor(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
        if tensor.name.startswith("blk."):
            _, layer, name = tensor.name.split(".", 2)
            target = f"blocks.{layer}.{LAYER_NAMES[name]}"
        else:
            target = {"token_embd.weight": "embedding.weight", "output_norm.weight": "norm.weight"}[tensor.name]
        if target.endswith("a_log"):
            values = (-values).log()
        state[target] = values.T if target.endswith("conv_weight") else values
    model.load_state_dict(state)
    return model


def read_tokenizer(reader: gguf.GGUFReader) -> Tokenizer:
    """The BPE of the file."""
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in reader.fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(tokens[0], special=True)])
    return tokenizer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="GGUF file")
    parser.add_argument("--text", type=Path, default=Path(__file__).with_name("heldout.txt"), help="text to measure on")
    parser.add_argument("--prompt", default="It was", help="start of the sample")
    parser.add_argument("--count", type=int, default=200, help="tokens of the sample")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cpu_ops.load()
    reader = gguf.GGUFReader(args.file)
    model, tokenizer = read_model(reader), read_tokenizer(reader)
    text = args.text.read_text("utf-8")
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids) == text, "the tokenizer does not give the text back"
    bits = stream_loss(model, torch.tensor([0, *ids])) / math.log(2)
    print(f"{args.text.name}: {len(text.encode())} bytes, {len(ids)} tokens, {bits / len(text.encode()):.4f} bits per byte")
    prompt = torch.tensor([0, *tokenizer.encode(args.prompt).ids])
    print(args.prompt + tokenizer.decode(generate(model, prompt, args.count, args.temperature, args.top_p, args.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
