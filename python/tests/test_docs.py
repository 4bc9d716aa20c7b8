# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/python.md run, one after another."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_examples_of_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/python.md").read_text(), flags=re.M | re.S)
    assert len(blocks) >= 9
    shutil.copy(ROOT / "models/demo/krait-demo.gguf", tmp_path / "model.gguf")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "document"}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    names["model"].close()
    assert len(capsys.readouterr().out.splitlines()) > len(blocks)
