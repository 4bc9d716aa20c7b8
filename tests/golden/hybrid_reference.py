"""Granite 4 H, Bamba, Nemotron-H, Falcon-H1, Jamba, LFM2 and Zamba2 as plain loops in float64 over a Hugging Face checkpoint.

This is the mathematics once more, written from the formulas and sharing no code with the engine or with transformers. `config` is
config.json; weights are arrays under the names of the checkpoint. Shapes in the comments: t tokens, e d_model, i d_inner, n states,
h heads, p head_dim, g groups, v vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reference import Array, conv_silu, rms_norm, scan, silu, softplus

Config = Mapping[str, Any]

# The smallest step of a scan and the smallest distance between a chosen expert and the next one, of the last call of logits():
# a golden whose steps reach a limit, or whose choice hangs on a rounding, is of no use.
smallest = {"dt": math.inf, "choice": math.inf}


class Weights:
    """The weights behind a prefix, in float64."""

    def __init__(self, tensors: Mapping[str, Array], prefix: str = "") -> None:
        self.tensors, self.prefix = tensors, prefix

    def __truediv__(self, part: str) -> Weights:
        return Weights(self.tensors, f"{self.prefix}{part}.")

    def __contains__(self, name: str) -> bool:
        return self.prefix + name in self.tensors

    def __getitem__(self, name: str) -> Array:
        return self.tensors[self.prefix + name].astype(np.float64)

    def has(self, part: str) -> bool:
        return any(name.startswith(f"{self.prefix}{part}.") for name in self.tensors)

    def linear(self, name: str, x: Array) -> Array:
        """x [t,k] by the weight [n,k], plus its bias where there is one -> [t,n]."""
        y = x @ self[name + ".weight"].T
        return y + self[name + ".bias"] if name + ".bias" in self else y

    def norm(self, name: str, x: Array, eps: float) -> Array:
        return rms_norm(x, self[name + ".weight"], eps)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def gelu(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def relu2(x: Array) -> Array:
    return np.maximum(x, 0.0) ** 2


def rope(x: Array, n_rot: int, base: float) -> Array:
    """Turns the pairs (i, i + n_rot / 2) of x [t,h,p] by pos * base^(-2 i / n_rot)."""
    half = n_rot // 2
    angle = np.arange(len(x))[:, None, None] * base ** (-np.arange(half) * 2.0 / n_rot)
    a, b = x[..., :half], x[..., half:n_rot]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle), x[..., n_rot:]], -1)


def attend(q: Array, k: Array, v: Array, scale: float) -> Array:
    """q [t,h,p], k and v [t,j,p] -> [t, h p]; query head i reads key head i / (h / j)."""
    length, heads, width = q.shape
    y = np.zeros_like(q)
    for h in range(heads):
        j = h // (heads // k.shape[1])
        for t in range(length):
            y[t, h] = softmax(scale * (k[: t + 1, j] @ q[t, h])) @ v[: t + 1, j]
    return y.reshape(length, heads * width)


def attention(w: Weights, x: Array, c: Config, head_dim: int, scale: float | None = None,
              turn: Callable[[Array], Array] = lambda x: x, out: str = "o_proj") -> Array:
    q, k, v = (w.linear(f"{part}_proj", x).reshape(len(x), -1, head_dim) for part in "qkv")
    assert q.shape[1] == c["num_attention_heads"] and k.shape[1] == c["num_key_value_heads"]
    if "q_layernorm.weight" in w:
        q, k = w.norm("q_layernorm", q, c["norm_eps"]), w.norm("k_layernorm", k, c["norm_eps"])
    return w.linear(out, attend(turn(q), turn(k), v, scale or head_dim**-0.5))


def note_dt(d: Array) -> Array:
    smallest["dt"] = min(smallest["dt"], float(d.min()))
    return d


def conv(w: Weights, x: Array) -> Array:
    return conv_silu(x, w["conv1d.weight"][:, 0, :], w["conv1d.bias"] if "conv1d.bias" in w else np.zeros(x.shape[1]))


def mamba2(w: Weights, x: Array, groups: int, states: int, eps: float, blocks: Array | None = None) -> Array:
    """blocks: a factor each for z, x, B, C and dt."""
    heads = len(w["A_log"])
    inner = w["out_proj.weight"].shape[1]
    bc = groups * states
    z, u, b, c, dt = np.split(w.linear("in_proj", x), np.cumsum([inner, inner, bc, bc]), -1)
    if blocks is not None:
        z, u, b, c, dt = (part * factor for part, factor in zip((z, u, b, c, dt), blocks, strict=True))
    u, b, c = np.split(conv(w, np.concatenate([u, b, c], -1)), [inner, inner + bc], -1)
    b, c = (part.reshape(len(x), groups, states) for part in (b, c))
    d = note_dt(softplus(dt + w["dt_bias"]))
    y = scan(u.reshape(len(x), heads, -1), d, -np.exp(w["A_log"])[:, None], b, c, w["D"])
    y = y.reshape(len(x), inner) * silu(z)
    if "norm.weight" in w:
        y = rms_norm(y.reshape(len(x), groups, -1), w["norm.weight"].reshape(groups, -1), eps).reshape(len(x), inner)
    return w.linear("out_proj", y)


def mamba1(w: Weights, x: Array, c: Config, eps: float) -> Array:
    u, z = np.split(w.linear("in_proj", x), 2, -1)
    u = conv(w, u)
    states = c["mamba_d_state"]
    dt, B, C = np.split(u @ w["x_proj.weight"].T, [c["mamba_dt_rank"], c["mamba_dt_rank"] + states], -1)
    dt, B, C = w.norm("dt_layernorm", dt, eps), w.norm("b_layernorm", B, eps), w.norm("c_layernorm", C, eps)
    d = note_dt(softplus(w.linear("dt_proj", dt)))
    y = scan(u[:, :, None], d, -np.exp(w["A_log"]), B[:, None], C[:, None], w["D"])[:, :, 0]
    return w.linear("out_proj", y * silu(z))


def gated(w: Weights, x: Array, gate: str = "gate_proj", up: str = "up_proj", down: str = "down_proj",
          factors: tuple[float, float] = (1.0, 1.0)) -> Array:
    return w.linear(down, silu(w.linear(gate, x) * factors[0]) * w.linear(up, x)) * factors[1]


def fused_gated(w: Weights, x: Array) -> Array:
    gate, up = np.split(w.linear("input_linear", x), 2, -1)
    return w.linear("output_linear", silu(gate) * up)


def pick(scores: Array, k: int) -> Array:
    """The k largest of each row: indices [t,k]."""
    order = np.argsort(-scores, -1, kind="stable")
    ranked = np.take_along_axis(scores, order, -1)
    if k < scores.shape[1]:
        gap = ranked[:, k - 1] - ranked[:, k]
        smallest["choice"] = min(smallest["choice"], float(gap[np.isfinite(ranked[:, k])].min(initial=math.inf)))
    return order[:, :k]


def mix(x: Array, ids: Array, weights: Array, expert: Callable[[int, Array], Array]) -> Array:
    """The sum of each row's experts, by their weights [t,k]."""
    return np.stack([sum(weight * expert(int(e), row[None])[0] for e, weight in zip(chosen, share, strict=True))
                     for row, chosen, share in zip(x, ids, weights, strict=True)])


