# SPDX-License-Identifier: Apache-2.0
"""The C API as ctypes sees it, python/krait/_c/{enums,structs,functions}.py: made from the headers of include/krait/ by --fix, never by hand.

`const char*` with a size beside it (a field `name` with `name_size`, a function whose last parameter is `size_t* size`) is an address, as it may
hold or lack a NUL; without one it is a text that ctypes reads up to its NUL. Pointers that a function writes (`T** out`) are addresses too.
python/tests/test_declarations.py compares what is made here with what a compiler says of the same headers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from checks.tree import Finding, Tree

FOLDER = "python/krait/_c/"
HEADERS = "include/krait/"

_SCALARS = {"int": "c_int", "int32_t": "c_int32", "int64_t": "c_int64", "uint32_t": "c_uint32", "uint64_t": "c_uint64", "size_t": "c_size_t",
            "float": "c_float", "double": "c_double", "char": "c_char"}
_PYTHON = {"c_float": "float", "c_double": "float", "c_char_p": "bytes | None", "c_void_p": "int | None"}

_ENUM = re.compile(r"typedef enum (\w+) \{(.*?)\} \1;", re.S)
_STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\} \1;", re.S)
_OPAQUE = re.compile(r"typedef struct (\w+) \1;")
_CALLBACK = re.compile(r"typedef (\w+) \(\*(\w+)\)\(([^)]*)\);")
_FUNCTION = re.compile(r"KRAIT_API\s+([\w\s*]+?)\b(krait_\w+)\s*\(([^;]*)\);")
_FIELD_CALLBACK = re.compile(r"(\w+) \(\*(\w+)\)\((.*)\)$", re.S)
_INIT = re.compile(r"#define (KRAIT_\w+)_INIT\s*\{(.*?)\}\s*$", re.M | re.S)
_CONSTANT = re.compile(r"#define (KRAIT_LAYER_\w+) \((-?\d+)\)")


class Declared(NamedTuple):
    enums: dict[str, list[tuple[str, int]]]
    structs: dict[str, list[tuple[str, str]]]  # C type with its stars, name with its [n]
    callbacks: dict[str, tuple[str, list[str]]]
    functions: dict[str, tuple[str, list[tuple[str, str]]]]
    defaults: dict[str, list[str]]
    constants: dict[str, int]


def split_arguments(text: str) -> list[str]:
    """At commas that are in no parentheses or braces."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "({") - (character in ")}")
        if character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip() not in ("", "void")]


def typed_name(text: str) -> tuple[str, str]:
    """`const char* const* stops` -> ("const char* const*", "stops")."""
    match = re.match(r"(.*?[\s*])(\w+(?:\[\d+\])?)$", " ".join(text.split()))
    if not match:
        raise ValueError(f"no declaration: '{text}'")
    return match[1].strip(), match[2]


def argument_kind(text: str) -> str:
    # A callback that is a parameter of a callback (krait_executor) is called by C alone: an address.
    return "void*" if "(*" in text else typed_name(text)[0]


def read_fields(body: str) -> list[tuple[str, str]]:
    fields = []
    for text in body.split(";"):
        text = " ".join(text.split())
        callback = _FIELD_CALLBACK.match(text)
        if callback:
            fields.append((text, callback[2]))
        elif text:
            first, *more = text.split(", ")
            kind, name = typed_name(first)
            fields += [(kind, name), *((kind, other) for other in more)]
    return fields


