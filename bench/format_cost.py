#!/usr/bin/env python3
"""What weight formats cost: quantizes a model into each, compares it with the original token by token, prints a Markdown table.

Uses `krait quantize` and `krait perplexity --kl-base`; docs/evaluation.md says what the columns mean. Needs room for one copy of the model
and for the saved predictions of the original beside it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TYPES = "BF16 Q8_0 Q6_K Q5_1 Q5_K Q5_0 Q4_1 Q4_K IQ4_NL Q4_0 IQ4_XS Q3_K Q2_K".split()


def run(*command: object) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def measure(args: argparse.Namespace, model: Path, *options: object) -> dict:
    """krait perplexity as JSON."""
    text = ["--text", args.text, "--max-tokens", args.max_tokens, "-o", "json"]
    return json.loads(run(args.krait, "perplexity", model, *text, *options))


def row(args: argparse.Namespace, kind: str, base: Path, folder: Path, options: list[str]) -> str:
    """One cell group: size, KL divergence, same top token, perplexity."""
    model = folder / "quantized.gguf"
    told = run(args.krait, "quantize", args.model, model, kind, *options)
    bits = re.findall(r"at ([0-9.]+) bits a weight", told)[-1]
    found = measure(args, model, "--kl-base", base)
    cost = found["divergence"]
    cells = [
        f"{float(bits):.2f}",
        f"{1000 * cost['kl']:.3f} ± {1000 * cost['kl_standard_error']:.3f}",
        f"{100 * cost['same_top']:.1f}%",
        f"{100 * (cost['perplexity_ratio'] - 1):+.2f}% ± {100 * cost['perplexity_ratio_standard_error']:.2f}%",
    ]
    return " | ".join(cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="GGUF file in F32, F16 or BF16")
    parser.add_argument("--text", type=Path, required=True, help="text to compare on")
    parser.add_argument("--krait", type=Path, default=Path("build/release/bin/krait"))
    parser.add_argument("--max-tokens", type=int, default=16000)
    parser.add_argument("--types", nargs="+", default=TYPES, help="formats to try")
    parser.add_argument("--imatrix", type=Path, help="importance of the weights, from krait imatrix")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = folder / "base.run"
        original = measure(args, args.model, "--save-logits", base)
        print(f"{args.model.name}: perplexity {original['perplexity']:.2f} on {original['tokens_scored']} tokens\n")
        print("| TYPE | bits a weight | KL divergence, 1e-3 nats | same top token | perplexity | `--pure`: bits | KL divergence | same | perplexity |")
        print("|---|---|---|---|---|---|---|---|---|")
        importance = ["--imatrix", args.imatrix] if args.imatrix else []
        for kind in args.types:
            by_recipe = row(args, kind, base, folder, importance)
            pure = row(args, kind, base, folder, [*importance, "--pure"])
            print(f"| {kind} | {by_recipe} | {pure} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
