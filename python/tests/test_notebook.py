# SPDX-License-Identifier: Apache-2.0
"""The notebooks run, and draw (.ci/nightly, where nbclient, ipykernel and matplotlib are)."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.mark.parametrize(("name", "n_figure"), [("states.ipynb", 2)])
def test_notebook(name: str, n_figure: int) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("matplotlib")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == n_figure
    assert any("NMSE" in output.get("text", "") for output in outputs)


def test_notebooks_hold_no_outputs() -> None:
    for file in FOLDER.glob("*.ipynb"):
        assert '"output_type"' not in file.read_text(), f"{file.name}: clear its outputs before you commit it"
