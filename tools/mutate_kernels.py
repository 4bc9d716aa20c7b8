#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes one thing in one kernel at a time, and requires that the op tests fail: `krait test-ops` proves the kernels, this proves it.

    tools/mutate_kernels.py                         a sample for 600 s, chosen by the last commit's name: another one with each commit
    tools/mutate_kernels.py --seconds 0 FILE...     every mutant of these files
    tools/mutate_kernels.py --list [FILE...]        only names them

Without FILE it is the reference, which judges all others, and the CPU's kernels of DEFAULT: those whose surviving mutants are explained.
Files are backends/cpu/ops/*.cpp, tested as the device of --variant, and backends/cpu/reference/ops/*.cpp, tested as reference. No
source is touched: a changed copy is compiled as build/release compiles the original, at -O1, and linked with the other objects there,
so krait, krait-reference and krait-cpu-<variant> must have been built. Prints each mutant that survives, a table, and exits with 1
where one survives that is not listed, with a reason, in tests/mutation/equivalent.txt. A mutant that hangs or crashes is found; one
that does not compile does not count.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
FOLDERS = {"backends/cpu/ops": "cpu", "backends/cpu/reference/ops": "reference"}
# A kernel in blocks and panels has many mutants that compute the same by another way; the others join as theirs are explained.
DEFAULT = ("activate", "add", "argmax", "concat", "copy", "kv_write", "mul", "scale", "scale_add", "silu_mul")
EQUIVALENT = "tests/mutation/equivalent.txt"
TEST_SECONDS = 120  # an op's cases take a few seconds; a loop without an end is found by this

# What is replaced by what. Blanks around operators tell them from pointers, templates and signs.
OPERATORS = {" + ": " - ", " - ": " + ", " * ": " + ", " / ": " * ", " % ": " / ", " += ": " -= ", " -= ": " += ", " *= ": " += ",
             " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == ", " && ": " || ", " || ": " && "}
EXTREMES = {"max": "min", "min": "max", "fmax": "fmin", "fmin": "fmax"}
_OPERATOR = re.compile(r" (?:\+|-|\*|/|%|\+=|-=|\*=|<|<=|>|>=|==|!=|&&|\|\|) ")
_EXTREME = re.compile(r"\b(?:max|min|fmax|fmin)(?=\()")
_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)f?(?![\w.])")
# Lines that decide how something is computed, not what, or what is said.
_SKIPPED = re.compile(r"^\s*(?:#|//|using |namespace |template|static_assert|alignas)|\bconstexpr\b|\bgrain_of\(|decline\(|fail\(|fetch_ahead")


@dataclass(frozen=True)
class Mutant:
    file: str  # from the root
    line: int  # from 0
    column: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        line = lines[self.line]
        lines[self.line] = line[:self.column] + self.new + line[self.column + len(self.old):]
        return "".join(lines)

    def key(self, text: str) -> str:
        """Names it without the line's number, which changes: the line as it was made."""
        return f"{self.file}: {self.apply(text).splitlines()[self.line].strip()}"


def code_of(line: str) -> str:
    """The line with strings and comments blanked out."""
    line = re.sub(r'"(?:\\.|[^"\\])*"', lambda m: "_" * len(m[0]), line)
    return line.partition("//")[0]


def mutants_of(file: str, text: str) -> list[Mutant]:
    found = []
    for number, line in enumerate(text.splitlines()):
        if _SKIPPED.search(line):
            continue
        code = code_of(line)
        found += [Mutant(file, number, m.start(), m[0], OPERATORS[m[0]]) for m in _OPERATOR.finditer(code)]
        found += [Mutant(file, number, m.start(), m[0], EXTREMES[m[0]]) for m in _EXTREME.finditer(code)]
        found += [Mutant(file, number, m.start(1), m[1], str(int(m[1]) + 1) if m[1].isdigit() else str(float(m[1]) + 1))
                  for m in _NUMBER.finditer(code)]
    return found


def op_of(file: str) -> str:
    stem = Path(file).stem
    return "mul_mat" if stem.startswith("mul_mat") else stem


class Plugin:
    """How a file of a plugin is compiled, and how the plugin is linked, as ninja does it."""

    def __init__(self, name: str) -> None:
        done = subprocess.run(["ninja", "-C", str(BUILD), "-t", "commands", name], capture_output=True, text=True, check=True)
        self.commands = [line for line in done.stdout.splitlines() if not line.startswith("ninja:")]
        self.name = name
        self.link = next(c for c in reversed(self.commands) if f"-o bin/backends/{name}.so" in c)

    def unit_of(self, file: str) -> tuple[str, Path]:
        """The command that compiles a file, and what it compiles: the file, or one that includes it with others."""
        for command in self.commands:
            compiled = re.search(r" -c (\S+)$", command)
            if not compiled or f"CMakeFiles/{self.name}.dir/" not in command:
                continue
            unit = Path(compiled[1])
            if unit == ROOT / file or (unit.suffix == ".cxx" and f'"{ROOT / file}"' in unit.read_text(encoding="utf-8")):
                return command, unit
        raise LookupError(f"no command of {self.name} compiles {file}")

    def make(self, file: str, text: str, folder: Path) -> bool:
        """folder/krait with plugins beside it, of which this one has text in place of file."""
        source, made = folder / Path(file).name, folder / "changed.o"
        source.write_text(text)
        command, unit = self.unit_of(file)
        if unit != ROOT / file:
            changed_unit = unit.read_text(encoding="utf-8").replace(f'"{ROOT / file}"', f'"{source}"')
            source = folder / unit.name
            source.write_text(changed_unit)
        output = re.search(r" -o (\S+)", command)[1]
        changed = command.replace(f" -c {unit}", f" -c {source} -O1 -w").replace(f" -o {output}", f" -o {made}")
        changed = re.sub(r" -MF \S+", f" -MF {folder / 'changed.d'}", changed)
        if subprocess.run(changed, shell=True, cwd=BUILD, capture_output=True, check=False).returncode != 0:
            return False
        plugins = folder / "backends"
        plugins.mkdir(exist_ok=True)
        for other in ("krait-reference.so", "krait-null.so"):
            if other != f"{self.name}.so" and not (plugins / other).exists():
                os.symlink(BUILD / "bin" / "backends" / other, plugins / other)
        link = self.link.replace(f"-o bin/backends/{self.name}.so", f"-o {plugins / self.name}.so").replace(f" {output} ", f" {made} ")
        subprocess.run(link, shell=True, cwd=BUILD, capture_output=True, check=True)
        if not (folder / "krait").exists():
            os.link(BUILD / "bin" / "krait", folder / "krait")
        return True


def bounded_memory() -> None:
    """For a mutant that asks for memory without an end."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


def fails(folder: Path, device: str, op: str) -> bool:
    """Whether the op tests find something: first without what takes long."""
    for options in (["--quick"], []):
        command = [str(folder / "krait"), "test-ops", "--device", device, "--op", op, "--jobs", "1", *options]
        try:
            done = subprocess.run(command, capture_output=True, timeout=TEST_SECONDS, check=False, preexec_fn=bounded_memory)
            if done.returncode != 0:
                return True
        except subprocess.TimeoutExpired:
            return True
    return False


class Trial:
    def __init__(self, variant: str, folder: Path) -> None:
        self.devices = {"cpu": f"cpu:{variant}", "reference": "reference"}
        self.plugins = {"cpu": Plugin(f"krait-cpu-{variant}"), "reference": Plugin("krait-reference")}
        self.folder = folder

    def run(self, file: str, text: str, name: str) -> str:
        """killed, survived or invalid."""
        family = FOLDERS[str(Path(file).parent)]
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            if not self.plugins[family].make(file, text, folder):
                return "invalid"
            return "killed" if fails(folder, self.devices[family], op_of(file)) else "survived"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def read_equivalent(root: Path = ROOT) -> dict[str, str]:
    """Keys of mutants that nothing can find, with the reason, which stands in the line in front of them."""
    reasons: dict[str, str] = {}
    reason = ""
    for line in (root / EQUIVALENT).read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            reason = line.lstrip("# ") if line.startswith("#") else ""
        else:
            reasons[line.strip()] = reason
    return reasons


def chosen_mutants(files: list[str], seed: str | None) -> list[Mutant]:
    """In turns from each file, so that a sample has some of all; without a seed all, in order."""
    by_file = [mutants_of(file, (ROOT / file).read_text(encoding="utf-8")) for file in files]
    if seed is None:
        return [m for of_file in by_file for m in of_file]
    dice = random.Random(seed)
    for of_file in by_file:
        dice.shuffle(of_file)
    dice.shuffle(by_file)
    return [of_file[i] for i in range(max(map(len, by_file), default=0)) for of_file in by_file if i < len(of_file)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="how long; 0: until all are done (default: 600)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--variant", default="avx2", help="of the CPU backend (default: avx2)")
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    parser.add_argument("files", nargs="*", metavar="FILE")
    arguments = parser.parse_args()
    files = [os.path.relpath(Path(f).resolve(), ROOT) for f in arguments.files]
    for file in files:
        if str(Path(file).parent) not in FOLDERS:
            parser.error(f"{file} does not lie in {' or '.join(FOLDERS)}")
    files = files or sorted(str(p.relative_to(ROOT)) for folder, family in FOLDERS.items() for p in (ROOT / folder).glob("*.cpp")
                            if family == "reference" or p.stem in DEFAULT)
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    mutants = chosen_mutants(files, commit if arguments.seconds else None)
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in files}
    if arguments.list:
        for mutant in mutants:
            print(mutant.key(texts[mutant.file]))
        return 0

    reasons = read_equivalent()
    trial = Trial(arguments.variant, ROOT / "build" / "mutation")
    # First the sources as they are, made in the same way: they must pass, or every mutant would seem to be found.
    for family, folder in {family: folder for folder, family in FOLDERS.items()}.items():
        file = f"{folder}/scale.cpp"
        if (verdict := trial.run(file, (ROOT / file).read_text(encoding="utf-8"), "unchanged")) != "survived":
            sys.exit(f"mutate_kernels.py: {file}, unchanged, is {verdict} as {trial.devices[family]}; mutants would prove nothing")

    started = time.monotonic()
    verdicts: Counter[tuple[str, str]] = Counter()
    unexplained = []

    def attempt(numbered: tuple[int, Mutant]) -> tuple[Mutant, str]:
        number, mutant = numbered
        if arguments.seconds and time.monotonic() - started > arguments.seconds:
            return mutant, "left out"
        if mutant.key(texts[mutant.file]) in reasons:
            return mutant, "equivalent"
        return mutant, trial.run(mutant.file, mutant.apply(texts[mutant.file]), str(number))

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, verdict in pool.map(attempt, enumerate(mutants)):
            verdicts[mutant.file, verdict] += 1
            if verdict == "survived":
                unexplained.append(mutant)
                print(f"survived: {mutant.file}:{mutant.line + 1}: '{mutant.old.strip()}' made '{mutant.new.strip()}'\n"
                      f"    {mutant.key(texts[mutant.file])}", flush=True)
    columns = ("killed", "survived", "equivalent", "invalid", "left out")
    print(f"{'file':44}" + "".join(f"{c:>12}" for c in columns))
    for file in files:
        print(f"{file:44}" + "".join(f"{verdicts[file, c]:12}" for c in columns))
    print(f"{'all':44}" + "".join(f"{sum(n for (_, v), n in verdicts.items() if v == c):12}" for c in columns))
    if unexplained:
        print(f"{len(unexplained)} mutants survived: add the case that finds them to tests/ops, or, where a mutant computes the same, its line "
              f"to {EQUIVALENT} with the reason")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
