# SPDX-License-Identifier: Apache-2.0
"""Runs the programs that are compared, one at a time, and watches who else uses the machine meanwhile."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time


class Failure(Exception):
    """An error that says, for people, what is wrong."""

    exit_code = 1


class BadInput(Failure):
    """A file that is not there, or a program or package that is missing."""

    exit_code = 2


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(command: list[str], what: str) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise BadInput(f"{what}: {command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        how = f"was ended by signal {-done.returncode}" if done.returncode < 0 else f"failed ({done.returncode})"
        raise (BadInput if done.returncode == BadInput.exit_code else Failure)(
            f"{what} {how}: {' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def run_json(command: list[str], what: str) -> dict:
    text = run(command, what)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Failure(f"{what} printed no JSON: {error}\n{text[:500]}") from error


def processor_seconds() -> tuple[float, float] | None:
    """Seconds since the system started, of all processors together: busy, and kept away by the host of a virtual machine. None where the
    system does not tell."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _idle, _waiting, irq, softirq, stolen = (int(word) for word in file.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / tick, stolen / tick


def own_seconds() -> float:
    """Seconds of processors used by this process and by those that it started and has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


class Watch:
    """How many processors others kept busy between its construction and `stop`, on average."""

    def __init__(self) -> None:
        self.began, self.machine, self.own = time.monotonic(), processor_seconds(), own_seconds()

    def stop(self) -> dict:
        now = processor_seconds()
        if self.machine is None or now is None:
            return {}
        seconds = max(time.monotonic() - self.began, 1e-3)
        busy, stolen = (after - before for after, before in zip(now, self.machine))
        others = busy - (own_seconds() - self.own)
        return {"seconds": seconds, "processors_of_others": max(others, 0) / seconds, "processors_stolen": stolen / seconds}
