# SPDX-License-Identifier: Apache-2.0
"""Times llama.cpp on one GGUF file, through the C API that the package llama-cpp-python binds, or writes its logits. Run by
compare_llamacpp.py, in a process and an interpreter of its own; prints one JSON object.

    python bench/llamacpp_worker.py MODEL --threads 2 -p 512 -n 32 -b 1,16 -r 2
    python bench/llamacpp_worker.py MODEL --threads 2 --tokens 1,2,3 --logits OUT.npy      # as krait logits does

What is timed is what `krait bench` times: llama_decode until llama_synchronize returns, so that logits are in host memory. A prompt
asks for the logits of its last token, a step of decoding for those of every sequence. Batches are filled outside the timed part.
Versions of the package differ in their fields; what one does not have is left alone.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import re
import resource
import struct
import sys
import time

WARM_UP_STEPS = 8  # as in krait bench
BATCH = 512  # n_batch and n_ubatch: krait bench's --chunk


def integers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def peak_memory_bytes() -> int:
    """The largest resident set of this process so far, mapped files included; as krait bench measures its own."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Peer:
    def __init__(self, path: str, threads: int, gpu_layers: int = 0) -> None:
        import llama_cpp
        import llama_cpp.llama_cpp as api

        self.api, self.threads = api, threads
        self.memory_before = peak_memory_bytes()  # the interpreter and its packages
        self.version = llama_cpp.__version__
        self.messages: list[str] = []

        @api.llama_log_callback
        def keep(_level, text, _data):
            self.messages.append(text.decode(errors="replace"))

        self._keep = keep  # the library holds the pointer
        api.llama_log_set(keep, ctypes.c_void_p(0))
        api.llama_backend_init()
        start = time.perf_counter()
        parameters = api.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        if hasattr(parameters, "use_mmap"):
            parameters.use_mmap = True
        elif hasattr(parameters, "load_mode"):
            parameters.load_mode = api.LLAMA_LOAD_MODE_MMAP
        load = getattr(api, "llama_model_load_from_file", None) or api.llama_load_model_from_file
        self.model = load(os.fsencode(path), parameters)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}:\n{''.join(self.messages[-8:])}")
        self.load_seconds = time.perf_counter() - start
        context = Context(self, sequences=1, tokens=BATCH)
        context.run([(0, [1])])
        self.first_token_seconds = time.perf_counter() - start
        context.close()
        self.n_vocab = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))

    def weight_buffers(self) -> dict[str, float]:
        """MiB of weights by kind of buffer, by what the library logs: those repacked for AMX are in one of their own."""
        found = re.findall(r"(\S+) model buffer size *= *([0-9.]+) MiB", "".join(self.messages))
        return {name: float(size) for name, size in found}


