#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether applications that were built against an older libkrait run with this one.

    tools/abi.py check [--library FILE] [--headers FOLDER] [--baseline FILE]    compares; 1 where they would not
    tools/abi.py write [the same]                                               makes this interface the baseline

The interface is that of the headers, compiled as C by themselves, under the library's SONAME: sizes, offsets, values of enumerators, and
functions. So the baseline depends on no compiler's flags, and needs no debug information in the library. The library must export
the functions that the headers declare, and nothing else. Without --library this part is left out, and the SONAME is the baseline's.

abidiff compares (Debian: abigail-tools). Compatible is what may be added: functions, types, enumerators, and fields at the end of a
struct that begins with struct_size; not in its padding, which counted as a part of it before and may hold anything. The baseline is of
x86-64.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
_FUNCTION = re.compile(r"KRAIT_API\s+([^;{}]*?\b(\w+)\s*\([^;{}]*\))\s*;")
_SIZED = re.compile(r"typedef struct (\w+) \{\s*size_t struct_size;")
_STANDARD = re.compile(r"_Z(GV)?Z?(T[ISV])?(N[KVRO]*)?St")  # mangled names in std::
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

ACCEPT = """tools/abi.py: applications that were built before do not run with this library. Where that is meant:
  1. raise the minor version in CMakeLists.txt (the major one from 1.0 on), which gives the library a new SONAME;
  2. say in CHANGELOG.md what it does to them;
  3. tools/abi.py write, and commit the new baseline."""


class Failure(Exception):
    """A sentence for the user."""


