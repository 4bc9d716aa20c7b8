#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times Krait and llama.cpp on the same GGUF files in one run: how many times as fast, how much memory, and whose logits are closer to
float64.

    bench/compare_llamacpp.py --peer-python ENV/bin/python --models mamba-130m,mamba-370m,mamba2-130m --types F16,Q8_0,Q4_K
    bench/compare_llamacpp.py --peer-python ENV/bin/python --threads 2 -b 1,4,16 model.gguf
    taskset -c 0,1 bench/compare_llamacpp.py --peer-python ENV/bin/python --models mamba2-130m --rounds 5 -o build/mamba2
    bench/compare_llamacpp.py --peer-python ENV/bin/python --models mamba-130m,mamba2-130m --types Q4_K,Q6_K -p 1 -n 0 --rounds 1   # errors

The engines take turns, A B A B, each turn a process of its own, so that neither's threads disturb the other and a machine that becomes slower
does so for both. Every turn warms up and then times each test `--repetitions` times; a figure is the median over all
turns. Models named by --models are made with random weights (krait make-random) and kept in --dir. Both engines get the same
number of threads, runs of at most 512 tokens, and the file mapped into memory; llama.cpp gets no GPU without --peer-gpu-layers. No thread is
tied to a processor; `taskset` in front restricts both engines alike.

Errors are those of small random models of the same architecture and format (bench/comparison/errors.py); files given by name have none,
bench/float64_errors.py judges any file. Processors that other programs keep busy during a turn are counted, and the report says where a ratio is
not to be trusted.

llama.cpp comes from PyPI and is built from source, so that it uses what this processor has (a C++ compiler and some minutes); the package
gguf unpacks weights for the float64 judge:

    python3 -m venv ENV
    CMAKE_ARGS="-DGGML_NATIVE=ON" ENV/bin/pip install --no-binary llama-cpp-python llama-cpp-python gguf

Where the processor has AMX, llama.cpp has to be built without it, for reasons that docs/benchmarks.md gives: put
CFLAGS=-mno-amx-int8 CXXFLAGS=-mno-amx-int8 before pip.

For a GPU: CMAKE_ARGS="-DGGML_CUDA=on" or "-DGGML_VULKAN=on" before pip, then --devices vulkan0 --peer-gpu-layers 99. Of Vulkan devices
it takes those that compute on the processor only when they are named: GGML_VK_VISIBLE_DEVICES=0.

It is no part of Krait and nothing else needs it. --dry-run shows what would run. Results: STEM.json, for bench/plot.py, and STEM.md, after
each file. Exit codes: 0; 1 an engine failed; 2 bad arguments, or a file, program or package is missing; 130 interrupted.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import sys
from pathlib import Path

from comparison import PEER
from comparison.errors import REFERENCE, error_cases, measure_errors
from comparison.figures import merge, ratios_of, share_the_ceilings
from comparison.processes import BadInput, Failure, Watch, run, run_json, say
from comparison.report import as_markdown, disturbance_text

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).resolve().parent / "llamacpp_worker.py"
INSTALL = "python3 -m venv ENV && ENV/bin/pip install --no-binary llama-cpp-python llama-cpp-python gguf, then --peer-python ENV/bin/python"


class Progress:
    """Counts the steps of a run aloud."""

    def __init__(self, total: int) -> None:
        self.done, self.total = 0, total

    def step(self, text: str) -> None:
        self.done += 1
        say(f"[{self.done}/{self.total}] {text}")


def made_files(arguments) -> dict[Path, dict]:
    """The files that --models and --types stand for, and how each is made."""
    return {arguments.dir / f"{model}-{kind.lower()}.gguf": {"model": model, "type": kind}
            for model in arguments.models for kind in arguments.types}


def make_files(arguments) -> dict[Path, dict | None]:
    """All files to time; None for those that were there."""
    files: dict[Path, dict | None] = {Path(file): None for file in arguments.files}
    for file in files:
        if not file.is_file():
            raise BadInput(f"there is no file {file}")
    made = made_files(arguments)
    arguments.dir.mkdir(parents=True, exist_ok=True)
    for file, like in made.items():
        if not file.exists():
            say(f"making {file}")
            command = [arguments.krait, "make-random", str(file), "--like", like["model"], "--type", like["type"]]
            run(command, f"making a random {like['model']} in {like['type']}")
    files.update(made)
    if not files:
        raise BadInput("no models: name GGUF files, or --models and --types")
    return files


