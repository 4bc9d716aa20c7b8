#!/usr/bin/env python3
"""Trains the demo model: a byte-level BPE tokenizer, then a small Mamba-1, on the text that fetch_corpus.py wrote.

The run is planned by the clock: the learning rate goes up over the first 2 % of --minutes and down along a cosine to the end, so
it ends on time however busy the machine is. A checkpoint is written every few minutes and --resume goes on from it.

Each of --workers threads has a copy of the model and trains on its own --batch streams; it hands its gradients to the one optimizer
and takes the new weights, without waiting for the others. So no core ever waits for another, which matters on a busy machine.

Each stream walks through the corpus in chunks of --length tokens, and the recurrent state goes from chunk to chunk
(without gradient); now and then a stream jumps to a random paragraph and starts from a zero state. So the model learns both to
begin and to go on for longer than one chunk.

Files in --out: tokenizer.json, checkpoint.pt, log.csv.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

# glibc gives big blocks back to the system after each use, and the page faults of getting them again cost 40 % of the time.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(8 << 30), "MALLOC_TRIM_THRESHOLD_": str(16 << 30), "MALLOC_TOP_PAD_": str(256 << 20)}
# Each worker is one thread.
ENVIRONMENT = MALLOC | {"OMP_NUM_THREADS": "1"}
if __name__ == "__main__" and not ENVIRONMENT.keys() <= os.environ.keys():
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})

import torch  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402
from torch import Tensor  # noqa: E402

import cpu_ops  # noqa: E402
from model import Config, Mamba, State, generate, stream_loss  # noqa: E402

END_OF_TEXT = "<|endoftext|>"  # id 0
WARM_UP = 0.02
JUMP = 1 / 32  # chance that a stream jumps before a chunk


def make_tokenizer(books: list[str], vocab: int) -> Tokenizer:
    """Byte-level BPE with GPT-2's pre-tokenizer; all 256 bytes are tokens, so any input comes back as it was."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(books, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, books: list[str]) -> Tensor:
    """All books as one row of ids, END_OF_TEXT after each."""
    return torch.tensor([i for book in books for i in [*tokenizer.encode(book).ids, 0]])


class Streams:
    """Walks of `batch` readers through the corpus."""

    def __init__(self, tokens: Tensor, newline: int, batch: int, length: int) -> None:
        self.tokens, self.length = tokens, length
        self.starts = (tokens == newline).nonzero().flatten() + 1
        self.starts = self.starts[self.starts < len(tokens) - 2 * length]
        self.at = [-1] * batch  # -1: jump before the next chunk

    def next(self, state: State) -> Tensor:
        """Ids [b,l+1]; zeroes the rows of `state` whose stream jumped."""
        return torch.stack([self._chunk(row, state) for row in range(len(self.at))])

    def _chunk(self, row: int, state: State) -> Tensor:
        at, length = self.at[row], self.length
        if at >= 0 and at + length + 1 <= len(self.tokens) and torch.rand(()) > JUMP:
            self.at[row] = at + length
            return self.tokens[at : at + length + 1]
        for past, h in state:
            past[row] = 0
            h[row] = 0
        at = int(self.starts[torch.randint(len(self.starts), ())])
        if torch.rand(()) < 0.5:  # half of the beginnings are announced
            self.at[row] = at + length - 1
            return torch.cat([torch.zeros(1, dtype=torch.long), self.tokens[at : at + length]])
        self.at[row] = at + length
        return self.tokens[at : at + length + 1]


def make_optimizer(model: Mamba, decay: float) -> torch.optim.Optimizer:
    """AdamW; only matrices decay."""
    matrices = [p for n, p in model.named_parameters() if n.endswith(("proj.weight", "embedding.weight"))]
    others = [p for n, p in model.named_parameters() if not n.endswith(("proj.weight", "embedding.weight"))]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def rate(peak: float, done: float) -> float:
    """Learning rate when `done` (0 .. 1) of the time has passed."""
    if done < WARM_UP:
        return peak * max(done / WARM_UP, 0.02)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (done - WARM_UP) / (1 - WARM_UP)))))