class Context:
    """A context for that many sequences of at most that many tokens each."""

    def __init__(self, peer: Peer, sequences: int, tokens: int) -> None:
        self.api = api = peer.api
        parameters = api.llama_context_default_params()
        # The context is shared between the sequences, in pieces of 256.
        parameters.n_ctx = sequences * -(-(tokens + WARM_UP_STEPS) // 256) * 256
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.n_seq_max = sequences
        parameters.n_threads = parameters.n_threads_batch = peer.threads
        create = getattr(api, "llama_init_from_model", None) or api.llama_new_context_with_model
        self.handle = create(peer.model, parameters)
        if not self.handle:
            raise SystemExit(f"llama.cpp makes no context for {sequences} sequences:\n{''.join(peer.messages[-8:])}")
        self.batch = api.llama_batch_init(max(BATCH, sequences), 0, 1)
        self.positions = [0] * sequences

    def close(self) -> None:
        self.api.llama_batch_free(self.batch)
        self.api.llama_free(self.handle)

    def clear(self) -> None:
        api = self.api
        if hasattr(api, "llama_get_memory"):
            api.llama_memory_clear(api.llama_get_memory(self.handle), True)
        else:
            api.llama_kv_self_clear(self.handle)
        self.positions = [0] * len(self.positions)

    def run(self, parts: list[tuple[int, list[int]]], want: str = "last") -> float:
        """Tokens for sequences, with the logits of each one's "last", of "all" or of "none"; seconds."""
        batch, n = self.batch, 0
        for sequence, tokens in parts:
            for token in tokens:
                batch.token[n] = token
                batch.pos[n] = self.positions[sequence]
                batch.n_seq_id[n] = 1
                batch.seq_id[n][0] = sequence
                batch.logits[n] = 1 if want == "all" else 0
                self.positions[sequence] += 1
                n += 1
            batch.logits[n - 1] = 0 if want == "none" else 1
        batch.n_tokens = n
        start = time.perf_counter()
        status = self.api.llama_decode(self.handle, batch)
        self.api.llama_synchronize(self.handle)
        seconds = time.perf_counter() - start
        if status != 0:
            raise SystemExit(f"llama_decode failed with {status}")
        if want != "none" and not self.api.llama_get_logits_ith(self.handle, n - 1):
            raise SystemExit("llama.cpp gave no logits")
        return seconds


def pieces_of(tokens: list[int]) -> list[list[int]]:
    return [tokens[i : i + BATCH] for i in range(0, len(tokens), BATCH)]


def time_prompt(peer: Peer, n_tok: int, repetitions: int, draw) -> list[float]:
    context = Context(peer, sequences=1, tokens=n_tok)
    seconds = []
    for repetition in range(-1, repetitions):
        context.clear()
        tokens = draw(n_tok)
        pieces = pieces_of(tokens)
        took = sum(context.run([(0, piece)], want="last" if piece is pieces[-1] else "none") for piece in pieces)
        if repetition >= 0:
            seconds.append(took)
    context.close()
    return seconds


def time_decode(peer: Peer, n_step: int, n_seq: int, repetitions: int, draw) -> list[float]:
    context = Context(peer, sequences=n_seq, tokens=n_step)

    def steps(count: int) -> float:
        return sum(context.run([(s, [token]) for s, token in enumerate(draw(n_seq))]) for _ in range(count))

    steps(min(WARM_UP_STEPS, n_step))
    seconds = []
    for _ in range(repetitions):
        context.clear()
        seconds.append(steps(n_step))
    context.close()
    return seconds


def write_logits(peer: Peer, tokens: list[int], path: str) -> None:
    """The logits after every token of one sequence, as a .npy file of version 1.0: float32 [T, n_vocab]."""
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (len(tokens), peer.n_vocab)})
    header = header.ljust(117) + "\n"  # 10 bytes stand before it, and the numbers begin at a multiple of 64
    context = Context(peer, sequences=1, tokens=len(tokens))
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("ascii"))
        for piece in pieces_of(tokens):
            context.run([(0, piece)], want="all")
            for row in range(len(piece)):
                file.write(ctypes.string_at(peer.api.llama_get_logits_ith(context.handle, row), 4 * peer.n_vocab))
    context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("-p", "--prompt", type=integers, default=[512])
    parser.add_argument("-n", "--decode", type=integers, default=[32])
    parser.add_argument("-b", "--batch", type=integers, default=[1])
    parser.add_argument("-r", "--repetitions", type=int, default=2)
    parser.add_argument("--gpu-layers", type=int, default=0)
    parser.add_argument("--logits", metavar="OUT.npy", help="write the logits after each of --tokens instead of timing")
    parser.add_argument("--tokens", type=integers, default=[])
    arguments = parser.parse_args()
    peer = Peer(arguments.model, arguments.threads, arguments.gpu_layers)
    if arguments.logits:
        write_logits(peer, arguments.tokens, arguments.logits)
        json.dump({"version": peer.version, "tokens": len(arguments.tokens), "n_vocab": peer.n_vocab}, sys.stdout)
        return 0
    numbers = random.Random(1)

    def draw(count: int) -> list[int]:
        return [numbers.randrange(peer.n_vocab) for _ in range(count)]

    results = []
    for n_tok in filter(None, arguments.prompt):
        seconds = time_prompt(peer, n_tok, arguments.repetitions, draw)
        results.append({"test": "prompt", "n_tok": n_tok, "n_seq": 1, "seconds": seconds})
    for n_step in filter(None, arguments.decode):
        for n_seq in arguments.batch:
            seconds = time_decode(peer, n_step, n_seq, arguments.repetitions, draw)
            results.append({"test": "decode", "n_tok": n_step, "n_seq": n_seq, "seconds": seconds})
    json.dump({"version": peer.version,
               "system": peer.api.llama_print_system_info().decode().strip(),
               "settings": {"n_gpu_layers": arguments.gpu_layers, "mmap": True, "n_batch": BATCH, "n_ubatch": BATCH,
                            "n_threads": arguments.threads, "n_threads_batch": arguments.threads},
               "load": {"seconds": peer.load_seconds, "first_token_seconds": peer.first_token_seconds},
               "weight_buffers_mib": peer.weight_buffers(),
               "peak_memory_bytes": peak_memory_bytes(),
               "memory_before_load_bytes": peer.memory_before,
               "results": results}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