def list_text(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


def with_threads(device: str, threads: int) -> str:
    """Of Krait's devices only the CPU has threads to choose."""
    return f"{device}:threads={threads}" if device.split(":")[0] == "cpu" else device


def peer_command(arguments, file: Path) -> list[str]:
    layers = ["--gpu-layers", str(arguments.peer_gpu_layers)] if arguments.peer_gpu_layers else []
    return [arguments.peer_python, "-B", str(WORKER), str(file), "--threads", str(arguments.threads), *layers]


def commands_of(arguments, file: Path) -> dict[str, list[str]]:
    """The turns of a round, by engine."""
    tests = ["-p", list_text(arguments.prompt), "-n", list_text(arguments.decode), "-b", list_text(arguments.batch),
             "-r", str(arguments.repetitions)]
    commands = {f"krait {device}": [arguments.krait, "bench", str(file), "-d", with_threads(device, arguments.threads), "-o", "json", *tests]
                for device in arguments.devices}
    commands[PEER] = [*peer_command(arguments, file), *tests]
    return commands


def logits_commands(arguments, file: Path, tokens: str, folder: Path) -> dict[str, tuple[list[str], Path]]:
    """By engine the command that writes logits, and the file that it writes."""
    devices = {f"krait {device}": with_threads(device, arguments.threads) for device in arguments.devices}
    commands = {}
    for engine, device in {**devices, REFERENCE: "reference"}.items():
        path = folder / f"{len(commands)}.npy"
        commands[engine] = [arguments.krait, "logits", str(file), "-d", device, "--tokens", tokens, "-o", str(path)], path
    path = folder / "peer.npy"
    commands[PEER] = [*peer_command(arguments, file), "--tokens", tokens, "--logits", str(path)], path
    return commands


def compare(arguments, file: Path, made_as: dict | None, progress: Progress) -> dict:
    commands = commands_of(arguments, file)
    turns: dict[str, list[dict]] = {engine: [] for engine in commands}
    for number in range(1, arguments.rounds + 1):
        for engine, command in commands.items():
            progress.step(f"{file.name}: round {number} of {arguments.rounds}: {engine}")
            watch = Watch()
            answer = run_json(command, f"{engine} on {file}")
            turns[engine].append(dict(answer, machine_load=watch.stop()))
    krait = next(turn for engine, turn in turns.items() if engine != PEER)[0]
    peer = turns[PEER][0]
    engines = {engine: merge(of_engine) for engine, of_engine in turns.items()}
    ratios = ratios_of(engines)
    share_the_ceilings(engines, ratios)
    compared = {"model": krait["model"], "made_as": made_as, "engines": engines, "ratios": ratios}
    disturbed = disturbance_text(compared)
    if disturbed:
        say(f"warning: {file.name}: {disturbed}")
    return {"file": compared, "krait": krait["krait"], "machine": krait["machine"],
            "peer": {"name": PEER, "version": f"llama-cpp-python {peer['version']}", "system": peer["system"], "settings": peer["settings"]}}


def default_stem(machine: dict, date: str) -> Path:
    name = re.sub(r"\((r|tm)\)|\bprocessor\b|\bcpu\b|@.*", " ", machine["cpu"].lower())
    cpu = re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "cpu"
    return ROOT / "bench" / "results" / f"{date}-{cpu}"


def write(report: dict, stem: Path) -> None:
    for path, text in ((stem.with_name(stem.name + ".json"), json.dumps(report, indent=1) + "\n"),
                       (stem.with_name(stem.name + ".md"), as_markdown(report))):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)


def integers(least: int):
    def parse(text: str) -> list[int]:
        try:
            numbers = [int(word) for word in text.split(",")]
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no list of numbers like 1,4,16") from None
        if min(numbers) < least:
            raise argparse.ArgumentTypeError(f"'{text}': at least {least} each")
        return numbers

    return parse


def integer(text: str, least: int = 0) -> int:
    numbers = integers(least)(text)
    if len(numbers) != 1:
        raise argparse.ArgumentTypeError(f"'{text}' is more than one number")
    return numbers[0]


def positive(text: str) -> int:
    return integer(text, 1)


