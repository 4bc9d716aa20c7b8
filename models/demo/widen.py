#!/usr/bin/env python3
"""Makes the demo model wider without changing what it computes, so that formats with blocks of 256 weights can be tried on it.

d_model grows from 320 to 512 and d_inner from 640 to 768, by channels whose weights are zero. RMS norms divide by the root of a mean
over more channels, so their weights and epsilon shrink: with s = 320 / 512, x / sqrt(s (mean + eps)) * (w sqrt(s)) is what it was.
The real channels are also put into another order, so that blocks of 32 are not those of the Q8_0 file that the weights come from, and
encoding them as Q8_0 rounds like anything else. Output is F32.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import gguf
import numpy as np

WIDE_MODEL, WIDE_INNER = 512, 768


def spread(data: np.ndarray, axis: int, order: np.ndarray, width: int, fill: float = 0.0) -> np.ndarray:
    """Channels along an axis in another order, and `fill` behind them up to the width."""
    padding = [(0, 0)] * data.ndim
    padding[axis] = (0, width - data.shape[axis])
    return np.pad(np.take(data, order, axis=axis), padding, constant_values=fill)


def widen(name: str, data: np.ndarray, model: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """One tensor, rows first; model and inner are the orders of the channels."""
    kind = name.split(".", 2)[2] if name.startswith("blk.") else name
    if kind in ("attn_norm.weight", "output_norm.weight"):
        return spread(data, 0, model, WIDE_MODEL) * np.sqrt(len(model) / WIDE_MODEL)
    if kind == "token_embd.weight":
        return spread(data, 1, model, WIDE_MODEL)
    if kind == "ssm_in.weight":  # rows [x; z]
        halves = [spread(half, 0, inner, WIDE_INNER) for half in np.split(data, 2)]
        return spread(np.concatenate(halves), 1, model, WIDE_MODEL)
    if kind == "ssm_out.weight":
        return spread(spread(data, 0, model, WIDE_MODEL), 1, inner, WIDE_INNER)
    if kind == "ssm_x.weight":
        return spread(data, 1, inner, WIDE_INNER)
    if kind in ("ssm_conv1d.weight", "ssm_conv1d.bias", "ssm_dt.weight", "ssm_dt.bias", "ssm_d"):
        return spread(data, 0, inner, WIDE_INNER)
    if kind == "ssm_a":
        return spread(data, 0, inner, WIDE_INNER, fill=-1.0)
    raise ValueError(f"tensor {name}: not known")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="GGUF file to write")
    parser.add_argument("--input", type=Path, default=Path(__file__).with_name("krait-demo.gguf"), help="the demo model")
    args = parser.parse_args()
    reader = gguf.GGUFReader(args.input)

    def key(name: str) -> int:
        return reader.fields[f"mamba.{name}"].contents()

    random = np.random.default_rng(1)
    model, inner = random.permutation(key("embedding_length")), random.permutation(key("ssm.inner_size"))
    changed = {
        "mamba.embedding_length": WIDE_MODEL,
        "mamba.ssm.inner_size": WIDE_INNER,
        "mamba.attention.layer_norm_rms_epsilon": key("attention.layer_norm_rms_epsilon") * len(model) / WIDE_MODEL,
        "general.file_type": int(gguf.LlamaFileType.ALL_F32),
    }
    writer = gguf.GGUFWriter(args.output, "mamba")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        of_elements = field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, changed.get(field.name, field.contents()), field.types[0], of_elements)
    for tensor in reader.tensors:
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, np.ascontiguousarray(widen(tensor.name, data, model, inner), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
