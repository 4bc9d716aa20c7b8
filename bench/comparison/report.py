# SPDX-License-Identifier: Apache-2.0
"""The report of a comparison as Markdown: a line for each file, then every figure of each."""

from __future__ import annotations

from comparison import PEER
from comparison.errors import REFERENCE, SIZES, TOKENS, error_of
from comparison.figures import key_of

# Processors that others keep busy on average during a turn; beyond this a ratio is not to be trusted. A quiet machine has 0.01.
DISTURBED = 0.1
# Normalized squared error beyond which an engine computes something else; no format costs more than 0.004 (docs/backends/cpu.md).
WRONG = 0.05


def test_name(test: str, n_tok: int, n_seq: int) -> str:
    return f"{test} {n_tok}" + (f" x {n_seq}" if n_seq > 1 else "")


def spread_text(spread: dict, digits: int = 1) -> str:
    return f"{spread['median']:.{digits}f} ({spread['q1']:.{digits}f} .. {spread['q3']:.{digits}f})"


def share_text(result: dict) -> str:
    """The share of the ceiling that is nearer: mostly prompts multiply, and decoding reads."""
    shares = [(result[name], ceiling) for name, ceiling in (("share_of_read", "read"), ("share_of_peak", "peak")) if name in result]
    return "{:.0%} of {}".format(*max(shares)) if shares else "-"


def disturbance(file: dict) -> tuple[float, float]:
    """The most that others, and the host of a virtual machine, took in a turn, in processors."""
    turns = [load for merged in file["engines"].values() for load in merged["machine_load"] if load]
    return (max((load["processors_of_others"] for load in turns), default=0.0),
            max((load["processors_stolen"] for load in turns), default=0.0))


def disturbance_text(file: dict) -> str | None:
    others, stolen = disturbance(file)
    if max(others, stolen) < DISTURBED:
        return None
    return (f"other programs kept up to {others:.1f} processors busy during a turn, and the host of a virtual machine took {stolen:.1f} away: "
            "these ratios are not to be trusted")


def memory_text(file: dict, engine: str) -> str:
    peak = file["engines"][engine]["peak_memory_bytes"]
    return f"{peak / 2**20:.0f} MiB, {peak / file['model']['bytes']:.2f} x the file"


def error_text(error: float | None) -> str:
    if error is None:
        return "-"
    return f"{error:.2e}" + ("" if error < WRONG else " (wrong)")


def own_engines(file: dict) -> list[str]:
    return [engine for engine in file["engines"] if engine != PEER]


def heading(report: dict) -> list[str]:
    machine, peer, settings = report["machine"], report["peer"], report["settings"]
    layers = peer["settings"].get("n_gpu_layers")
    cache = f", cache {machine['cache_bytes'] / 2**20:.0f} MiB" if machine.get("cache_bytes") else ""
    processors = ", ".join(map(str, settings["processors"]))
    return [f"# Krait {report['krait']} and {peer['name']}, {report['date']}", "",
            f"- machine: {machine['cpu']}, {machine['processors']} processors{cache}, {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['os']}",
            f"- features: {machine['features']}",
            f"- peer: {peer['version']}; {peer['system']}" + (f"; {layers} layers on its GPU" if layers else ""),
            f"- {settings['threads']} threads each, both on processors {processors} with no thread tied to one of them",
            f"- {settings['rounds']} rounds of A B, {settings['repetitions']} repetitions a turn; tokens/s of all repetitions and ratios of "
            "rounds as median (lower .. upper quartile)",
            f"- load average when it began: {settings['load_average']:.2f}"]


def summary(report: dict) -> list[str]:
    """A line a file: tokens/s of both engines, how many times as fast, memory, errors."""
    tests = list({key_of(result): None for file in report["files"] for result in file["engines"][PEER]["results"]})
    lines = ["", "## In short", "", f"Tokens/s of Krait / {PEER} = ratio; peak memory of the processes by the size of the file; normalized squared "
             f"error of logits beside float64, Krait / {PEER}.", "",
             "| file | " + " | ".join(test_name(*test) for test in tests) + " | memory | error |", "|---|" + "---:|" * (len(tests) + 2)]
    for file in report["files"]:
        peer = {key_of(result): result["tokens_per_second"]["median"] for result in file["engines"][PEER]["results"]}
        ratios = {(ratio["engine"], *key_of(ratio)): ratio["ratio"] for ratio in file["ratios"]}
        for engine in own_engines(file):
            merged = file["engines"][engine]
            own = {key_of(result): result["tokens_per_second"]["median"] for result in merged["results"]}
            cells = [f"{own[test]:.0f} / {peer[test]:.0f} = **{ratios[engine, *test]:.2f}**" if test in own else "-" for test in tests]
            by_file = [file["engines"][e]["peak_memory_bytes"] / file["model"]["bytes"] for e in (engine, PEER)]
            errors = [error_text(error_of(report, file, e)) for e in (engine, PEER)]
            name = file["model"]["file"].removesuffix(".gguf") + ("" if len(own_engines(file)) == 1 else f", {engine}")
            mark = " (!)" if disturbance_text(file) else ""
            lines.append(f"| {name}{mark} | {' | '.join(cells)} | {by_file[0]:.2f} / {by_file[1]:.2f} | {errors[0]} / {errors[1]} |")
    if any(disturbance_text(file) for file in report["files"]):
        lines += ["", "(!) Others used the machine meanwhile: see below."]
    return lines