def seeds(text: str) -> list[int]:
    return [] if text == "none" else integers(0)(text)


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def parse_arguments(argv: list[str]):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="MODEL.gguf", help="GGUF files")
    parser.add_argument("--models", type=words, default=[], metavar="NAMES", help="published sizes to make: mamba-130m,mamba2-130m")
    parser.add_argument("--types", type=words, default=["Q8_0"], metavar="TYPES", help="weight formats to make them in (Q8_0)")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench-models", help="where made models are kept (build/bench-models)")
    parser.add_argument("--krait", default=str(ROOT / "build" / "release" / "bin" / "krait"), help="the krait command (build/release/bin/krait)")
    parser.add_argument("--devices", type=words, default=["cpu"], help="Krait's devices, each a turn of every round: cpu,cpu:avx2 (cpu)")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PYTHON", help="an interpreter that has llama-cpp-python, numpy and gguf (this one)")
    parser.add_argument("--peer-gpu-layers", type=integer, default=0, metavar="N",
                        help="layers that llama.cpp puts on its GPU; 99 = all (0)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)), help="of each engine (all processors)")
    parser.add_argument("-p", "--prompt", type=integers(0), default=[512], help="tokens of a prompt; 0 = none (512)")
    parser.add_argument("-n", "--decode", type=integers(0), default=[32], help="steps of decoding; 0 = none (32)")
    parser.add_argument("-b", "--batch", type=integers(1), default=[1, 16], help="sequences that decode side by side (1,16)")
    parser.add_argument("-r", "--repetitions", type=positive, default=2, help="in each turn (2)")
    parser.add_argument("--rounds", type=positive, default=3, help="turns of each engine (3)")
    parser.add_argument("--error-seeds", type=seeds, default=[0, 1, 2], metavar="SEEDS",
                        help="of the random models by which errors are measured, for --models and --types; none = no errors (0,1,2)")
    parser.add_argument("-o", "--output", type=Path, metavar="STEM", help="results are STEM.json and STEM.md (bench/results/DATE-CPU)")
    parser.add_argument("--dry-run", action="store_true", help="print the commands of a round and stop")
    return parser.parse_args(argv)


def check_peer(arguments) -> None:
    packages = ["llama_cpp"] + (["numpy", "gguf"] if arguments.models and arguments.error_seeds else [])
    for package in packages:
        try:
            run([arguments.peer_python, "-c", f"import {package}"], f"importing {package} in {arguments.peer_python}")
        except Failure as error:
            raise BadInput(f"{error}\nInstall it: {INSTALL}") from error


def warn_of_load(load: float) -> None:
    if load >= 1:
        say(f"warning: the load average is {load:.1f}: others use this machine, and ratios will say little")


def measure(arguments) -> int:
    check_peer(arguments)
    files = make_files(arguments)
    cases = error_cases(arguments) if arguments.error_seeds else []
    date, load = datetime.date.today().isoformat(), os.getloadavg()[0]
    warn_of_load(load)
    report: dict = {"schema": 2, "date": date, "settings": {
        "threads": arguments.threads, "processors": sorted(os.sched_getaffinity(0)), "rounds": arguments.rounds,
        "repetitions": arguments.repetitions, "error_seeds": arguments.error_seeds, "load_average": load}, "errors": [], "files": []}
    progress = Progress(len(cases) * len(arguments.error_seeds) + len(files) * arguments.rounds * (len(arguments.devices) + 1))
    for case in cases:
        report["errors"].append(measure_errors(arguments, case, logits_commands, progress))
    for file, made_as in files.items():
        compared = compare(arguments, file, made_as, progress)
        report["files"].append(compared.pop("file"))
        report.update(compared)
        stem = arguments.output or default_stem(report["machine"], date)
        write(report, stem)  # after each, so that a stop loses little
    print(as_markdown(report), end="")
    say(f"written: {stem}.json and .md")
    return 0


def main(argv: list[str]) -> int:
    arguments = parse_arguments(argv)
    if arguments.dry_run:
        for file in [*map(Path, arguments.files), *made_files(arguments)]:
            for command in commands_of(arguments, file).values():
                print(" ".join(command))
        return 0
    try:
        return measure(arguments)
    except Failure as error:
        print(f"compare_llamacpp.py: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
