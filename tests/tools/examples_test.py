#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every example of krait's --help, of README.md and of docs/ is run as it stands there, on small stand-ins for its files.

    python3 tests/tools/examples_test.py KRAIT          all of them
    python3 tests/tools/examples_test.py KRAIT --list   what is run, and where it stands
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]

# What cannot be run as it is written, and why. Each holds for the whole line.
SUBSTITUTES = [
    # Devices that not every machine has. Two devices that differ, so that a model can be divided between them.
    (r"(\btest-ops.*)\bcuda0\b", r"\1cpu"),
    (r"\bcuda0\b", "reference"),
    (r"\bvulkan0(:\w+=\w+)*", "cpu"),
    (r"\bcuda-host0(:\w+=\w+)*", "cpu"),
    (r"\bcpu:avx2\b", "cpu"),
    # The backend and the operator that the reader of these pages writes.
    (r"\bacme\b", "cpu"),
    (r"--op (clamp|add)\b", "--op scale"),
    (r"\bCOMMAND\b", "run"),
    # Minutes of computing and gigabytes of weights.
    (r"(--like \S+)(?!.*--layers)", r"\1 --layers 2 --d-model 64 --vocab 300"),
    (r"(\bbench .*?)(-r \d+|$|(?= >))", r"\1 -r 1 --no-ceilings "),
    (r"--no-ceilings (.*)--no-ceilings", r"--no-ceilings \1"),
    (r"(\btest-ops\b(?!.*--op).*)", r"\1 --op scale"),
    (r"(\btest-ops\b.*--op mul_mat\b(?!.*--case).*)", r"\1 --case 'Q4_K.t1.*'"),
    (r"(\btest-ops\b.*--op scale\b(?!.*--case).*--perf.*)", r"\1 --case 't1.e768*'"),
    (r"'Q4_K\.(t1\.)?\*'", "'Q4_K.t1.*k256*'"),
    (r"2\.8b\*", "2.8b.x"),
    # Models with random weights have no chat template.
    (r"(\btokenize model\.gguf --chat messages\.json)", r"\1 --template chatml.jinja"),
    # Servers end when they are told to, and not all of them can have the same port.
    (r"(\bserve\b.*?) --port \d+", r"\1"),
    (r"^(krait serve.*)", r"timeout --preserve-status -s TERM 10 \1 --port 0"),
    # A tokenizer that differs in nothing: the model's own.
    (r"\bmodel\.gguf --compare mamba-130m-hf", "mamba-130m-hf --compare mamba-130m-hf"),
    (r"(\bchat model\.gguf(?!.*--template).*)", r"\1 --template chatml.jinja -n 5"),
]
if not {0, 1} <= os.sched_getaffinity(0):
    SUBSTITUTES.append((r"--threads 2 --affinity 0-1\b", "--threads 1 --affinity spread"))
# Made once, for all: name of the file and what it stands for.
FOLDERS = ("mamba-130m-hf", "mamba-2.8b", "falcon-mamba-7b", "gpt-neox-20b")  # of Hugging Face's
RANDOM_MODELS = ("model.gguf", "model-f16.gguf", "f16.gguf", "q4.gguf")
TEXTS = ("wiki.test.raw", "book.txt", "chapter1.txt", "sample.txt", "t.txt")
TASKS = ("hellaswag_val.txt", "val.txt")

COMMAND = re.compile(r"^\s*(?:\$ )?((?:[A-Z_]+=\S+ )*)(?:\S*/)?(krait [^#]*)")
SECONDS = 60  # that one example may take, on a machine that does other things too


def help_of(krait: Path, command: str = "") -> str:
    return subprocess.run([krait, *command.split(), "--help"], capture_output=True, text=True, check=True).stdout


def commands_in(krait: Path, command: str = "") -> list[str]:
    """The command itself and all below it: "", "run", "gguf", "gguf split"."""
    listed = help_of(krait, command).partition("Commands:")[2].split("\n\n")[0]
    inner = re.findall(r"^  ([a-z][a-z-]*) ", listed, re.M)
    return [command] + [found for name in inner for found in commands_in(krait, f"{command} {name}".strip())]


def examples_of_help(krait: Path) -> list[tuple[str, str]]:
    examples = []
    for command in commands_in(krait):
        lines = help_of(krait, command).split("Examples:\n")[1].splitlines()
        # An explanation stands behind three blanks or more.
        found = [re.split(r" {3,}", line.strip())[0] for line in lines if line.startswith("  ")]
        if not found:
            raise SystemExit(f"krait {command} --help has no examples")
        examples += [(f"krait {command} --help".replace("  ", " "), line) for line in found]
    return examples


