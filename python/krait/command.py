# SPDX-License-Identifier: Apache-2.0
"""The command `krait`, which comes with this package: for what the C API has no function (quantizing to a file, converting, measuring speed)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from krait._c.loader import library_path
from krait.errors import FileError, InvalidArgumentError, KraitError, NotFoundError


def command_path() -> Path:
    """The program; beside the library."""
    path = library_path().parent / "krait"
    if not path.exists():
        raise NotFoundError(f"there is no {path}: the package was built without the command")
    return path


def run_command(*arguments: str | os.PathLike[str]) -> str:
    """What `krait ARGUMENT...` prints. Raises InvalidArgumentError with its sentence for bad input (exit code 2), else KraitError.

    Ctrl-C reaches the command too.
    """
    words = [os.fspath(argument) for argument in arguments]
    try:
        done = subprocess.run([command_path(), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", check=False)
    except OSError as error:
        raise FileError(f"krait {' '.join(words)}: {error}") from error
    if done.returncode:
        message = done.stderr.strip() or f"krait {' '.join(words)} ended with {done.returncode}"
        raise (InvalidArgumentError if done.returncode == 2 else KraitError)(message)
    return done.stdout


def quantize(source: str | os.PathLike[str], target: str | os.PathLike[str], type: str, *options: str) -> None:
    """Writes a model in a smaller format (docs/quantizing.md): quantize("f16.gguf", "q4.gguf", "q4_k", "--imatrix", "m.imatrix")."""
    run_command("quantize", source, target, type, *options)


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str], *, type: str | None = None, options: tuple[str, ...] = ()) -> None:
    """Writes a Hugging Face folder as a GGUF file (docs/checkpoints.md)."""
    run_command("convert", source, target, *(("--type", type) if type else ()), *options)


def bench(model: str | os.PathLike[str] | None = None, *options: str) -> Any:
    """Measures speed (docs/benchmarks.md), and returns the JSON of `krait bench -o json`. model: None for the demo model."""
    return json.loads(run_command("bench", *((model,) if model is not None else ()), "-o", "json", *options))
