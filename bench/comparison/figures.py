# SPDX-License-Identifier: Apache-2.0
"""The turns of two engines as medians, quartiles and ratios."""

from __future__ import annotations

import statistics

from comparison import PEER

SHARES = ("gb_per_second", "gflop_per_second", "share_of_read", "share_of_peak")


def key_of(result: dict) -> tuple[str, int, int]:
    return result["test"], result["n_tok"], result["n_seq"]


def spread_of(values: list[float]) -> dict:
    """The median, the quartiles around it, and the extremes."""
    quarters = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": statistics.median(values), "q1": quarters[0], "q3": quarters[2], "min": min(values), "max": max(values)}


def rates_of(result: dict, seconds: list[float]) -> dict:
    return spread_of([result["n_tok"] * result["n_seq"] / s for s in seconds])


def merge(turns: list[dict]) -> dict:
    """One engine's turns on one file as one: all repetitions, and medians. A share is of the ceiling that was measured in the same turn: a
    virtual machine's bandwidth may double from one minute to the next."""
    merged: dict = {"results": [], "load": {}}
    for index, first in enumerate(turns[0]["results"]):
        of_turns = [turn["results"][index]["seconds"] for turn in turns]
        seconds = [s for of_turn in of_turns for s in of_turn]
        merged["results"].append({"test": first["test"], "n_tok": first["n_tok"], "n_seq": first["n_seq"],
                                  "tokens_per_second": rates_of(first, seconds), "seconds": seconds,
                                  "tokens_per_second_of_turns": [rates_of(first, of_turn)["median"] for of_turn in of_turns]})
    for name in ("seconds", "first_token_seconds", "read_once_seconds"):
        values = [turn["load"][name] for turn in turns if name in turn["load"]]
        if values:
            merged["load"][name] = statistics.median(values)
    for name in ("peak_memory_bytes", "memory_before_load_bytes"):
        values = [turn[name] for turn in turns if name in turn]
        if values:
            merged[name] = max(values)
    if turns[0].get("weight_buffers_mib"):
        merged["weight_buffers_mib"] = turns[0]["weight_buffers_mib"]
    merged["machine_load"] = [turn["machine_load"] for turn in turns]
    if all("ceilings" in turn for turn in turns):
        merged["ceilings"] = best_ceilings([turn["ceilings"] for turn in turns])
        for index, result in enumerate(merged["results"]):
            for name in SHARES:
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
    """How many times as fast as the peer: by the medians of all repetitions, and of each round alone."""
    peer = {key_of(result): result for result in engines[PEER]["results"]}
    ratios = []
    for engine, merged in engines.items():
        if engine == PEER:
            continue
        for result in merged["results"]:
            test, n_tok, n_seq = key_of(result)
            beside = peer[key_of(result)]
            rounds = [a / b for a, b in zip(result["tokens_per_second_of_turns"], beside["tokens_per_second_of_turns"])]
            ratios.append({"engine": engine, "test": test, "n_tok": n_tok, "n_seq": n_seq,
                           "ratio": result["tokens_per_second"]["median"] / beside["tokens_per_second"]["median"],
                           "of_rounds": spread_of(rounds)})
    return ratios


def share_the_ceilings(engines: dict[str, dict], ratios: list[dict]) -> None:
    """The peer's shares: it does the same work on the same machine, so they follow from the first engine's by the ratio of speeds."""
    first = next(engine for engine in engines if engine != PEER)
    slower = {key_of(ratio): ratio["ratio"] for ratio in ratios if ratio["engine"] == first}
    own = {key_of(result): result for result in engines[first]["results"]}
    for result in engines[PEER]["results"]:
        for name in SHARES:
            if name in own[key_of(result)]:
                result[name] = own[key_of(result)][name] / slower[key_of(result)]
