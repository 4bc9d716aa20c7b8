# SPDX-License-Identifier: Apache-2.0
"""Finds libkrait and loads it, once a process: `lib`. $KRAIT_LIBRARY names another file than the one in this package."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import cast

from krait._c.functions import FUNCTIONS, Functions

PACKAGE = Path(__file__).resolve().parent.parent
# Before 1.0 the interface is that of a minor version, which is a part of the library's name (capi/CMakeLists.txt).
INTERFACE = "0.2"
NAME = f"libkrait.so.{INTERFACE}"


def library_path() -> Path:
    """The file that is loaded. Its plugins are in backends/ beside it."""
    named = os.environ.get("KRAIT_LIBRARY")
    return Path(named) if named else PACKAGE / "lib" / NAME


def other_copies(path: Path) -> list[str]:
    """Files of libkrait that this process has mapped from elsewhere."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return []
    mapped = {line.split(maxsplit=5)[5] for line in maps.splitlines() if "/libkrait.so" in line}
    return sorted(other for other in mapped if not (os.path.exists(other) and os.path.samefile(other, path)))


def load() -> Functions:
    path = library_path()
    if not path.exists():
        raise ImportError(f"krait: there is no {path}; install a wheel with the library in it (pip install .), or name one with KRAIT_LIBRARY")
    others = other_copies(path)
    if others:
        raise ImportError(f"krait: this process has {others[0]} already, and {path} would be a second libkrait with devices and threads of its own; "
                          "set KRAIT_LIBRARY to the first, or use one of the two")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"krait: {path} cannot be loaded: {error}; is this a wheel for another kind of machine?") from error
    missing = [name for name in FUNCTIONS if not hasattr(library, name)]
    if missing:
        raise ImportError(f"krait: {path} lacks {missing[0]}; it is of another version than this package, which needs {INTERFACE}")
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    functions = cast(Functions, library)
    version = (functions.krait_version() or b"").decode()
    if not version.startswith(f"{INTERFACE}."):
        raise ImportError(f"krait: {path} is version {version}, and this package needs {INTERFACE}")
    return functions


lib = load()
