#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far logits are from those of the same GGUF file in float64: the normalized squared error sum (a - b)^2 / sum b^2 of each.

    krait logits MODEL.gguf --tokens 1,2,3 -o OURS.npy
    ENV/bin/python bench/llamacpp_worker.py MODEL.gguf --threads 2 --tokens 1,2,3 --logits PEER.npy
    ENV/bin/python bench/float64_errors.py MODEL.gguf --tokens 1,2,3 OURS.npy PEER.npy

The judge is tests/golden/reference.py, plain loops in NumPy that share no code with either engine and keep every intermediate value in
float64. Its weights are those that the package gguf unpacks from the file, so that the rounding of weights counts for nobody.
Prints one JSON object. Exit codes: 0, or 2 where files cannot be compared or a package is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "golden"))

try:
    import gguf
    import numpy as np

    import reference
except ImportError as missing:
    print(f"float64_errors.py: {missing}: the judge needs numpy and gguf: {sys.executable} -m pip install numpy gguf", file=sys.stderr)
    sys.exit(2)

# The sizes that reference.py asks for, and their keys in a file.
SIZES = {"layers": "block_count", "d_inner": "ssm.inner_size", "d_state": "ssm.state_size", "dt_rank": "ssm.time_step_rank",
         "heads": "ssm.time_step_rank", "groups": "ssm.group_count"}


class Failure(Exception):
    """What is wrong, for people."""


def float64_logits(path: Path, tokens: list[int]) -> np.ndarray:
    """[T, n_vocab]"""
    reader = gguf.GGUFReader(path)

    def value(key: str, otherwise=None):
        field = reader.get_field(key)
        return otherwise if field is None else field.contents()

    architecture = value("general.architecture")
    if architecture not in ("mamba", "mamba2"):
        raise Failure(f"{path} is a model of the architecture '{architecture}': the judge knows mamba and mamba2")
    kind = "falcon_mamba" if value(f"{architecture}.ssm.dt_b_c_rms", False) else architecture
    weights = {tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    n_vocab = len(weights["token_embd.weight"])
    if not all(0 <= token < n_vocab for token in tokens):
        raise Failure(f"the tokens of {path} are 0 to {n_vocab - 1}")
    sizes = {name: value(f"{architecture}.{key}") for name, key in SIZES.items()}
    return reference.logits(kind, weights, np.array(tokens), sizes, value(f"{architecture}.attention.layer_norm_rms_epsilon"))


def nmse(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.sum((got - expected) ** 2) / np.sum(expected**2))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL.gguf")
    parser.add_argument("logits", nargs="+", type=Path, metavar="LOGITS.npy", help="[T, n_vocab]: the logits after each token")
    parser.add_argument("--tokens", required=True, type=lambda text: [int(word) for word in text.split(",")], metavar="IDS")
    arguments = parser.parse_args(argv)
    try:
        expected = float64_logits(arguments.model, arguments.tokens)
        errors = []
        for path in arguments.logits:
            got = np.load(path)
            if got.shape != expected.shape:
                raise Failure(f"{path} has the shape {list(got.shape)}; expected is {list(expected.shape)}: tokens, vocabulary")
            errors.append(nmse(got.astype(np.float64), expected))
    except (Failure, OSError, ValueError, EOFError) as error:
        print(f"float64_errors.py: {error}", file=sys.stderr)
        return 2
    json.dump({"nmse": errors, "rms_of_logits": float(np.sqrt(np.mean(expected**2)))}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
