#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/llamacpp_worker.py over a library that only writes down what it is asked: the same work as krait bench gives its engine.

    python3 tests/bench/llamacpp_worker_test.py
"""

from __future__ import annotations

import array
import ast
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WORKER = Path(__file__).resolve().parents[2] / "bench" / "llamacpp_worker.py"

# The names that the worker uses, of recent versions of the package. Every decode becomes a line of JSON in $LOG.
FAKE = '''
import ctypes, json, os
from types import SimpleNamespace

LLAMA_LOAD_MODE_MMAP = 1

def log(**what):
    with open(os.environ["LOG"], "a") as file:
        file.write(json.dumps(what) + "\\n")

def llama_log_callback(function): return function
def llama_log_set(function, data): function(0, b"a message\\nload:   AMX model buffer size =    12.50 MiB", None)
def llama_backend_init(): pass
def llama_model_default_params(): return SimpleNamespace(n_gpu_layers=-1, load_mode=-1)
def llama_context_default_params(): return SimpleNamespace(n_ctx=0, n_batch=0, n_ubatch=0, n_seq_max=1, n_threads=4, n_threads_batch=4)
def llama_model_load_from_file(path, parameters):
    log(load=os.fsdecode(path), **vars(parameters))
    return 0 if b"broken" in path else 1
def llama_model_get_vocab(model): return 1
def llama_vocab_n_tokens(vocab): return 100
def llama_init_from_model(model, parameters):
    log(context=vars(parameters))
    return 1
def llama_batch_init(n, embd, n_seq_max):
    return SimpleNamespace(n_tokens=0, token=[0] * n, pos=[0] * n, n_seq_id=[0] * n, seq_id=[[0] for _ in range(n)], logits=[0] * n)
def llama_batch_free(batch): pass
def llama_free(context): pass
def llama_get_memory(context): return 1
def llama_memory_clear(memory, data): log(clear=True)
def llama_decode(context, batch):
    n = batch.n_tokens
    log(tokens=batch.token[:n], pos=batch.pos[:n], seq=[s[0] for s in batch.seq_id[:n]], logits=batch.logits[:n])
    return 0
def llama_synchronize(context): pass
def llama_get_logits_ith(context, index): return (ctypes.c_float * 100)(*[index] * 100)
def llama_print_system_info(): return b"FAKE = 1"
'''


class WorkerTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "llama_cpp").mkdir()
        (self.root / "llama_cpp" / "__init__.py").write_text("__version__ = '7'\n", encoding="utf-8")
        (self.root / "llama_cpp" / "llama_cpp.py").write_text(FAKE, encoding="utf-8")

    def run_it(self, *arguments: str) -> tuple[subprocess.CompletedProcess, list[dict]]:
        log = self.root / "log"
        log.unlink(missing_ok=True)
        done = subprocess.run([sys.executable, "-B", str(WORKER), *arguments, "--threads", "3"], capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": str(self.root), "LOG": str(log)})
        return done, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]

    def test_a_prompt_wants_the_logits_of_its_last_token(self) -> None:
        done, log = self.run_it("m.gguf", "-p", "600", "-n", "0", "-r", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual([len(result["seconds"]) for result in answer["results"]], [2])
        self.assertEqual(answer["system"], "FAKE = 1")
        runs = [entry for entry in log if "tokens" in entry][1:]  # the first is of the load
        # One repetition that does not count and two that do, each in runs of 512 and 88 of one sequence.
        self.assertEqual([len(run["tokens"]) for run in runs], [512, 88] * 3)
        for first, second in zip(runs[0::2], runs[1::2]):
            self.assertEqual(first["pos"] + second["pos"], list(range(600)))
            self.assertEqual(sum(first["logits"]), 0)
            self.assertEqual(second["logits"], [0] * 87 + [1])
        self.assertGreater(len({tuple(run["tokens"]) for run in runs}), 4)

    def test_decoding_wants_the_logits_of_every_sequence(self) -> None:
        done, log = self.run_it("m.gguf", "-p", "0", "-n", "3", "-b", "2", "-r", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["results"][0]["n_seq"], 2)
        runs = [entry for entry in log if "tokens" in entry][1:]
        self.assertEqual(len(runs), 3 + 2 * 3)
        for step, run in enumerate(runs):
            self.assertEqual(run["seq"], [0, 1])
            self.assertEqual(run["logits"], [1, 1])
            self.assertEqual(run["pos"], [step % 3] * 2)

    def test_memory_and_the_kinds_of_weights_are_told(self) -> None:
        done, _ = self.run_it("m.gguf", "-p", "1", "-n", "0", "-r", "1")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["weight_buffers_mib"], {"AMX": 12.5})
        self.assertGreater(answer["memory_before_load_bytes"], 2**20)
        self.assertGreaterEqual(answer["peak_memory_bytes"], answer["memory_before_load_bytes"])

    def test_logits_are_those_after_every_token(self) -> None:
        path = self.root / "logits.npy"
        tokens = [token % 100 for token in range(600)]
        done, log = self.run_it("m.gguf", "--tokens", ",".join(map(str, tokens)), "--logits", str(path))
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = [entry for entry in log if "tokens" in entry][1:]
        self.assertEqual([run["tokens"] for run in runs], [tokens[:512], tokens[512:]])
        self.assertEqual([run["logits"] for run in runs], [[1] * 512, [1] * 88])
        data = path.read_bytes()
        self.assertEqual(data[:8], b"\x93NUMPY\x01\x00")
        self.assertEqual(int.from_bytes(data[8:10], "little") + 10, 128)
        self.assertEqual(ast.literal_eval(data[10:128].decode()), {"descr": "<f4", "fortran_order": False, "shape": (600, 100)})
        numbers = array.array("f", data[128:])
        self.assertEqual(list(numbers[::100]), [*range(512), *range(88)])  # the stand-in gives the number of the row in its run

    def test_settings_are_those_of_krait(self) -> None:
        _, log = self.run_it("m.gguf", "-p", "4", "-n", "2", "-b", "5", "-r", "1")
        self.assertEqual(log[0]["n_gpu_layers"], 0)
        self.assertEqual(log[0]["load_mode"], 1)
        contexts = [entry["context"] for entry in log if "context" in entry]
        self.assertEqual([context["n_seq_max"] for context in contexts], [1, 1, 5])
        for context in contexts:
            self.assertEqual((context["n_threads"], context["n_threads_batch"], context["n_batch"], context["n_ubatch"]), (3, 3, 512, 512))
            self.assertEqual(context["n_ctx"] % (256 * context["n_seq_max"]), 0)

    def test_a_file_that_does_not_load_is_an_error(self) -> None:
        done, _ = self.run_it("broken.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot load broken.gguf", done.stderr)
        self.assertIn("a message", done.stderr)


if __name__ == "__main__":
    unittest.main()
