#!/usr/bin/env python3
"""Makes op_golden/: small inputs (float32) and results (float64, by PyTorch in double) for single operators.

One file an operand, <case>.<operand>.npy, and cases.txt with a line a case: the case, the op, and its params as key=value.
They check the oracle itself, so nothing here comes from the engine.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass
class Case:
    """One case: operands by name (inputs float32, results float64) and the op's params."""

    name: str
    op: str
    tensors: dict[str, Tensor]
    params: dict[str, float | int | str] = field(default_factory=dict)


def random(*shape: int) -> Tensor:
    """Normal float32 values, as double for the sums."""
    return torch.randn(*shape).double()


def ssm_scan(t: int, h: int, p: int, g: int, n: int, scalar_a: bool, gate: bool, start: bool, limits: tuple[float, float]) -> Case:
    """Selective scan of one sequence. x, z, y [t,h,p]; dt [t,h]; dt_bias, d [h]; a [h,n] or [h,1]; b, c [t,g,n]; state [h,p,n]."""
    x, dt, bias = random(t, h, p), (torch.randn(t, h) * 2 - 1).double(), random(h)
    a = -torch.exp(torch.empty(h, 1 if scalar_a else n).uniform_(-2, 2.5)).float().double()
    b, c, d, z = random(t, g, n), random(t, g, n), random(h), random(t, h, p) * 2
    state = random(h, p, n) if start else torch.zeros(h, p, n, dtype=torch.float64)
    tensors = {"x": x, "dt": dt, "dt_bias": bias, "a": a, "b": b, "c": c, "d": d} | ({"z": z} if gate else {})
    tensors |= {"state_in": state} if start else {}
    group = torch.arange(h) // (h // g)  # the heads of a group are neighbours
    rows = []
    for step in range(t):
        delta = F.softplus(dt[step] + bias, threshold=20).clamp(*limits)
        state = torch.exp(delta[:, None] * a)[:, None, :] * state
        state = state + (delta[:, None] * x[step])[:, :, None] * b[step, group][:, None, :]
        rows.append((state * c[step, group][:, None, :]).sum(-1) + d[:, None] * x[step])
    y = torch.stack(rows) * (F.silu(z) if gate else 1.0)
    params = {"dt_softplus": 1, "dt_min": limits[0], "dt_max": limits[1]}
    return Case("", "ssm_scan", tensors | {"y": y, "state_out": state}, params)


def ssm_conv(t: int, c: int, k: int, bias: bool, activation: str, start: bool) -> Case:
    """Causal depthwise convolution of one sequence. x, y [t,c]; w [c,k]; bias [c]; state [k-1,c], the newest row last."""
    x, w, b = random(t, c), random(c, k), random(c)
    past = random(k - 1, c) if start else torch.zeros(k - 1, c, dtype=torch.float64)
    rows = torch.cat([past, x])
    y = F.conv1d(rows.T[None], w[:, None], b if bias else None, groups=c)[0].T
    tensors = {"x": x, "w": w} | ({"bias": b} if bias else {}) | ({"state_in": past} if start else {})
    results = {"y": F.silu(y) if activation == "silu" else y, "state_out": rows[len(rows) - (k - 1) :]}
    return Case("", "ssm_conv", tensors | results, {"activation": activation})