class Run:
    """One training run: model, optimizer, counters, log."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        args.out.mkdir(parents=True, exist_ok=True)
        books = (args.corpus / "train.txt").read_text("utf-8").split(END_OF_TEXT + "\n")[:-1]
        held_text = (args.corpus / "heldout.txt").read_text("utf-8")
        path = args.out / "tokenizer.json"
        self.tokenizer = Tokenizer.from_file(str(path)) if path.exists() else make_tokenizer(books, args.vocab)
        self.tokenizer.save(str(path))
        self.tokens = encode(self.tokenizer, books)
        self.newline = self.tokenizer.token_to_id("\u010a")
        self.held = torch.tensor([0, *self.tokenizer.encode(held_text).ids])
        self.held_bytes = len(held_text.encode())
        sizes = {k: getattr(args, k) for k in ("layers", "d_model", "d_inner", "d_state", "dt_rank", "dropout")}
        self.model = Mamba(Config(vocab=self.tokenizer.get_vocab_size(), **sizes))
        self.optimizer = make_optimizer(self.model, args.weight_decay)
        self.step = self.seen = 0
        self.logged = -1  # step of the last line of the log
        self.seconds = 0.0  # of training, over all resumed parts
        self.mean_loss = 0.0
        self.lock = threading.Lock()  # guards model, optimizer and counters
        self.failure: Exception | None = None
        if args.resume and (args.out / "checkpoint.pt").exists():
            self._load(args.out / "checkpoint.pt")
        count = sum(p.numel() for p in self.model.parameters())
        print(f"{count} parameters, {len(self.tokens)} training tokens, {len(self.held)} held out ({self.held_bytes} bytes)", flush=True)

    def _load(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True)
        self.model.load_state_dict(kept["model"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.seen, self.seconds = kept["step"], kept["seen"], kept["seconds"]
        print(f"resumed at step {self.step}, {self.seconds:.0f} s", flush=True)

    def save(self) -> None:
        """checkpoint.pt, replaced in one move so that a reader never sees half of it; the caller holds the lock."""
        part = self.args.out / "checkpoint.part"
        kept = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "config": asdict(self.model.config)}
        torch.save(kept | {"step": self.step, "seen": self.seen, "seconds": self.seconds}, part)
        part.rename(self.args.out / "checkpoint.pt")

    def train_step(self, model: Mamba, ids: Tensor, state: State) -> tuple[list[Tensor], float, State]:
        """Gradients, mean loss in nats per token, and the state after the chunk `ids` [b,l+1]."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.args.bf16):
            logits, state = model(ids[:, :-1], state)
        loss = cpu_ops.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        return list(torch.autograd.grad(loss, list(model.parameters()))), loss.item(), state

    def update(self, gradients: list[Tensor], loss: float, seen: int) -> None:
        """One step of the optimizer; the caller holds the lock."""
        for parameter, gradient in zip(self.model.parameters(), gradients):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.args.lr, self.seconds / (60 * self.args.minutes))
        self.optimizer.step()
        self.step, self.seen = self.step + 1, self.seen + seen
        self.mean_loss = loss if self.mean_loss == 0 else 0.98 * self.mean_loss + 0.02 * loss

    def copy_model(self) -> Mamba:
        """A copy of the model as it is now."""
        model = Mamba(self.model.config)
        with self.lock:
            model.load_state_dict(self.model.state_dict())
        return model

    def work(self) -> None:
        """A worker: trains on its own streams until the time is up."""
        try:
            model, streams = self.copy_model(), Streams(self.tokens, self.newline, self.args.batch, self.args.length)
            state = model.fresh_state(self.args.batch)
            while self.seconds < 60 * self.args.minutes and not self.failure:
                ids = streams.next(state)
                gradients, loss, state = self.train_step(model, ids, state)
                with self.lock, torch.no_grad():
                    self.update(gradients, loss, ids[:, 1:].numel())
                    for mine, current in zip(model.parameters(), self.model.parameters()):
                        mine.copy_(current)
        except Exception as problem:  # noqa: BLE001  raised again by the main thread
            self.failure = problem

    def log(self) -> None:
        """Saves, evaluates a copy of the model, appends to log.csv, prints."""
        model = self.copy_model()
        with self.lock:
            self.save()
            self.logged = self.step
            row = [self.step, self.seen, f"{self.seconds:.0f}", f"{self.optimizer.param_groups[0]['lr']:.3e}", f"{self.mean_loss:.4f}"]
        bits = stream_loss(model, self.held) / math.log(2) / self.held_bytes
        path = self.args.out / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["step", "tokens", "seconds", "lr", "train_nats_per_token", "heldout_bits_per_byte"])
            writer.writerow([*row, f"{bits:.4f}"])
        print(f"step {row[0]}  {row[1] / 1e6:.2f} M tokens  {row[2]} s  loss {row[4]}  held out {bits:.4f} bits/byte", flush=True)

    def train(self) -> None:
        """Until --minutes are used up."""
        torch.manual_seed(self.args.seed + self.step)
        workers = [threading.Thread(target=self.work, daemon=True) for _ in range(self.args.workers)]
        for worker in workers:
            worker.start()
        clock, logged = time.monotonic(), self.seconds
        while any(worker.is_alive() for worker in workers):
            time.sleep(0.2)
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            if self.seconds - logged > self.args.log_every:
                logged = self.seconds
                self.log()
        if self.failure:
            raise self.failure
        if self.step != self.logged:
            self.log()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"), help="folder with train.txt and heldout.txt")
    parser.add_argument("--out", type=Path, default=Path("run"), help="folder for what the run writes")
    parser.add_argument("--resume", action="store_true", help="go on from --out/checkpoint.pt if it is there")
    parser.add_argument("--minutes", type=float, default=90, help="length of the run by the clock")
    parser.add_argument("--log-every", type=float, default=180, help="seconds between evaluations and checkpoints")
    for name, value in (("vocab", 4096), ("layers", 8), ("d-model", 320), ("d-inner", 640), ("d-state", 16), ("dt-rank", 32)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--batch", type=int, default=8, help="streams of a worker")
    parser.add_argument("--length", type=int, default=256, help="tokens of a chunk, as far as gradients reach back")
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True, help="matrix products in bfloat16")
    parser.add_argument("--workers", type=int, default=2, help="threads that train side by side")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prompt", default="It was", help="start of the sample that is printed at the end")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    cpu_ops.load()
    run = Run(args)
    run.train()
    prompt = torch.tensor([0, *run.tokenizer.encode(args.prompt).ids])
    print(args.prompt + run.tokenizer.decode(generate(run.model, prompt, 200, 0.8, 0.95, args.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
