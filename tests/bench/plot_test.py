#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/plot.py: what it takes out of results. Drawing is tested where matplotlib is there.

    python3 tests/bench/plot_test.py
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import plot  # noqa: E402


def file_of(weights: int, format_name: str, rate: float) -> dict:
    def engine(factor: float) -> dict:
        return {"results": [{"test": test, "n_tok": 8, "n_seq": n_seq,
                             "tokens_per_second": {"median": rate * factor, "min": rate * factor / 2, "max": rate * factor * 2}}
                            for test, n_seq in (("prompt", 1), ("decode", 1), ("decode", 4))]}

    types = {format_name: {"weights": weights}, "F32": {"weights": weights // 100}}
    return {"model": {"types": types}, "engines": {"krait cpu": engine(3), plot.PEER: engine(1)}}


REPORT = {"machine": {"cpu": "A CPU"}, "settings": {"threads": 2},
          "files": [file_of(3000, "Q8_0", 10), file_of(1000, "Q8_0", 30), file_of(1000, "Q4_K", 50)]}


class PlotTest(unittest.TestCase):
    def test_a_point_for_every_measurement(self) -> None:
        points = plot.points_of([REPORT])
        self.assertEqual(len(points), 3 * 2 * 3)
        self.assertEqual(points[0]["weights"], 3030)
        self.assertEqual({p["format"] for p in points}, {"Q8_0", "Q4_K"})

    def test_lines_run_from_small_to_large(self) -> None:
        decode = [p for p in plot.points_of([REPORT]) if p["test"] == "decode" and p["n_seq"] == 1]
        lines = plot.lines_of(decode, "weights")
        self.assertEqual(set(lines), {(f, e) for f in ("Q8_0", "Q4_K") for e in ("krait cpu", plot.PEER)})
        self.assertEqual([(x, rate["median"]) for x, rate in lines["Q8_0", "krait cpu"]], [(1010, 90), (3030, 30)])

    def test_a_file_of_another_kind_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for text in ("{}", "no json", "[]"):
                path = Path(folder) / "r.json"
                path.write_text(text, encoding="utf-8")
                with self.assertRaises(SystemExit) as stop:
                    plot.load(path)
                self.assertIn("no result of bench/compare_llamacpp.py", str(stop.exception))
            with self.assertRaises(SystemExit) as stop:
                plot.load(Path(folder) / "gone.json")
            self.assertIn("gone.json cannot be read", str(stop.exception))

    @unittest.skipIf(importlib.util.find_spec("matplotlib") is None, "there is no matplotlib")
    def test_pictures_are_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "r.json"
            path.write_text(json.dumps(REPORT), encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(plot.main([str(path)]), 0)
            for name in ("r-size.svg", "r-batch.svg"):
                self.assertGreater((Path(folder) / name).stat().st_size, 1000)


if __name__ == "__main__":
    unittest.main()