def run(*command: str, folder: str | None = None) -> subprocess.CompletedProcess[str]:
    if not shutil.which(command[0]):
        raise Failure(f"there is no command '{command[0]}' (Debian: {'binutils' if command[0] in ('nm', 'readelf') else 'abigail-tools, gcc'})")
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def checked(*command: str, folder: str | None = None) -> str:
    done = run(*command, folder=folder)
    if done.returncode:
        raise Failure(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Interface:
    """The functions and types that headers declare."""

    def __init__(self, folder: Path) -> None:
        self.headers = sorted(folder.glob("*.h"))
        text = "\n".join(_COMMENT.sub("", header.read_text(encoding="utf-8")) for header in self.headers)
        text = re.sub(r"^\s*#.*$", "", text.replace("\\\n", " "), flags=re.MULTILINE)
        self.functions = {match[2]: match[1] for match in _FUNCTION.finditer(text)}
        self.sized_structs = _SIZED.findall(text)  # that may grow at their ends
        if not self.functions:
            raise Failure(f"{folder} has no header that declares a function with KRAIT_API")

    def describe(self, soname: str, out: Path) -> None:
        """Writes it as abidw does, of a library that has these functions and does nothing."""
        with tempfile.TemporaryDirectory() as folder:
            lines = [f'#include "{header.resolve()}"' for header in self.headers]
            lines += [f"__attribute__((visibility(\"default\"))) {function} {{ __builtin_trap(); }}"
                      for function in self.functions.values()]
            Path(folder, "interface.c").write_text("\n".join(lines) + "\n", encoding="utf-8")
            include = self.headers[0].resolve().parent.parent
            # The source is named as seen from its folder: what is described holds that name, and is to be the same each time.
            checked("cc", "-std=c11", "-g", "-gdwarf-4", "-O0", "-shared", "-fPIC", "-w", f"-I{include}", f"-Wl,-soname,{soname}",
                    "interface.c", "-o", soname, folder=folder)
            checked("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-parameter-names", "--no-write-default-sizes",
                    "--type-id-style", "hash", "--out-file", str(out.resolve()), soname, folder=folder)


def exported(library: Path) -> set[str]:
    """Symbols, without those of the C++ library's templates, which every library has that uses them."""
    names = {line.split()[-1].partition("@")[0] for line in checked("nm", "-D", "--defined-only", str(library)).splitlines()}
    return {name for name in names if not _STANDARD.match(name)}


def soname_of(library: Path) -> str:
    found = re.search(r"\(SONAME\).*\[(.+)\]", checked("readelf", "-d", str(library)))
    if not found:
        raise Failure(f"{library} has no SONAME")
    return found[1]


def soname_in(baseline: Path) -> str:
    found = re.search(r"<abi-corpus[^>]* soname='([^']+)'", baseline.read_text(encoding="utf-8"))
    if not found:
        raise Failure(f"{baseline} is no description of a library by abidw")
    return found[1]


def check_symbols(interface: Interface, library: Path) -> list[str]:
    symbols = exported(library)
    missing, more = sorted(interface.functions.keys() - symbols), sorted(symbols - interface.functions.keys())
    return [f"{library} lacks {name}, which a header declares" for name in missing] + \
        [f"{library} exports {name}, which no header declares" for name in more]


def members_of(struct: ElementTree.Element) -> list[tuple[str | None, str | None]]:
    return [(member.get("layout-offset-in-bits"), member.find("var-decl").get("name")) for member in struct.findall("data-member")]


def as_older_applications_see_it(sized_structs: list[str], baseline: Path, current: Path, out: Path) -> None:
    """Writes the description `current` without the fields that were added at the ends of structs which say their size."""
    older = {struct.get("name"): struct for struct in ElementTree.parse(baseline).iter("class-decl")}
    tree = ElementTree.parse(current)
    for struct in tree.iter("class-decl"):
        before = older.get(struct.get("name"))
        if struct.get("name") not in sized_structs or before is None:
            continue
        count, size = len(members_of(before)), before.get("size-in-bits")
        added = struct.findall("data-member")[count:]
        if members_of(struct)[:count] == members_of(before) and all(
                int(member.get("layout-offset-in-bits")) >= int(size) for member in added):
            for member in added:
                struct.remove(member)
            struct.set("size-in-bits", size)
    tree.write(out)


def differences(baseline: Path, current: Path, *options: str) -> str:
    """The report of abidiff; empty where there are none."""
    done = run("abidiff", *options, str(baseline), str(current))
    if done.returncode & 3:
        raise Failure(f"abidiff failed:\n{done.stdout}{done.stderr}")
    return done.stdout if done.returncode else ""


def check(interface: Interface, soname: str, arguments: argparse.Namespace) -> int:
    if not arguments.baseline.exists():
        raise Failure(f"there is no {arguments.baseline}; tools/abi.py write makes it")
    wrong = check_symbols(interface, arguments.shared_object) if arguments.shared_object else []
    with tempfile.TemporaryDirectory() as folder:
        current = Path(folder, "current.abi")
        interface.describe(soname, current)
        older = Path(folder, "older.abi")
        as_older_applications_see_it(interface.sized_structs, arguments.baseline, current, older)
        incompatible = differences(arguments.baseline, older, "--no-added-syms")
        added = differences(arguments.baseline, current, "--harmless")
    for sentence in wrong:
        print(f"tools/abi.py: {sentence}")
    if incompatible:
        print(incompatible, ACCEPT, sep="\n")
    elif added:
        print(added, "tools/abi.py: what was added is compatible. Before a release, tools/abi.py write takes it into the baseline.", sep="\n")
    elif not wrong:
        print(f"tools/abi.py: {len(interface.functions)} functions, as in the baseline")
    return 1 if wrong or incompatible else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("check", "write"))
    parser.add_argument("--library", dest="shared_object", metavar="LIBRARY", type=Path, help="the shared library")
    parser.add_argument("--headers", type=Path, default=ROOT / "include/krait", help="the folder of its C headers")
    parser.add_argument("--baseline", type=Path, default=ROOT / "capi/libkrait.abi", help="a file that abidw wrote")
    arguments = parser.parse_args()
    try:
        if platform.machine() != "x86_64":
            raise Failure(f"the baseline is of x86-64, this machine is {platform.machine()}")
        interface = Interface(arguments.headers)
        soname = soname_of(arguments.shared_object) if arguments.shared_object else soname_in(arguments.baseline)
        if arguments.action == "check":
            return check(interface, soname, arguments)
        interface.describe(soname, arguments.baseline)
        print(f"tools/abi.py: {arguments.baseline}: {len(interface.functions)} functions of {soname}")
        return 0
    except Failure as failure:
        print(f"tools/abi.py: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
