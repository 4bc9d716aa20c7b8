"""The heavy parts of Mamba-1 training on a CPU: the C++ of selective_scan.cpp, and a plain PyTorch form of each.

`load()` compiles the C++ once (g++, -march=native) and checks it against the plain forms, values and gradients; where there is
no compiler, or the check fails, the plain forms serve. Shapes: b items, l tokens, d channels, n states, k taps, r dt_rank, v vocabulary.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

SOURCE = Path(__file__).with_name("selective_scan.cpp")
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-funroll-loops", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
_library: ctypes.CDLL | None = None


class _ScanShape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("batch", "length", "channels", "states")]


class _ScanIn(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("u", "dt", "a", "b", "c", "d", "z", "h0")] + [
        (name, ctypes.c_int64) for name in ("u_row", "dt_row", "bc_row", "z_row")
    ]


class _ScanGrad(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("u", "dt", "a", "b", "c", "d", "z")] + [
        (name, ctypes.c_int64) for name in ("bc_row", "z_row")
    ]


class _ConvShape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("batch", "length", "channels", "taps", "x_row", "dx_row")]


def _call(name: str, *args: Tensor | ctypes.Structure | int | float) -> None:
    """Calls the C function; tensors go as addresses, tables by reference."""

    def passed(arg: Tensor | ctypes.Structure | int | float) -> object:
        if isinstance(arg, Tensor):
            return ctypes.c_void_p(arg.data_ptr())
        if isinstance(arg, ctypes.Structure):
            return ctypes.byref(arg)
        return ctypes.c_float(arg) if isinstance(arg, float) else ctypes.c_int64(arg)

    getattr(_library, name)(*map(passed, args))


class _Mixer(torch.autograd.Function):
    """`plain_mixer` in C++; keeps the convolved input, dt|B|C and dt for the way back."""

    @staticmethod
    def _tables(xz: Tensor, u: Tensor, dt: Tensor, dtbc: Tensor, a: Tensor, d: Tensor, h0: Tensor) -> tuple[_ScanIn, _ScanShape]:
        channels, states = a.shape
        b, c = dtbc[..., -2 * states :], dtbc[..., -states:]
        pointers = (x.data_ptr() for x in (u, dt, a, b, c, d, xz[..., channels:], h0))
        return _ScanIn(*pointers, channels, channels, dtbc.shape[-1], 2 * channels), _ScanShape(*u.shape, states)

    @staticmethod
    def forward(ctx, xz, conv_w, conv_b, past, x_w, dt_w, dt_b, a, d, h0):  # noqa: ANN001
        inputs = [x.contiguous() for x in (xz, conv_w, conv_b, past, x_w, dt_w, dt_b, a, d, h0)]
        xz, conv_w, conv_b, past, x_w, dt_w, dt_b, a, d, h0 = inputs
        items, length, channels = *xz.shape[:2], a.shape[0]
        u, y = torch.empty(2, items, length, channels)
        _call("conv_forward", _ConvShape(items, length, channels, len(conv_w), 2 * channels, 0), xz, conv_w, conv_b, past, u)
        with torch.autocast("cpu", enabled=False):
            dtbc = F.linear(u, x_w)
            dt = F.linear(dtbc[..., : dt_w.shape[1]], dt_w, dt_b)
        last = torch.empty_like(h0)
        _call("scan_forward", *_Mixer._tables(xz, u, dt, dtbc, a, d, h0), y, last)
        ctx.save_for_backward(*inputs, u, dtbc, dt)
        ctx.mark_non_differentiable(last)
        return y, last

    @staticmethod
    def backward(ctx, dy, _):  # noqa: ANN001
        xz, conv_w, conv_b, past, x_w, dt_w, dt_b, a, d, h0, u, dtbc, dt = ctx.saved_tensors
        items, length, channels = u.shape
        rank, states = dt_w.shape[1], a.shape[1]
        dy = dy.contiguous()
        g_xz, g_dtbc, (g_u, g_dt) = torch.empty_like(xz), torch.empty_like(dtbc), torch.empty(2, *u.shape)
        g_a, g_d = torch.empty(items, *a.shape), torch.empty(items, channels)
        into = (g_u, g_dt, g_a, g_dtbc[..., rank:], g_dtbc[..., rank + states :], g_d, g_xz[..., channels:])
        grad = _ScanGrad(*(x.data_ptr() for x in into), dtbc.shape[-1], 2 * channels)
        _call("scan_backward", *_Mixer._tables(xz, u, dt, dtbc, a, d, h0), dy, grad)
        flat_dt, flat_dtbc = g_dt.flatten(0, 1), g_dtbc.flatten(0, 1)
        g_dtbc[..., :rank] = g_dt @ dt_w
        g_dt_w, g_x_w = flat_dt.T @ dtbc.flatten(0, 1)[:, :rank], flat_dtbc.T @ u.flatten(0, 1)
        g_u.flatten(0, 1).addmm_(flat_dtbc, x_w)
        g_conv_w, g_conv_b = torch.empty(items, *conv_w.shape), torch.empty(items, channels)
        shape = _ConvShape(items, length, channels, len(conv_w), 2 * channels, 2 * channels)
        _call("conv_backward", shape, xz, conv_w, conv_b, past, g_u, g_xz, g_conv_w, g_conv_b)
        return g_xz, g_conv_w.sum(0), g_conv_b.sum(0), None, g_x_w, g_dt_w, flat_dt.sum(0), g_a.sum(0), g_d.sum(0), None


class _CrossEntropy(torch.autograd.Function):
    """Mean cross entropy of bfloat16 logits; the gradient overwrites them, which nothing else may need by then."""

    @staticmethod
    def forward(ctx, logits, target):  # noqa: ANN001
        loss = torch.empty(target.shape)
        _call("cross_entropy", *logits.shape, logits, target, 1.0 / len(target), loss)
        ctx.gradient = logits
        return loss.mean()

    @staticmethod
    def backward(ctx, outer):  # noqa: ANN001
        gradient, ctx.gradient = ctx.gradient, None
        return (gradient if outer.item() == 1 else gradient * outer), None


def plain_scan(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, z: Tensor, h0: Tensor) -> tuple[Tensor, Tensor]:
    """The scan as a loop over tokens. u, dt, z [b,l,d]; a [d,n]; b, c [b,l,n]; d [d]; h0 [b,n,d] -> y [b,l,d], state [b,n,d]."""
    h, rows = h0, []
    delta = F.softplus(dt)
    for t in range(u.shape[1]):
        decay = torch.exp(delta[:, t, None, :] * a.T)
        h = decay * h + (delta[:, t] * u[:, t])[:, None, :] * b[:, t, :, None]
        rows.append((h * c[:, t, :, None]).sum(1) + d * u[:, t])
    return torch.stack(rows, 1) * F.silu(z), h.detach()


def plain_conv(x: Tensor, w: Tensor, bias: Tensor, past: Tensor) -> Tensor:
    """SiLU of the causal depthwise convolution. x [b,l,d]; w [k,d]; bias [d]; past [b,k-1,d] -> [b,l,d]."""
    padded = torch.cat([past, x], 1).transpose(1, 2)
    return F.silu(F.conv1d(padded, w.T[:, None, :], bias, groups=w.shape[1])).transpose(1, 2)


def plain_mixer(
    xz: Tensor, conv_w: Tensor, conv_b: Tensor, past: Tensor, x_w: Tensor, dt_w: Tensor, dt_b: Tensor, a: Tensor, d: Tensor, h0: Tensor
) -> tuple[Tensor, Tensor]:
    """What lies between in_proj and out_proj.

    xz [b,l,2d]; conv_w [k,d]; conv_b, dt_b, d [d]; past [b,k-1,d]; x_w [r+2n,d]; dt_w [d,r]; a [d,n]; h0 [b,n,d]
    -> y [b,l,d], the scan's state after the last token [b,n,d].
    """
    (channels, states), rank = a.shape, dt_w.shape[1]
    u, z = xz.split(channels, -1)
    u = plain_conv(u, conv_w, conv_b, past)
    dt, b, c = F.linear(u, x_w).split([rank, states, states], -1)
    return plain_scan(u, F.linear(dt, dt_w, dt_b), a, b, c, d, z, h0)


def mixer(*inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The fastest form of `plain_mixer` at hand."""
    return _Mixer.apply(*inputs) if _library else plain_mixer(*inputs)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean loss of logits [t,v] for target [t]. The logits are used up."""
    if _library and logits.dtype == torch.bfloat16:
        return _CrossEntropy.apply(logits.contiguous(), target.contiguous())
    return F.cross_entropy(logits.float(), target)


def _compare(fast: Callable[..., Tensor], plain: Callable[..., Tensor], inputs: list[Tensor], learned: int) -> float:
    """Largest difference of values and of the gradients of the first inputs, relative to the largest entry of each tensor."""
    sides = []
    for function in (fast, plain):
        leaves = [x.clone().requires_grad_(i < learned) for i, x in enumerate(inputs)]
        y = function(*leaves)
        weight = torch.linspace(-1, 1, y.numel()).view(y.shape).cos()
        sides.append([y.detach(), *torch.autograd.grad((y * weight).sum(), leaves[:learned])])
    return max(((p.float() - q.float()).abs().max() / q.abs().max()).item() for p, q in zip(*sides))


def check() -> tuple[float, float]:
    """Worst errors of the C++ against the plain forms, on small random inputs: (mixer, float32; loss, bfloat16)."""
    random = torch.Generator().manual_seed(1)
    items, length, channels, states, taps, rank = 3, 37, 48, 16, 4, 5
    shapes = [(items, length, 2 * channels), (taps, channels), (channels,), (rank + 2 * states, channels), (channels, rank), (channels,)]
    shapes += [(channels, states), (channels,), (items, taps - 1, channels), (items, states, channels)]
    values = [torch.randn(shape, generator=random) for shape in shapes]
    values[3] /= channels**0.5
    values[6] = -values[6].exp()

    def ordered(form: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., Tensor]:
        return lambda xz, cw, cb, xw, dw, db, a, d, past, h0: form(xz, cw, cb, past, xw, dw, db, a, d, h0)[0]

    of_mixer = _compare(ordered(_Mixer.apply), ordered(plain_mixer), values, 8)
    logits, target = torch.randn(9, 64, generator=random).bfloat16(), torch.arange(9)
    of_loss = _compare(lambda x: _CrossEntropy.apply(x * 1, target), lambda x: F.cross_entropy(x.float(), target), [logits], 1)
    return of_mixer, of_loss


def load() -> bool:
    """Compiles and checks the C++; False (and a line that says why) where the plain forms must serve."""
    global _library
    name = hashlib.sha256(SOURCE.read_bytes() + " ".join(FLAGS).encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"krait-demo-{os.getuid()}-{name}.so"
    try:
        if not target.exists():
            part = target.with_suffix(f".{os.getpid()}")
            subprocess.run(["g++", *FLAGS, "-o", str(part), str(SOURCE)], check=True)
            part.rename(target)
        _library = ctypes.CDLL(str(target))
        of_mixer, of_loss = check()
        if of_mixer > 1e-4 or of_loss > 1e-2:
            raise RuntimeError(f"errors {of_mixer:.1e} and {of_loss:.1e}, at most 1e-4 and 1e-2 (bfloat16) expected")
    except (OSError, subprocess.CalledProcessError, RuntimeError) as problem:
        _library = None
        print(f"selective_scan.cpp is not used, training will be slow: {problem}")
        return False
    print(f"selective_scan.cpp: worst relative error against plain PyTorch {of_mixer:.1e}, of the loss in bfloat16 {of_loss:.1e}")
    return True
