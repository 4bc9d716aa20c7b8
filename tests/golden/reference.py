"""Mamba, Falcon-Mamba and Mamba-2 as plain loops in float64 over the tensors of a GGUF file.

This is the mathematics once more, written from the formulas and sharing no code with the engine or with transformers.
Weights are float32 arrays under their GGUF names, row extent first (the reverse of GGUF's order). Shapes in the comments:
t tokens, e d_model, i d_inner, n states, r dt_rank, h heads, p head_dim, g groups, k taps, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Array = np.ndarray
Weights = Mapping[str, Array]


def silu(x: Array) -> Array:
    """x * sigmoid(x)."""
    return x / (1.0 + np.exp(-x))


def softplus(x: Array) -> Array:
    """log(1 + e^x); x itself above 20, as PyTorch and the engine have it."""
    return np.where(x > 20.0, x, np.log1p(np.exp(np.minimum(x, 20.0))))


def rms_norm(x: Array, weight: Array | None, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) over the last extent, times weight if there is one."""
    y = x / np.sqrt(np.mean(x * x, -1, keepdims=True) + eps)
    return y if weight is None else y * weight


def linear(w: Weights, name: str, x: Array) -> Array:
    """x [t,k] by the weight [n,k] of that name, plus its bias [n] if there is one -> [t,n]."""
    y = x @ w[name + ".weight"].T
    return y + w[name + ".bias"] if name + ".bias" in w else y


def conv_silu(x: Array, w: Array, bias: Array) -> Array:
    """Causal depthwise convolution from a zero past. x [t,c], w [c,k], bias [c] -> [t,c]."""
    taps = w.shape[1]
    y = np.zeros_like(x)
    for t in range(len(x)):
        y[t] = bias
        for k in range(taps):
            if t - (taps - 1) + k >= 0:
                y[t] += w[:, k] * x[t - (taps - 1) + k]
    return silu(y)


def scan(x: Array, d: Array, a: Array, b: Array, c: Array, skip: Array) -> Array:
    """x [t,h,p], d [t,h] (after softplus), a [h,n] or [h,1], b and c [t,g,n], skip [h] -> y [t,h,p]."""
    length, heads, width = x.shape
    groups, states = b.shape[1:]
    state = np.zeros((heads, width, states))
    y = np.zeros_like(x)
    for t in range(length):
        for h in range(heads):
            g = h // (heads // groups)  # the heads of a group are neighbours
            state[h] = np.exp(d[t, h] * a[h]) * state[h] + np.outer(d[t, h] * x[t, h], b[t, g])
            y[t, h] = state[h] @ c[t, g] + skip[h] * x[t, h]
    return y


def mamba_layer(w: Weights, prefix: str, x: Array, sizes: Mapping[str, int], eps: float, norm_dt_b_c: bool) -> Array:
    """One Mamba-1 layer, residual included. x [t,e] -> [t,e]."""
    inner, rank, states = sizes["d_inner"], sizes["dt_rank"], sizes["d_state"]
    xz = linear(w, prefix + "ssm_in", rms_norm(x, w[prefix + "attn_norm.weight"], eps))
    u = conv_silu(xz[:, :inner], w[prefix + "ssm_conv1d.weight"], w[prefix + "ssm_conv1d.bias"])
    parts = np.split(u @ w[prefix + "ssm_x.weight"].T, [rank, rank + states], -1)
    dt, b, c = (rms_norm(part, None, eps) for part in parts) if norm_dt_b_c else parts
    d = softplus(dt @ w[prefix + "ssm_dt.weight"].T + w[prefix + "ssm_dt.bias"])
    y = scan(u[:, :, None], d, w[prefix + "ssm_a"], b[:, None], c[:, None], w[prefix + "ssm_d"])[:, :, 0]
    return x + linear(w, prefix + "ssm_out", y * silu(xz[:, inner:]))


def mamba2_layer(w: Weights, prefix: str, x: Array, sizes: Mapping[str, int], eps: float) -> Array:
    """One Mamba-2 layer, residual included. x [t,e] -> [t,e]."""
    inner, groups, states, heads = (sizes[k] for k in ("d_inner", "groups", "d_state", "heads"))
    length, wide = len(x), inner + 2 * groups * states
    zxbcdt = linear(w, prefix + "ssm_in", rms_norm(x, w[prefix + "attn_norm.weight"], eps))
    z, xbc, dt = np.split(zxbcdt, [inner, inner + wide], -1)
    xbc = conv_silu(xbc, w[prefix + "ssm_conv1d.weight"], w[prefix + "ssm_conv1d.bias"])
    u, b, c = np.split(xbc, [inner, inner + groups * states], -1)
    b, c = (part.reshape(length, groups, states) for part in (b, c))
    d = softplus(dt + w[prefix + "ssm_dt.bias"])
    y = scan(u.reshape(length, heads, -1), d, w[prefix + "ssm_a"], b, c, w[prefix + "ssm_d"][:, 0])
    gated = y.reshape(length, groups, inner // groups) * silu(z).reshape(length, groups, -1)
    normed = rms_norm(gated, w[prefix + "ssm_norm.weight"], eps)  # gate first, then a norm over each group
    return x + linear(w, prefix + "ssm_out", normed.reshape(length, inner))


def logits(kind: str, weights: Weights, tokens: Array, sizes: Mapping[str, int], eps: float) -> Array:
    """tokens [t] -> logits [t,v], float64. `kind`: mamba, falcon_mamba, mamba2; of models with biases, one of these and more."""
    w = {name: values.astype(np.float64) for name, values in weights.items()}
    x = w["token_embd.weight"][tokens]
    for n in range(sizes["layers"]):
        if kind.startswith("mamba2"):
            x = mamba2_layer(w, f"blk.{n}.", x, sizes, eps)
        else:
            x = mamba_layer(w, f"blk.{n}.", x, sizes, eps, norm_dt_b_c=kind == "falcon_mamba")
    return rms_norm(x, w["output_norm.weight"], eps) @ w.get("output.weight", w["token_embd.weight"]).T