def rms_norm(t: int, e: int, groups: int, eps: float, scale: float) -> Case:
    """x, y [t,e]; weight [e]; the mean of squares is taken over each of `groups` equal parts of a row."""
    eps = float(np.float32(eps))  # as the engine holds it
    x, weight = (random(t, e) * scale).float().double(), random(e)
    y = F.rms_norm(x.view(t, groups, -1), (e // groups,), None, eps).view(t, e) * weight
    return Case("", "rms_norm", {"x": x, "weight": weight, "y": y}, {"eps": eps, "groups": groups})


def softplus() -> Case:
    """x, y [count]: around the threshold of 20, where e^x is lost beside 1, where it is no normal number, and at zero."""
    x = [-1e4, -104.0, -87.5, -50.0, -20.0, -17.0, -5.0, -1.0, -1e-4, -1e-30, 0.0, 1e-30, 1e-4, 1.0, 5.0, 15.0, 19.0]
    x += [float(np.nextafter(np.float32(20), np.float32(0))), 20.0, float(np.nextafter(np.float32(20), np.float32(30))), 25.0, 88.8, 1e4]
    values = torch.tensor(x, dtype=torch.float32).double()
    return Case("", "softplus", {"x": values, "y": F.softplus(values, threshold=20)}, {"threshold": 20})


def silu() -> Case:
    """x, y [count], far into both tails."""
    values = torch.tensor([-1e4, -104.0, -88.8, -50.0, -20.0, -1.278, -1.0, -1e-6, 0.0, 1e-6, 1.0, 20.0, 88.8, 1e4]).float().double()
    return Case("", "silu", {"x": values, "y": F.silu(values)})


def mul_mat(t: int, k: int, n: int, extras: bool) -> Case:
    """y = x w^T (+ bias + residual). x [t,k]; w [n,k]; bias [n]; residual, y [t,n]."""
    x, w, bias, residual = random(t, k), random(n, k), random(n), random(t, n)
    y = F.linear(x, w, bias if extras else None) + (residual if extras else 0.0)
    return Case("", "mul_mat", {"x": x, "w": w} | ({"bias": bias, "residual": residual} if extras else {}) | {"y": y})


def cases() -> dict[str, Case]:
    """All cases by name."""
    torch.manual_seed(20)
    open_limits = (0.0, float("inf"))
    return {
        "scan_mamba1": ssm_scan(9, 19, 1, 1, 16, False, True, True, open_limits),
        "scan_mamba1_fresh_no_gate": ssm_scan(5, 7, 1, 1, 5, False, False, False, open_limits),
        "scan_mamba1_one_token": ssm_scan(1, 33, 1, 1, 16, False, True, True, open_limits),
        "scan_mamba2": ssm_scan(9, 6, 4, 2, 8, True, True, True, open_limits),
        "scan_mamba2_groups_odd": ssm_scan(6, 12, 3, 4, 7, True, False, False, open_limits),
        "scan_mamba2_dt_limits": ssm_scan(7, 4, 5, 1, 9, True, True, True, (0.0625, 0.75)),
        "conv_silu": ssm_conv(9, 19, 4, True, "silu", True),
        "conv_fresh_no_bias": ssm_conv(5, 8, 3, False, "none", False),
        "conv_short_run": ssm_conv(2, 7, 4, True, "silu", True),
        "conv_two_taps": ssm_conv(4, 5, 2, True, "none", True),
        "norm": rms_norm(4, 37, 1, 1e-5, 1.0),
        "norm_groups": rms_norm(3, 48, 4, 1e-5, 1.0),
        "norm_eps_rules": rms_norm(3, 24, 2, 1e-5, 1e-4),
        "norm_large": rms_norm(2, 24, 1, 1e-5, 1e15),
        "softplus": softplus(),
        "silu": silu(),
        "mul_mat": mul_mat(3, 37, 11, False),
        "mul_mat_bias_residual": mul_mat(5, 32, 7, True),
    }


def stored(values: Tensor, result: bool) -> np.ndarray:
    """Float64 for a result; float32 for an input, which must lose nothing by it."""
    array = np.ascontiguousarray(values.numpy())
    if result:
        return array
    assert np.array_equal(array.astype(np.float32), array)
    return array.astype(np.float32)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "op_golden", help="folder to write to")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, case in cases().items():
        lines.append(" ".join([name, case.op, *(f"{key}={value}" for key, value in case.params.items())]))
        for operand, values in case.tensors.items():
            np.save(folder / f"{name}.{operand}.npy", stored(values, operand in ("y", "state_out")))
    (folder / "cases.txt").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