def rope_of(c: Config, n_rot: int) -> Callable[[Array], Array]:
    return lambda x: rope(x, n_rot, c["rope_parameters"]["rope_theta"])


def granite(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "model", c["rms_norm_eps"]
    head_dim = c["hidden_size"] // c["num_attention_heads"]
    turn = rope_of(c, head_dim) if c["position_embedding_type"] == "rope" else lambda x: x

    def experts(block: Weights, x: Array) -> Array:
        scores = block.linear("router.layer", x)
        ids = pick(scores, c["num_experts_per_tok"])
        into, out = block["input_linear.weight"], block["output_linear.weight"]

        def expert(e: int, row: Array) -> Array:
            gate, up = np.split(row @ into[e].T, 2, -1)
            return (silu(gate) * up) @ out[e].T

        return mix(x, ids, softmax(np.take_along_axis(scores, ids, -1)), expert)

    h = m["embed_tokens.weight"][tokens] * c["embedding_multiplier"]
    for i, kind in enumerate(c["layer_types"]):
        layer = m / f"layers.{i}"
        x = layer.norm("input_layernorm", h, eps)
        if kind == "linear_attention":
            y = mamba2(layer / "mamba", x, c["mamba_n_groups"], c["mamba_d_state"], eps)
        else:
            y = attention(layer / "self_attn", x, c, head_dim, c["attention_multiplier"], turn)
        h = h + c["residual_multiplier"] * y
        x = layer.norm("post_attention_layernorm", h, eps)
        y = fused_gated(layer / "shared_mlp", x)
        if c["num_local_experts"] > 0:
            y = y + experts(layer / "block_sparse_moe", x)
        h = h + c["residual_multiplier"] * y
    return head(w, m.norm("norm", h, eps), "model.embed_tokens") / c["logits_scaling"]


def bamba(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "model", c["rms_norm_eps"]
    head_dim = c["hidden_size"] // c["num_attention_heads"]
    h = m["embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        layer = m / f"layers.{i}"
        x = layer.norm("input_layernorm", h, eps)
        if i in c["attn_layer_indices"]:
            h = h + attention(layer / "self_attn", x, c, head_dim, turn=rope_of(c, head_dim // 2))
        else:
            h = h + mamba2(layer / "mamba", x, c["mamba_n_groups"], c["mamba_d_state"], eps)
        h = h + gated(layer / "feed_forward", layer.norm("pre_ff_layernorm", h, eps))
    return head(w, m.norm("final_layernorm", h, eps), "model.embed_tokens")


def nemotron(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "backbone", c["layer_norm_epsilon"]

    def mlp(block: Weights, x: Array) -> Array:
        return block.linear("down_proj", relu2(block.linear("up_proj", x)))

    def experts(block: Weights, x: Array) -> Array:
        scores = sigmoid(block.linear("gate", x))
        for_choice = scores + block["gate.e_score_correction_bias"]
        groups = for_choice.reshape(len(x), c["n_group"], -1)
        best = np.sort(groups, -1)[:, :, -2:].sum(-1)
        kept = np.zeros_like(best, dtype=bool)
        np.put_along_axis(kept, pick(best, c["topk_group"]), True, -1)
        ids = pick(np.where(kept[:, :, None], groups, -np.inf).reshape(len(x), -1), c["num_experts_per_tok"])
        share = np.take_along_axis(scores, ids, -1)
        if c["norm_topk_prob"]:
            share = share / share.sum(-1, keepdims=True)
        latent = block.linear("fc1_latent_proj", x) if c["moe_latent_size"] else x
        y = mix(latent, ids, share * c["routed_scaling_factor"], lambda e, row: mlp(block / f"experts.{e}", row))
        return (block.linear("fc2_latent_proj", y) if c["moe_latent_size"] else y) + mlp(block / "shared_experts", x)

    h = m["embeddings.weight"][tokens]
    for i, kind in enumerate(c["layers_block_type"]):
        layer = m / f"layers.{i}"
        x, mixer = layer.norm("norm", h, eps), layer / "mixer"
        if kind == "linear_attention":
            h = h + mamba2(mixer, x, c["n_groups"], c["ssm_state_size"], eps)
        elif kind == "full_attention":
            h = h + attention(mixer, x, c, c["head_dim"])
        else:
            h = h + (mlp if kind == "mlp" else experts)(mixer, x)
    return head(w, m.norm("norm_f", h, eps), "backbone.embeddings")


def falcon_h1(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "model", c["rms_norm_eps"]
    head_dim = c["head_dim"]

    def turned_keys(layer: Weights, x: Array) -> Array:
        turn = rope_of(c, head_dim)
        q, k, v = (layer.linear(f"{part}_proj", x).reshape(len(x), -1, head_dim) for part in "qkv")
        return layer.linear("o_proj", attend(turn(q), turn(k * c["key_multiplier"]), v, head_dim**-0.5))

    h = m["embed_tokens.weight"][tokens] * c["embedding_multiplier"]
    for i in range(c["num_hidden_layers"]):
        layer = m / f"layers.{i}"
        x = layer.norm("input_layernorm", h, eps)
        scanned = mamba2(layer / "mamba", x * c["ssm_in_multiplier"], c["mamba_n_groups"], c["mamba_d_state"], eps,
                         np.array(c["ssm_multipliers"]))
        attended = turned_keys(layer / "self_attn", x * c["attention_in_multiplier"])
        h = h + c["ssm_out_multiplier"] * scanned + c["attention_out_multiplier"] * attended
        h = h + gated(layer / "feed_forward", layer.norm("pre_ff_layernorm", h, eps), factors=tuple(c["mlp_multipliers"]))
    return head(w, m.norm("final_layernorm", h, eps), "model.embed_tokens") * c["lm_head_multiplier"]


def jamba(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "model", c["rms_norm_eps"]

    def experts(block: Weights, x: Array) -> Array:
        scores = softmax(block.linear("router", x))
        ids = pick(scores, c["num_experts_per_tok"])
        return mix(x, ids, np.take_along_axis(scores, ids, -1), lambda e, row: gated(block / f"experts.{e}", row))

    h = m["embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        layer = m / f"layers.{i}"
        x = layer.norm("input_layernorm", h, eps)
        if i % c["attn_layer_period"] == c["attn_layer_offset"]:
            h = h + attention(layer / "self_attn", x, c, c["hidden_size"] // c["num_attention_heads"])
        else:
            h = h + mamba1(layer / "mamba", x, c, eps)
        is_mixture = c["num_experts"] > 1 and i % c["expert_layer_period"] == c["expert_layer_offset"]
        h = h + (experts if is_mixture else gated)(layer / "feed_forward", layer.norm("pre_ff_layernorm", h, eps))
    return head(w, m.norm("final_layernorm", h, eps), "model.embed_tokens")


def lfm2(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "model", c["norm_eps"]
    head_dim = c["hidden_size"] // c["num_attention_heads"]

    def short_conv(block: Weights, x: Array) -> Array:
        b, gate, value = np.split(block.linear("in_proj", x), 3, -1)
        taps, u = block["conv.weight"][:, 0, :], b * value
        y = np.zeros_like(u)
        for t in range(len(u)):
            for k in range(taps.shape[1]):
                if t - taps.shape[1] + 1 + k >= 0:
                    y[t] += taps[:, k] * u[t - taps.shape[1] + 1 + k]
        return block.linear("out_proj", gate * y)

    def experts(block: Weights, x: Array) -> Array:
        scores = sigmoid(block.linear("gate", x))
        ids = pick(scores + block["expert_bias"], c["num_experts_per_tok"])
        share = np.take_along_axis(scores, ids, -1)
        share = share / (share.sum(-1, keepdims=True) + 1e-6) * c["routed_scaling_factor"]
        return mix(x, ids, share, lambda e, row: gated(block / f"experts.{e}", row, "w1", "w3", "w2"))

    h = m["embed_tokens.weight"][tokens]
    for i, kind in enumerate(c["layer_types"]):
        layer = m / f"layers.{i}"
        x = layer.norm("operator_norm", h, eps)
        if kind == "conv":
            h = h + short_conv(layer / "conv", x)
        else:
            h = h + attention(layer / "self_attn", x, c, head_dim, turn=rope_of(c, head_dim), out="out_proj")
        x = layer.norm("ffn_norm", h, eps)
        is_mixture = i >= c.get("num_dense_layers", c["num_hidden_layers"])
        h = h + (experts(layer / "feed_forward", x) if is_mixture else gated(layer / "feed_forward", x, "w1", "w3", "w2"))
    return head(w, m.norm("embedding_norm", h, eps), "model.embed_tokens")


def zamba2(w: Weights, c: Config, tokens: Array) -> Array:
    m, eps = w / "model", c["rms_norm_eps"]
    head_dim = 2 * c["hidden_size"] // c["num_attention_heads"]
    hybrids = [i for i, kind in enumerate(c["layers_block_type"]) if kind == "hybrid"]
    turn = rope_of(c, head_dim) if c["use_mem_rope"] else lambda x: x
    embedded = m["embed_tokens.weight"][tokens]

    def adapted(part: Weights, name: str, adapters: str, j: int, x: Array) -> Array:
        y = part.linear(name, x)
        adapter = part / f"{adapters}.{j}"
        return y + adapter.linear("1", adapter.linear("0", x)) if part.has(f"{adapters}.{j}") else y

    def block(j: int, h: Array) -> Array:
        shared = m / f"layers.{hybrids[j % c['num_mem_blocks']]}.shared_transformer"
        attn, ff = shared / "self_attn", shared / "feed_forward"
        x = shared.norm("input_layernorm", np.concatenate([h, embedded], -1), eps)
        q, k, v = (adapted(attn, f"{part}_proj", f"linear_{part}_adapter_list", j, x).reshape(len(x), -1, head_dim) for part in "qkv")
        x = shared.norm("pre_ff_layernorm", attn.linear("o_proj", attend(turn(q), turn(k), v, (head_dim / 2) ** -0.5)), eps)
        gate, up = np.split(adapted(ff, "gate_up_proj", "gate_up_proj_adapter_list", j, x), 2, -1)
        return (m / f"layers.{hybrids[j]}").linear("linear", ff.linear("down_proj", gelu(gate) * up))

    h = embedded
    for i in range(c["num_hidden_layers"]):
        layer, x = m / f"layers.{i}", h
        if i in hybrids:
            x, layer = h + block(hybrids.index(i), h), layer / "mamba_decoder"
        h = h + mamba2(layer / "mamba", layer.norm("input_layernorm", x, eps), c["mamba_ngroups"], c["mamba_d_state"], 1e-5)
    return head(w, m.norm("final_layernorm", h, eps), "model.embed_tokens")


def head(w: Weights, x: Array, embedding: str) -> Array:
    return w.linear("lm_head" if "lm_head.weight" in w else embedding, x)


MODELS = {"granitemoehybrid": granite, "bamba": bamba, "nemotron_h": nemotron, "falcon_h1": falcon_h1, "jamba": jamba, "lfm2": lfm2,
          "lfm2_moe": lfm2, "zamba2": zamba2}


def logits(config: Config, tensors: Mapping[str, Array], tokens: Array) -> Array:
    """tokens [t] -> logits [t,v], float64."""
    smallest["dt"] = smallest["choice"] = math.inf
    return MODELS[config["model_type"]](Weights(tensors), config, tokens)