def examples_of_documents() -> list[tuple[str, str]]:
    examples = []
    for path in [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]:
        inside = False
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("```"):
                inside = not inside
            elif inside and (match := COMMAND.match(line)):
                examples.append((f"{path.relative_to(SOURCE)}:{number}", (match[1] + match[2]).strip()))
    return examples


def substituted(command: str) -> str:
    for pattern, by in SUBSTITUTES:
        command = re.sub(pattern, by, command)
    return command


class Folder:
    """A folder with the command, its plugins for this processor, and the files that examples name."""

    def __init__(self, krait: Path, folder: Path) -> None:
        self.folder = folder
        binaries = folder / "bin"
        (binaries / "backends").mkdir(parents=True)
        (folder / "plugins").mkdir()
        shutil.copy2(krait, binaries / "krait")
        for pattern in ("krait-cpu-*.so", "krait-reference.so"):  # drivers of GPUs take long to load
            for plugin in (krait.parent / "backends").glob(pattern):
                (binaries / "backends" / plugin.name).symlink_to(plugin)
        self.environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(folder),
                            "XDG_CACHE_HOME": str(folder / "cache"), "KRAIT_DEVICE": "cpu"}
        self.environment.pop("KRAIT_BACKEND_PATH", None)
        first = RANDOM_MODELS[0]
        # 24 layers, as examples divide them.
        self.check(f"krait make-random {first} --like mamba-130m --d-model 64 --vocab 300 --type f16")
        self.check(f"krait gguf split {first} part --max-tensors 100")  # part-00001-of-00003.gguf and so on
        for name in RANDOM_MODELS[1:]:
            (folder / name).symlink_to(first)
        for name in FOLDERS:
            shutil.copytree(SOURCE / "tests/models/data/huggingface/mamba", folder / name)
        for name in TEXTS:
            (folder / name).write_text("It is a truth universally acknowledged. " * 100)
        for name in ("messages.json", "talk.json"):
            (folder / name).write_text('[{"role": "user", "content": "Hello"}]')
        (folder / "keys.txt").write_text("a-key-for-these-examples\n")
        (folder / "list.gbnf").write_text('root ::= item ("\\n" item)*\nitem ::= "- " [a-z ]{1,40}\n')
        (folder / "answer.txt").write_text("- one\n- two")
        for name in ("user.json", "weather.json"):
            (folder / name).write_text('{"type": "object", "properties": {"name": {"maxLength": 8, "type": "string"}}, "required": ["name"]}')
        (folder / "answer.json").write_text('{"name": "rain"}')
        (folder / "chatml.jinja").write_text("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}")
        for name in TASKS:
            (folder / name).write_text("A man\n1\nwalks.\nruns.\nsits.\nsleeps.\n" * 2)

    def run(self, command: str) -> tuple[int, str, float]:
        start = time.monotonic()
        try:
            done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as late:
            return 124, f"{(late.stdout or b'').decode(errors='replace')}\nit took more than {SECONDS} s", SECONDS
        return done.returncode, done.stdout.decode(errors="replace"), time.monotonic() - start

    def check(self, command: str) -> None:
        code, text, _ = self.run(command)
        if code != 0:
            raise SystemExit(f"{command}: exit code {code}\n{text}")


def main() -> int:
    krait = Path(sys.argv[1]).resolve()
    examples = examples_of_help(krait) + examples_of_documents()
    if len(examples) < 80:
        raise SystemExit(f"only {len(examples)} examples were found: has their form changed?")
    # Those of one chapter build upon each other (--save-logits, --kl-base) and run in their order; what stands in two places, once.
    chapters: dict[str, dict[str, tuple[str, str]]] = {}
    seen = set()
    for where, line in examples:
        command = substituted(line)
        if command not in seen or ".imatrix" in command or ".run" in command:
            chapters.setdefault(where.split(":")[0], {}).setdefault(command, (where, line))
        seen.add(command)
    if sys.argv[2:] == ["--list"]:
        for chapter in chapters.values():
            for command, (where, line) in chapter.items():
                print(f"{where}: {line}" + ("" if command == line else f"\n    run as: {command}"))
        return 0

    failures = []
    times = []

    def run_chapter(chapter: dict[str, tuple[str, str]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            stand_ins = Folder(krait, Path(folder))
            for command, (where, line) in chapter.items():
                code, text, seconds = stand_ins.run(command)
                times.append((seconds, where, command))
                if code != 0:
                    failures.append(f"{where}: {line}\n  run as: {command}\n  exit code {code}\n{text}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run_chapter, chapters.values()))
    for seconds, where, command in sorted(times, reverse=True)[:5]:
        print(f"{seconds:6.2f} s  {where}: {command}")
    print(f"{len(times)} examples, {len(failures)} failed, {sum(t[0] for t in times):.1f} s in all")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
