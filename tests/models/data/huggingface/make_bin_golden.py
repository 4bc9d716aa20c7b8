#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the folders beside this file that end in _bin: the weights of other folders, as torch.save writes them.

    venv/bin/python tests/models/data/huggingface/make_bin_golden.py      # the venv of make_hf_golden.py, which makes those others

  mamba_bf16_bin               pytorch_model.bin. A head that is tied to the embedding and shares its data, matrices that are transposes
                               of what lies in the file, and one that lies inside of a larger one
  falcon_mamba_bin, mamba2_bin shards, with pytorch_model.bin.index.json
"""

from __future__ import annotations

import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).resolve().parent


def fresh(origin: str) -> pathlib.Path:
    folder = HERE / f"{origin}_bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(HERE / origin / "config.json", folder)
    return folder


def main() -> None:
    folder = fresh("mamba_bf16")
    state = load_file(HERE / "mamba_bf16" / "model.safetensors")
    for name, weight in state.items():
        if name.endswith("in_proj.weight") or name.endswith("A_log"):
            state[name] = weight.t().contiguous().t()
        elif name.endswith("x_proj.weight"):
            state[name] = torch.nn.functional.pad(weight, (1, 1))[:, 1:-1]
    state["lm_head.weight"] = state["backbone.embeddings.weight"]
    torch.save(state, folder / "pytorch_model.bin")

    for origin in ("falcon_mamba", "mamba2"):
        folder = fresh(origin)
        state = load_file(HERE / origin / "model.safetensors")
        shards: list[dict[str, torch.Tensor]] = [{}, {}]
        sizes = [0, 0]
        for name in sorted(state, key=lambda name: -state[name].nbytes):
            smaller = sizes.index(min(sizes))
            shards[smaller][name] = state[name]
            sizes[smaller] += state[name].nbytes
        names = [f"pytorch_model-{i + 1:05}-of-{len(shards):05}.bin" for i in range(len(shards))]
        index = {"metadata": {"total_size": sum(sizes)},
                 "weight_map": {weight: name for name, shard in zip(names, shards) for weight in shard}}
        for name, shard in zip(names, shards):
            torch.save(shard, folder / name)
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main()
