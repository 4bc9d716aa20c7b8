#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times Krait and llama.cpp on the same GGUF files in one run, and prints how many times as fast Krait is.

    bench/compare_llamacpp.py --peer-python ENV/bin/python --models mamba-130m,mamba-370m --types F16,Q8_0,Q4_K
    bench/compare_llamacpp.py --peer-python ENV/bin/python --threads 2 -b 1,4,16 model.gguf

The engines take turns, A B A B, each turn a process of its own, so that neither's threads disturb the other and a machine that becomes slower
does so for both. Every turn warms up and then times each test `--repetitions` times; a figure is the median over all
turns. Models named by --models are made with random weights (krait make-random) and kept in --dir. Both engines get the same
number of threads, runs of at most 512 tokens, and the file mapped into memory; llama.cpp gets no GPU without --peer-gpu-layers.

llama.cpp comes from PyPI and is built from source, so that it uses what this processor has (a C++ compiler and some minutes):

    python3 -m venv ENV
    ENV/bin/pip install --no-binary llama-cpp-python llama-cpp-python

For a GPU: CMAKE_ARGS="-DGGML_CUDA=on" or "-DGGML_VULKAN=on" before pip, then --devices vulkan0 --peer-gpu-layers 99. Of Vulkan devices
it takes those that compute on the processor only when they are named: GGML_VK_VISIBLE_DEVICES=0.

It is no part of Krait and nothing else needs it. --dry-run shows what would run. Results: STEM.json, for bench/plot.py, and STEM.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).resolve().parent / "llamacpp_worker.py"
PEER = "llama.cpp"
INSTALL = "python3 -m venv ENV && ENV/bin/pip install --no-binary llama-cpp-python llama-cpp-python, then --peer-python ENV/bin/python"


class Failure(Exception):
    """What is wrong, for people."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(command: list[str], what: str) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise Failure(f"{what}: {command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise Failure(f"{what} failed ({done.returncode}): {' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def run_json(command: list[str], what: str) -> dict:
    text = run(command, what)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Failure(f"{what} printed no JSON: {error}\n{text[:500]}") from error


def key_of(result: dict) -> tuple[str, int, int]:
    return result["test"], result["n_tok"], result["n_seq"]


def rates_of(seconds: list[float], tokens: int) -> dict:
    rates = [tokens / s for s in seconds]
    return {"median": statistics.median(rates), "min": min(rates), "max": max(rates)}


def merge(turns: list[dict]) -> dict:
    """One engine's turns on one file as one: all repetitions, and medians. A share is of the ceiling that was measured in the same turn: a
    virtual machine's bandwidth may double from one minute to the next."""
    merged: dict = {"results": [], "load": {}}
    for index, first in enumerate(turns[0]["results"]):
        seconds = [s for turn in turns for s in turn["results"][index]["seconds"]]
        tokens = first["n_tok"] * first["n_seq"]
        merged["results"].append({"test": first["test"], "n_tok": first["n_tok"], "n_seq": first["n_seq"],
                                  "tokens_per_second": rates_of(seconds, tokens), "seconds": seconds})
    for name in ("seconds", "first_token_seconds", "read_once_seconds"):
        values = [turn["load"][name] for turn in turns if name in turn["load"]]
        if values:
            merged["load"][name] = statistics.median(values)
    merged["peak_memory_bytes"] = max(turn["peak_memory_bytes"] for turn in turns)
    if all("ceilings" in turn for turn in turns):
        merged["ceilings"] = best_ceilings([turn["ceilings"] for turn in turns])
        for index, result in enumerate(merged["results"]):
            for name in ("gb_per_second", "gflop_per_second", "share_of_read", "share_of_peak"):
                result[name] = statistics.median(turn["results"][index][name] for turn in turns)
    return merged


def best_ceilings(ceilings: list[dict]) -> dict:
    """Each figure the highest that any turn saw, and what each turn could read."""
    reads = [c["read_gb_per_second"] for c in ceilings]
    best = dict(ceilings[0], read_gb_per_second=max(reads), read_gb_per_second_of_turns=reads)
    best["peaks"] = [dict(peak, gflop_per_second=max(c["peaks"][index]["gflop_per_second"] for c in ceilings))
                     for index, peak in enumerate(ceilings[0]["peaks"])]
    return best


def ratios_of(engines: dict[str, dict]) -> list[dict]:
    peer = {key_of(result): result for result in engines[PEER]["results"]}
    ratios = []
    for engine, merged in engines.items():
        if engine == PEER:
            continue
        for result in merged["results"]:
            test, n_tok, n_seq = key_of(result)
            ratio = result["tokens_per_second"]["median"] / peer[key_of(result)]["tokens_per_second"]["median"]
            ratios.append({"engine": engine, "test": test, "n_tok": n_tok, "n_seq": n_seq, "ratio": ratio})
    return ratios


