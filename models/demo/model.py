"""Mamba-1 in PyTorch: small, readable, trainable. Shapes: b sequences, l tokens, e d_model, d d_inner, n states, k taps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import cpu_ops

State = list[tuple[Tensor, Tensor]]  # per layer: the conv's last inputs [b,k-1,d] and the scan's state [b,n,d]


@dataclass(frozen=True)
class Config:
    """Sizes of a model. All row lengths of its matrices (d_model, d_inner, dt_rank) are multiples of 32, as Q8_0 wants."""

    vocab: int = 4096
    layers: int = 8
    d_model: int = 320
    d_inner: int = 640
    d_state: int = 16
    d_conv: int = 4
    dt_rank: int = 32
    eps: float = 1e-5
    dropout: float = 0.0


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last extent."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class RowDropout(nn.Module):
    """Dropout whose mask [b,1,e] is the same for all tokens of a chunk: cheaper to draw, and kinder to a recurrence."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        return x * ((torch.rand(x.shape[0], 1, x.shape[2]) >= self.p) / (1 - self.p))


class Block(nn.Module):
    """norm, in, conv + SiLU, dt|B|C, scan with gate, out, residual."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.config = c
        self.norm = RMSNorm(c.d_model, c.eps)
        self.in_proj = nn.Linear(c.d_model, 2 * c.d_inner, bias=False)
        self.conv_weight = nn.Parameter(torch.empty(c.d_conv, c.d_inner).uniform_(-1, 1) / math.sqrt(c.d_conv))
        self.conv_bias = nn.Parameter(torch.zeros(c.d_inner))
        self.x_proj = nn.Linear(c.d_inner, c.dt_rank + 2 * c.d_state, bias=False)
        self.dt_proj = nn.Linear(c.dt_rank, c.d_inner)
        self.a_log = nn.Parameter(torch.arange(1, c.d_state + 1).float().log().repeat(c.d_inner, 1))
        self.d = nn.Parameter(torch.ones(c.d_inner))
        self.out_proj = nn.Linear(c.d_inner, c.d_model, bias=False)
        self.dropout = RowDropout(c.dropout)
        self._start()

    def _start(self) -> None:
        """dt between 1e-3 and 0.1 at first, evenly in its logarithm; residual branches scaled down with depth."""
        c = self.config
        nn.init.uniform_(self.dt_proj.weight, -(c.dt_rank**-0.5), c.dt_rank**-0.5)
        dt = torch.exp(torch.rand(c.d_inner) * (math.log(0.1) - math.log(1e-3)) + math.log(1e-3))
        with torch.no_grad():
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # the inverse of softplus
            self.out_proj.weight /= math.sqrt(c.layers)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x [b,l,e] -> the same shape, and the state after its last token."""
        c = self.config
        past, h0 = state
        xz = self.in_proj(self.norm(x)).float()
        taps = c.d_conv - 1
        past_next = torch.cat([past, xz.detach()[:, -taps:, : c.d_inner]], 1)[:, -taps:]
        weights = (self.x_proj.weight, self.dt_proj.weight, self.dt_proj.bias, -self.a_log.exp(), self.d)
        y, h = cpu_ops.mixer(xz, self.conv_weight, self.conv_bias, past, *weights, h0)
        return x + self.dropout(self.out_proj(y).float()), (past_next, h)


class Mamba(nn.Module):
    """Embedding, blocks, norm, head tied to the embedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab, config.d_model)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.d_model, config.eps)
        self.dropout = RowDropout(config.dropout)

    def fresh_state(self, batch: int) -> State:
        """Zeros: what a sequence starts from."""
        c = self.config
        return [(torch.zeros(batch, c.d_conv - 1, c.d_inner), torch.zeros(batch, c.d_state, c.d_inner)) for _ in self.blocks]

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens [b,l] -> logits [b,l,vocab], state."""
        x = self.dropout(self.embedding(tokens))
        after: State = []
        for block, before in zip(self.blocks, state):
            x, kept = block(x, before)
            after.append(kept)
        return F.linear(self.norm(x), self.embedding.weight), after


@torch.no_grad()
def stream_loss(model: Mamba, tokens: Tensor, chunk: int = 512) -> float:
    """Sum of -ln p over `tokens` [l] read as one sequence from a fresh state; the first token is only read."""
    model.eval()
    state, total = model.fresh_state(1), 0.0
    for at in range(0, len(tokens) - 1, chunk):
        part = tokens[at : at + chunk + 1]
        logits, state = model(part[None, :-1], state)
        total += F.cross_entropy(logits[0].float(), part[1:], reduction="sum").item()
    return total


@torch.no_grad()
def generate(model: Mamba, prompt: Tensor, count: int, temperature: float, top_p: float, seed: int) -> list[int]:
    """`count` tokens after `prompt` [l], by nucleus sampling."""
    model.eval()
    random = torch.Generator().manual_seed(seed)
    logits, state = model(prompt[None], model.fresh_state(1))
    out: list[int] = []
    for _ in range(count):
        p, order = torch.softmax(logits[0, -1] / temperature, -1).sort(descending=True)
        p[p.cumsum(0) - p > top_p] = 0
        out.append(int(order[torch.multinomial(p, 1, generator=random)]))
        logits, state = model(torch.tensor([[out[-1]]]), state)
    return out
