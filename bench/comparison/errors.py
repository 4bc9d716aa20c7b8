# SPDX-License-Identifier: Apache-2.0
"""The errors of both engines: their logits beside float64 logits of the same file, on small random models.

A model has 6 layers, d_model 256 and 512 tokens, head and embedding in the same format as the rest, and the architecture of the models
that are timed: what docs/backends/cpu.md and tests/golden/quantized_accuracy_test.cpp measure. Each seed is another model and
another sequence of 64 tokens. The judge is bench/float64_errors.py. Krait's `reference` device is judged as well. It adds in double and has
float32 between operators: where its error is not far below the others', the judge and the engines disagree about the model.
"""

from __future__ import annotations

import random
import re
import statistics
import tempfile
from pathlib import Path

from comparison.processes import run, run_json

JUDGE = Path(__file__).resolve().parent.parent / "float64_errors.py"
SIZES = {"--layers": 6, "--d-model": 256, "--vocab": 512}
TOKENS = 64
REFERENCE = "krait reference"


def family_of(model: str) -> str:
    """The family of a model, mamba for mamba-370m. Models of a family are the same but for their sizes."""
    return re.split(r"-\d", model)[0]


def error_cases(arguments) -> list[dict]:
    """One for each family and format."""
    likes = {family_of(model): model for model in reversed(arguments.models)}
    return [{"family": family, "like": likes[family], "type": kind} for family in sorted(likes) for kind in arguments.types]


def measure_errors(arguments, case: dict, logits_commands, progress) -> dict:
    """`logits_commands` (arguments, file, tokens, folder) gives by engine the command and the .npy file that it writes."""
    errors: dict[str, list[float]] = {}
    for seed in arguments.error_seeds:
        progress.step(f"errors of {case['family']} {case['type']}: seed {seed}")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{case['family']}-{case['type'].lower()}.gguf"
            sizes = [str(word) for option in SIZES.items() for word in option]
            head = re.sub(r"_[SML]$", "", case["type"])  # a recipe such as Q4_K_M is none of a single matrix
            command = [arguments.krait, "make-random", str(file), "--like", case["like"], *sizes, "--type", case["type"], "--head", head]
            run([*command, "--seed", str(seed)], f"making a small {case['family']} in {case['type']}")
            numbers = random.Random(seed)
            tokens = ",".join(str(numbers.randrange(SIZES["--vocab"])) for _ in range(TOKENS))
            written = {}
            for engine, (command, path) in logits_commands(arguments, file, tokens, Path(folder)).items():
                run(command, f"logits of {engine}")
                written[engine] = path
            judge = [arguments.peer_python, "-B", str(JUDGE), str(file), "--tokens", tokens, *map(str, written.values())]
            for engine, nmse in zip(written, run_json(judge, "the float64 judge")["nmse"]):
                errors.setdefault(engine, []).append(nmse)
    return dict(case, engines={engine: {"mean": statistics.fmean(values), "seeds": values} for engine, values in errors.items()})


def error_of(report: dict, file: dict, engine: str) -> float | None:
    """The error of the small model that stands for a timed one."""
    like = file.get("made_as")
    for case in report.get("errors", []):
        if like and case["family"] == family_of(like["model"]) and case["type"] == like["type"]:
            return case["engines"][engine]["mean"]
    return None