def make_files(arguments) -> list[Path]:
    files = [Path(file) for file in arguments.files]
    for file in files:
        if not file.is_file():
            raise Failure(f"there is no file {file}")
    arguments.dir.mkdir(parents=True, exist_ok=True)
    for model in arguments.models:
        for kind in arguments.types:
            file = arguments.dir / f"{model}-{kind.lower()}.gguf"
            if not file.exists():
                say(f"making {file}")
                command = [arguments.krait, "make-random", str(file), "--like", model, "--type", kind]
                run(command, f"making a random {model} in {kind}")
            files.append(file)
    if not files:
        raise Failure("no models: name GGUF files, or --models and --types")
    return files


def list_text(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


def with_threads(device: str, threads: int) -> str:
    """Of Krait's devices only the CPU has threads to choose."""
    return f"{device}:threads={threads}" if device.split(":")[0] == "cpu" else device


def commands_of(arguments, file: Path) -> dict[str, list[str]]:
    """The turns of a round, by engine."""
    tests = ["-p", list_text(arguments.prompt), "-n", list_text(arguments.decode), "-b", list_text(arguments.batch),
             "-r", str(arguments.repetitions)]
    commands = {f"krait {device}": [arguments.krait, "bench", str(file), "-d", with_threads(device, arguments.threads), "-o", "json", *tests]
                for device in arguments.devices}
    commands[PEER] = [arguments.peer_python, str(WORKER), str(file), "--threads", str(arguments.threads), *tests]
    if arguments.peer_gpu_layers:
        commands[PEER] += ["--gpu-layers", str(arguments.peer_gpu_layers)]
    return commands


def compare(arguments, file: Path, say_turn) -> dict:
    commands = commands_of(arguments, file)
    turns: dict[str, list[dict]] = {engine: [] for engine in commands}
    for number in range(1, arguments.rounds + 1):
        for engine, command in commands.items():
            say_turn(f"{file.name}: round {number} of {arguments.rounds}: {engine}")
            turns[engine].append(run_json(command, f"{engine} on {file}"))
    krait = next(turn for engine, turn in turns.items() if engine != PEER)[0]
    peer = turns[PEER][0]
    merged = {engine: merge(of_engine) for engine, of_engine in turns.items()}
    return {"file": {"model": krait["model"], "engines": merged, "ratios": ratios_of(merged)},
            "krait": krait["krait"], "machine": krait["machine"],
            "peer": {"name": PEER, "version": f"llama-cpp-python {peer['version']}", "system": peer["system"], "settings": peer["settings"]}}


def test_name(test: str, n_tok: int, n_seq: int) -> str:
    return f"{test} {n_tok}" + (f" x {n_seq}" if n_seq > 1 else "")


def rate_text(rates: dict) -> str:
    return f"{rates['median']:.1f} ({rates['min']:.1f} .. {rates['max']:.1f})"


def share_text(result: dict) -> str:
    """Of the ceiling that binds: prompts multiply, decoding reads."""
    share, of = ("share_of_peak", "peak") if result["test"] == "prompt" else ("share_of_read", "read")
    return f"{result[share]:.0%} of {of}" if share in result else "-"


def gpu_text(settings: dict) -> str:
    return f"; {settings['n_gpu_layers']} layers on its GPU" if settings.get("n_gpu_layers") else ""


def as_markdown(report: dict) -> str:
    machine, peer, settings = report["machine"], report["peer"], report["settings"]
    lines = [f"# Krait {report['krait']} and {peer['name']}, {report['date']}", "",
             f"- machine: {machine['cpu']}, {machine['processors']} processors, {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['os']}",
             f"- features: {machine['features']}",
             f"- peer: {peer['version']}; {peer['system']}" + gpu_text(peer["settings"]),
             f"- {settings['threads']} threads each, {settings['rounds']} rounds of A B, {settings['repetitions']} repetitions a turn; "
             "tokens/s as median (slowest .. fastest)"]
    for file in report["files"]:
        model = file["model"]
        lines += ["", f"## {model['file']}", ""]
        engines = [engine for engine in file["engines"] if engine != PEER]
        for engine in engines:
            ceilings = file["engines"][engine].get("ceilings")
            if ceilings:
                peaks = ", ".join(f"{p['number']} {p['gflop_per_second']:.0f} GFLOP/s ({p['unit']})" for p in ceilings["peaks"])
                reads = ceilings["read_gb_per_second_of_turns"]
                lines.append(f"- ceilings ({engine}): read {min(reads):.1f} .. {max(reads):.1f} GB/s, at best {peaks}")
        for engine, merged in file["engines"].items():
            load = merged["load"]
            once = f", {load['first_token_seconds'] / load['read_once_seconds']:.2f} x reading the file once" if "read_once_seconds" in load else ""
            lines.append(f"- {engine}: first token after {load['first_token_seconds']:.3f} s{once}; memory {merged['peak_memory_bytes'] / 2**20:.0f} MiB, "
                         f"{merged['peak_memory_bytes'] / model['bytes']:.2f} x the file")
        lines += ["", "| test | " + " | ".join(f"{e} | share | ratio" for e in engines) + f" | {PEER} |",
                  "|---|" + "---:|---:|---:|" * len(engines) + "---:|"]
        ratios = {(r["engine"], r["test"], r["n_tok"], r["n_seq"]): r["ratio"] for r in file["ratios"]}
        for index, result in enumerate(file["engines"][PEER]["results"]):
            cells = [test_name(*key_of(result))]
            for engine in engines:
                own = file["engines"][engine]["results"][index]
                cells += [rate_text(own["tokens_per_second"]), share_text(own), f"**{ratios[(engine, *key_of(result))]:.2f}**"]
            lines.append(f"| {' | '.join(cells)} | {rate_text(result['tokens_per_second'])} |")
    return "\n".join(lines) + "\n"


def default_stem(machine: dict, date: str) -> Path:
    cpu = re.sub(r"[^a-z0-9]+", "-", machine["cpu"].lower()).strip("-") or "cpu"
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


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def parse_arguments(argv: list[str]):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="MODEL.gguf", help="GGUF files")
    parser.add_argument("--models", type=words, default=[], metavar="NAMES", help="published sizes to make: mamba-130m,mamba-370m")
    parser.add_argument("--types", type=words, default=["Q8_0"], metavar="TYPES", help="weight formats to make them in (Q8_0)")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench-models", help="where made models are kept (build/bench-models)")
    parser.add_argument("--krait", default=str(ROOT / "build" / "release" / "bin" / "krait"), help="the krait command (build/release/bin/krait)")
    parser.add_argument("--devices", type=words, default=["cpu"], help="Krait's devices, each a turn of every round: cpu,cpu:avx2 (cpu)")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PYTHON", help="an interpreter that has llama-cpp-python (this one)")
    parser.add_argument("--peer-gpu-layers", type=integer, default=0, metavar="N",
                        help="layers that llama.cpp puts on its GPU; 99 = all (0)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)), help="of each engine (all processors)")
    parser.add_argument("-p", "--prompt", type=integers(0), default=[512], help="tokens of a prompt; 0 = none (512)")
    parser.add_argument("-n", "--decode", type=integers(0), default=[64], help="steps of decoding; 0 = none (64)")
    parser.add_argument("-b", "--batch", type=integers(1), default=[1, 4, 16], help="sequences side by side (1,4,16)")
    parser.add_argument("-r", "--repetitions", type=positive, default=2, help="in each turn (2)")
    parser.add_argument("--rounds", type=positive, default=3, help="turns of each engine (3)")
    parser.add_argument("-o", "--output", type=Path, metavar="STEM", help="results are STEM.json and STEM.md (bench/results/DATE-CPU)")
    parser.add_argument("--dry-run", action="store_true", help="print the commands of a round and stop")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    arguments = parse_arguments(argv)
    if arguments.dry_run:
        made = [arguments.dir / f"{model}-{kind.lower()}.gguf" for model in arguments.models for kind in arguments.types]
        for file in [*map(Path, arguments.files), *made]:
            for command in commands_of(arguments, file).values():
                print(" ".join(command))
        return 0
    try:
        try:
            run([arguments.peer_python, "-c", "import llama_cpp"], f"importing llama_cpp in {arguments.peer_python}")
        except Failure as error:
            raise Failure(f"{error}\nInstall it: {INSTALL}") from error
        files = make_files(arguments)
        date = datetime.date.today().isoformat()
        report: dict = {"schema": 1, "date": date, "settings": {
            "threads": arguments.threads, "rounds": arguments.rounds, "repetitions": arguments.repetitions}, "files": []}
        total = len(files) * arguments.rounds * (len(arguments.devices) + 1)
        turn = 0

        def say_turn(text: str) -> None:
            nonlocal turn
            turn += 1
            say(f"[{turn}/{total}] {text}")

        for file in files:
            compared = compare(arguments, file, say_turn)
            report["files"].append(compared.pop("file"))
            report.update(compared)
            write(report, arguments.output or default_stem(report["machine"], date))  # after each, so that a stop loses little
    except Failure as error:
        print(f"compare_llamacpp.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(as_markdown(report), end="")
    say(f"written: {arguments.output or default_stem(report['machine'], date)}.json and .md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