def read_headers(tree: Tree) -> Declared:
    names = sorted(f for f in tree.with_suffix(".h") if f.startswith(HEADERS) and f.count("/") == 2)
    text = "\n".join(re.sub(r"/\*.*?\*/", "", tree.text(name), flags=re.S) for name in names)
    defaults = {match[1].lower(): split_arguments(match[2]) for match in _INIT.finditer(text.replace("\\\n", " "))}
    constants = {match[1]: int(match[2]) for match in _CONSTANT.finditer(text)}
    code = re.sub(r"^\s*#.*$", "", text.replace("\\\n", " "), flags=re.M)
    enums = {}
    for name, body in _ENUM.findall(code):
        members = [entry.split("=") for entry in split_arguments(body)]
        enums[name] = [(member.strip(), int(value)) for member, value in members]
    of_fields: dict[str, tuple[str, list[str]]] = {}
    structs = {name: read_fields(body) for name, body in _STRUCT.findall(code)}
    structs |= {name: [] for name in _OPAQUE.findall(code)}
    # A field that is a callback has a type of its own, named after struct and field.
    for name, fields in structs.items():
        for kind, field in fields:
            callback = _FIELD_CALLBACK.match(kind)
            if callback:
                of_fields[f"{name}_{field}"] = (callback[1], [argument_kind(a) for a in split_arguments(callback[3])])
    callbacks = of_fields | {name: (result, [argument_kind(a) for a in split_arguments(arguments)]) for result, name, arguments in _CALLBACK.findall(code)}
    functions = {name: (result.strip(), [typed_name(a) for a in split_arguments(arguments)])
                 for result, name, arguments in _FUNCTION.findall(code)}
    return Declared(enums, structs, callbacks, functions, defaults, constants)


def ctypes_of(kind: str, declared: Declared, *, is_address: bool = False) -> str:
    base = re.sub(r"\bconst\b", "", kind).replace(" ", "")
    stars = base.count("*")
    base = base.rstrip("*")
    if stars == 0:
        if base == "void":
            return "None"
        return "c_int" if base in declared.enums else _SCALARS.get(base, base)
    if base == "void" or (stars == 1 and base in declared.structs and not declared.structs[base]):
        return "c_void_p" if stars == 1 else "POINTER(c_void_p)"
    if base == "char" and (stars == 1 or kind.replace(" ", "").endswith("const*")):
        return ("c_void_p" if is_address else "c_char_p") if stars == 1 else "POINTER(c_char_p)"
    if stars == 2:
        return "POINTER(c_void_p)"
    return f"POINTER({'c_int' if base in declared.enums else _SCALARS.get(base, base)})"


def python_of(made: str) -> str:
    """The Python type of a struct's field."""
    if made in _PYTHON:
        return _PYTHON[made]
    if made.startswith("POINTER"):
        return "Any"
    if made.startswith("c_char * "):
        return "bytes"
    if " * " in made:
        return "Any"
    return "int" if made.startswith("c_") else "Any"


HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""{what} Made from include/krait/*.h by `tools/check --fix python_declarations`."""
'''


def enums_file(declared: Declared) -> str:
    lines = [HEAD.format(what="The enums and constants of the C API."), "from enum import IntEnum"]
    for name, members in declared.enums.items():
        first = members[0][0]
        prefix = first[: first.rindex("_") + 1] if len(members) > 1 else first
        while not all(member.startswith(prefix) for member, _ in members):
            prefix = prefix[: prefix[:-1].rindex("_") + 1]
        lines += ["", f"\nclass {name}(IntEnum):"]
        lines += [f"    {member[len(prefix):]} = {value}" for member, value in members]
    lines.append("\n")
    lines += [f"{name} = {value}" for name, value in declared.constants.items()]
    return "\n".join(lines) + "\n"


def struct_fields(name: str, declared: Declared) -> list[tuple[str, str]]:
    fields = declared.structs[name]
    names = {field for _, field in fields}
    result = []
    for kind, field in fields:
        callback = _FIELD_CALLBACK.match(kind)
        if callback:
            result.append((field, f"{name}_{field}"))
            continue
        plain, _, count = field.partition("[")
        made = ctypes_of(kind, declared, is_address=f"{plain}_size" in names)
        result.append((plain, f"{made} * {count[:-1]}" if count else made))
    return result


def in_rows(words: list[str]) -> list[str]:
    rows = [""]
    for word in words:
        if rows[-1] and len(rows[-1]) + len(word) > 118:
            rows.append("")
        rows[-1] += f" {word}" if rows[-1] else word
    return [f"        {row}" for row in rows]


def callback_type(result: str, arguments: list[str], declared: Declared) -> str:
    kinds = [ctypes_of(a, declared) for a in arguments]
    return f"CFUNCTYPE({', '.join([ctypes_of(result, declared), *kinds])})"


def default_of(text: str) -> str | None:
    """Of an initializer; None for zeros, which ctypes has anyway."""
    if text.startswith("{") or text in ("NULL", "0", "0.0", "0.0f"):
        return None
    return text.removesuffix("f") if re.match(r"-?\d", text) else text


def structs_file(declared: Declared) -> str:
    callbacks = [f"{name} = {callback_type(result, arguments, declared)}" for name, (result, arguments) in declared.callbacks.items()]
    made = " ".join([*callbacks, *(made for name in declared.structs for _, made in struct_fields(name, declared))])
    names = sorted(set(re.findall(r"\bc_\w+|\bPOINTER\b|\bCFUNCTYPE\b", made)))
    lines = [HEAD.format(what="The structs and callbacks of the C API."),
             f"from ctypes import {', '.join([*names, 'Structure'])}", "from typing import Any\n", "from krait._c.sized import Sized", ""]
    lines += callbacks
    values = {member: value for members in declared.enums.values() for member, value in members}
    done: set[str] = set()

    def write(name: str) -> None:
        if name in done or not declared.structs[name]:
            return
        done.add(name)
        fields = struct_fields(name, declared)
        for _, made in fields:
            for other in re.findall(r"\bkrait_\w+", made):
                if other in declared.structs:
                    write(other)
        is_sized = fields[0][0] == "struct_size"
        lines.extend(["", f"\nclass {name}({'Sized' if is_sized else 'Structure'}):"])
        lines.extend(f"    {field}: {python_of(made)}" for field, made in fields)
        lines.append("    _fields_ = [")
        lines.extend(in_rows([f'("{field}", {made}),' for field, made in fields]))
        lines.append("    ]")
        if is_sized:
            given = declared.defaults[name]
            if len(given) != len(fields) or given[0] != f"sizeof({name})":
                raise ValueError(f"{name.upper()}_INIT has {len(given)} values, and the struct {len(fields)} fields")
            defaults = {field: values.get(text, default_of(text)) for (field, _), text in zip(fields[1:], given[1:], strict=True)}
            kept = ", ".join(f'"{field}": {value}' for field, value in defaults.items() if value not in (None, 0))
            lines.append(f"    _defaults_ = {{{kept}}}")

    for name in declared.structs:
        write(name)
    return "\n".join(lines) + "\n"


def functions_file(declared: Declared) -> str:
    rows, attributes, used = [], [], set()
    for name, (result, arguments) in declared.functions.items():
        sized_result = result.endswith("char*") and bool(arguments) and arguments[-1][0] == "size_t*"
        kinds = [ctypes_of(result, declared, is_address=sized_result), *(ctypes_of(kind, declared) for kind, _ in arguments)]
        used |= {word for kind in kinds for word in re.findall(r"\w+", kind)}
        rows.append(f'    "{name}": ({kinds[0]}, [{", ".join(kinds[1:])}]),')
        python = "None" if kinds[0] == "None" else _PYTHON.get(kinds[0], "int")
        attributes.append(f"    {name}: Callable[..., {python}]")
    from_ctypes = sorted(word for word in used if word.startswith("c_") or word == "POINTER")
    from_structs = sorted(word for word in used if word.startswith("krait_"))
    lines = [HEAD.format(what="The functions of the C API."),
             "from collections.abc import Callable", f"from ctypes import {', '.join(from_ctypes)}", "from typing import Any\n",
             "from krait._c.structs import (", *(f"    {word}," for word in from_structs), ")\n",
             "# Name: result, arguments.", "FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {", *rows, "}", "\n",
             "class Functions:", '    """A loaded library; its functions have the types above."""\n', *attributes]
    return "\n".join(lines) + "\n"


def files(tree: Tree) -> dict[str, str]:
    declared = read_headers(tree)
    return {FOLDER + "enums.py": enums_file(declared), FOLDER + "structs.py": structs_file(declared), FOLDER + "functions.py": functions_file(declared)}


def fix(tree: Tree) -> None:
    for file, text in files(tree).items():
        (tree.root / file).parent.mkdir(parents=True, exist_ok=True)
        (tree.root / file).write_text(text, encoding="utf-8")


def check(tree: Tree) -> list[Finding]:
    if not tree.exists(FOLDER + "sized.py"):  # the trees that the tests of the checks make
        return []
    return [Finding(file, 1, "is not what the headers say", "tools/check --fix python_declarations")
            for file, text in files(tree).items() if not tree.exists(file) or tree.text(file) != text]
