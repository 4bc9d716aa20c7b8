# SPDX-License-Identifier: Apache-2.0
"""The declarations of python/krait/_c beside what a C++ compiler says of the headers: every function, struct, field, default and enumerator."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from krait._c import enums, structs
from krait._c.functions import FUNCTIONS
from krait._c.loader import library_path
from krait._c.sized import Sized
from krait.engine import EngineOptions, RequestOptions
from krait.perplexity import PerplexityOptions
from krait.sampling import SamplingOptions
from krait.session import SessionOptions

# Functions that the package does not call, and why.
UNUSED = dict.fromkeys(("krait_session_position", "krait_session_positions_add", "krait_session_positions_divide", "krait_session_remove"),
                       "recurrent models do not use positions")
INCLUDE = Path(__file__).resolve().parents[2] / "include"
COMPILER = shutil.which("c++") or ""

HEAD = r"""
#include <krait/krait.h>
#include <cstdio>
#include <cstring>
#include <type_traits>
template <class T> void kind() {
    if (std::is_void_v<T>) std::printf(" v0");
    else if constexpr (!std::is_void_v<T>)
        std::printf(" %c%zu", std::is_pointer_v<T> ? 'p' : std::is_floating_point_v<T> ? 'f' : std::is_enum_v<T> ? 'i'
                    : std::is_array_v<T> || std::is_class_v<T> ? 'a' : std::is_signed_v<T> ? 'i' : 'u', sizeof(T));
}
template <class R, class... A> void function(const char* name, R (*)(A...)) {
    std::printf("%s", name); kind<R>(); (kind<A>(), ...); std::printf("\n");
}
template <class T> void bytes(const char* name, const T& value) {
    std::printf("%s ", name);
    for (size_t i = 0; i < sizeof(T); ++i) std::printf("%02x", reinterpret_cast<const unsigned char*>(&value)[i]);
    std::printf("\n");
}
int main() {
"""


def structures() -> dict[str, type[ctypes.Structure]]:
    return {name: value for name, value in vars(structs).items()
            if name.startswith("krait_") and isinstance(value, type) and issubclass(value, ctypes.Structure)}


def enumerations() -> dict[str, Any]:
    return {name: value for name, value in vars(enums).items() if name.startswith("krait_")}


def kind_of(made: Any) -> str:
    """As the C++ program writes it."""
    if made is None:
        return "v0"
    code = getattr(made, "_type_", None)
    if issubclass(made, (ctypes.Array, ctypes.Structure)):
        return f"a{ctypes.sizeof(made)}"
    if not isinstance(code, str) or code in "zP":
        return "p8"
    return f"{'f' if code in 'fd' else 'u' if code.isupper() else 'i'}{ctypes.sizeof(made)}"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the compiler says, by name."""
    text = "\n".join(re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S) for header in sorted((INCLUDE / "krait").glob("*.h")))
    lines = [f'function("{name}", &{name});' for name in sorted(set(re.findall(r"\b(krait_\w+)\s*\(", text)) & exported())]
    for name, struct in structures().items():
        lines.append(f'std::printf("{name} %zu\\n", sizeof({name}));')
        for field in (entry[0] for entry in struct._fields_):
            lines.append(f'std::printf("{name}.{field} %zu", offsetof({name}, {field})); kind<decltype({name}::{field})>(); std::printf("\\n");')
        if issubclass(struct, Sized):
            lines.append(f'{{ {name} value; std::memset(&value, 0, sizeof value); value = {name.upper()}_INIT; bytes("{name}.INIT", value); }}')
    for body in re.findall(r"typedef enum \w+ \{(.*?)\}", text, flags=re.S):
        lines += [f'std::printf("{member} %d\\n", static_cast<int>({member}));' for member in re.findall(r"\b(KRAIT_\w+)", body)]
    lines += [f'std::printf("{name} %d\\n", {name});' for name in re.findall(r"#define (KRAIT_LAYER_\w+)", text)]
    folder = tmp_path_factory.mktemp("declarations")
    source = folder / "say.cpp"
    source.write_text(HEAD + "\n".join(lines) + "\n}\n")
    library = library_path()
    subprocess.run([COMPILER, "-std=c++17", "-w", f"-I{INCLUDE}", source, "-o", folder / "say", str(library), f"-Wl,-rpath,{library.parent}"], check=True)
    out = subprocess.run([folder / "say"], check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in out.splitlines())


def exported() -> set[str]:
    out = subprocess.run(["nm", "-D", "--defined-only", library_path()], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in out.splitlines() if " T krait_" in line}


pytestmark = pytest.mark.skipif(not COMPILER, reason="there is no C++ compiler")


def test_functions_are_those_of_the_library() -> None:
    assert set(FUNCTIONS) == exported()


def test_functions_are_used() -> None:
    files = [file for file in Path(enums.__file__).parent.parent.rglob("*.py") if file.name != "functions.py"]
    used = set(re.findall(r"\bkrait_\w+", "\n".join(file.read_text() for file in files)))
    assert set(FUNCTIONS) - used == set(UNUSED)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_signature(name: str, said: dict[str, str]) -> None:
    result, arguments = FUNCTIONS[name]
    assert said[name] == " ".join(kind_of(made) for made in (result, *arguments))


@pytest.mark.parametrize("name", sorted(structures()))
def test_layout(name: str, said: dict[str, str]) -> None:
    struct = structures()[name]
    assert said[name] == str(ctypes.sizeof(struct))
    for field, made in (entry[:2] for entry in struct._fields_):
        assert said[f"{name}.{field}"] == f"{getattr(struct, field).offset} {kind_of(made)}", field
    if issubclass(struct, Sized):
        assert said[f"{name}.INIT"] == bytes(struct.init()).hex()


def test_enumerators(said: dict[str, str]) -> None:
    ours = {name: getattr(enums, name) for name in vars(enums) if name.startswith("KRAIT_")}
    theirs = {name: int(value) for name, value in said.items() if name.startswith("KRAIT_")}
    by_suffix = [(member.name, member.value) for values in enumerations().values() for member in values]
    for name, value in theirs.items():
        assert ours.get(name, value) == value
        assert name in ours or any(name.endswith(f"_{suffix}") and value == number for suffix, number in by_suffix), name
    assert len(theirs) == len(ours) + len(by_suffix)


@pytest.mark.parametrize(("options", "struct", "ours"), [
    (SessionOptions, structs.krait_session_options, {"profile", "profile_runs"}),
    (EngineOptions, structs.krait_engine_options, set()),
    (SamplingOptions, structs.krait_sampler_options, {"constraint", "user"}),
    (PerplexityOptions, structs.krait_perplexity_options, {"user"}),
    (RequestOptions, structs.krait_request_options,
     {"tokens", "n_tok", "sampler", "stops", "n_stop", "n_message_end", "wake", "user"}),
])
def test_options_are_those_of_the_struct(options: Any, struct: type[Sized], ours: set[str]) -> None:
    names = set(options.__annotations__)
    if options is RequestOptions:
        names -= {"stop", "stop_tokens", "control", *SamplingOptions.__annotations__}
    assert names == set(struct.names()) - ours