def errors(report: dict) -> list[str]:
    if not report.get("errors"):
        return []
    engines = list(report["errors"][0]["engines"])
    lines = ["", "## Errors of logits", "",
             f"Normalized squared error beside float64 logits of the same file, mean of {len(report['settings']['error_seeds'])} random models (smallest "
             f".. largest): {SIZES['--layers']} layers, d_model {SIZES['--d-model']}, {SIZES['--vocab']} tokens, head in the same format, "
             f"{TOKENS} tokens of text. `{REFERENCE}` checks the judge: it takes exact activations and adds in double, with float32 between operators.",
             "", "| model | format | " + " | ".join(engines) + " |", "|---|---|" + "---:|" * len(engines)]
    for case in report["errors"]:
        cells = [f"{error_text(e['mean'])} ({min(e['seeds']):.1e} .. {max(e['seeds']):.1e})" for e in case["engines"].values()]
        lines.append(f"| {case['family']} | {case['type']} | {' | '.join(cells)} |")
    return lines


def engine_lines(file: dict) -> list[str]:
    lines = []
    for engine in own_engines(file):
        ceilings = file["engines"][engine].get("ceilings")
        if ceilings:
            peaks = ", ".join(f"{p['number']} {p['gflop_per_second']:.0f} GFLOP/s ({p['unit']})" for p in ceilings["peaks"])
            reads = ceilings["read_gb_per_second_of_turns"]
            lines.append(f"- ceilings ({engine}): read {min(reads):.1f} .. {max(reads):.1f} GB/s, at best {peaks}")
    for engine, merged in file["engines"].items():
        load = merged["load"]
        once = f", {load['first_token_seconds'] / load['read_once_seconds']:.2f} x reading the file once" if "read_once_seconds" in load else ""
        before = merged.get("memory_before_load_bytes")
        before = f", of which {before / 2**20:.0f} MiB before it loaded the file (Python)" if before else ""
        buffers = ", ".join(f"{size:.0f} MiB in {name}" for name, size in merged.get("weight_buffers_mib", {}).items())
        lines.append(f"- {engine}: first token after {load['first_token_seconds']:.3f} s{once}; memory {memory_text(file, engine)}{before}"
                     + (f"; weights {buffers}" if buffers else ""))
    disturbed = disturbance_text(file)
    return lines + ([f"- **{disturbed}**"] if disturbed else [])


def details(file: dict) -> list[str]:
    engines = own_engines(file)
    lines = ["", f"## {file['model']['file']}", "", *engine_lines(file), "",
             "| test | " + " | ".join(f"{engine} | share | ratio" for engine in engines) + f" | {PEER} | share |",
             "|---|" + "---:|---:|---:|" * len(engines) + "---:|---:|"]
    ratios = {(ratio["engine"], *key_of(ratio)): ratio for ratio in file["ratios"]}
    for index, result in enumerate(file["engines"][PEER]["results"]):
        cells = [test_name(*key_of(result))]
        for engine in engines:
            own, ratio = file["engines"][engine]["results"][index], ratios[engine, *key_of(result)]
            rounds = ratio["of_rounds"]
            cells += [spread_text(own["tokens_per_second"]), share_text(own), f"**{ratio['ratio']:.2f}** ({rounds['q1']:.2f} .. {rounds['q3']:.2f})"]
        lines.append(f"| {' | '.join(cells)} | {spread_text(result['tokens_per_second'])} | {share_text(result)} |")
    return lines


def as_markdown(report: dict) -> str:
    lines = heading(report) + summary(report) + errors(report)
    for file in report["files"]:
        lines += details(file)
    return "\n".join(lines) + "\n"
