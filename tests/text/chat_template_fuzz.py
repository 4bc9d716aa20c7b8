#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random templates through Krait and through jinja2; the first difference is shown and is the exit code.

   python3 tests/text/chat_template_fuzz.py build/release/bin/krait_render_lines [--seconds 60] [--templates 2500] [--seed 1]

Needs jinja2 3.1. A nightly run may call it with --seconds 600 behind the fuzzers of tests/fuzz."""

import argparse
import json
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from jinja_environment import render  # noqa: E402

TEXTS = ["", "a", "Hello World", "é🦙", " x ", "a,b,c", "line\nline2\n", "<|im_end|>", "12", "3.5", "it's", 'say "x"', "ÀB", "\t"]
NAMES = ["s", "t", "n", "x", "l", "d", "m", "missing", "yes", "i", "block"]
FILTERS = ["upper", "lower", "trim", "length", "string", "list", "first", "last", "join", "join('-')", "tojson", "tojson(indent=2)", "default('z')",
           "default('z', true)", "title", "capitalize", "reverse|list", "sort", "unique|list", "int", "float", "abs", "replace('a', 'bb')", "indent(2)",
           "map('string')|list", "select|list", "reject('string')|list", "dictsort", "items|list", "min", "max", "sum", "batch(2)|list", "round",
           "selectattr('role')|list", "map(attribute='role')|list", "escape", "center(7)", "count"]
TESTS = ["defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "boolean", "integer", "float", "odd", "even",
         "true", "false", "eq 1", "in [1, 'a']", "divisibleby 2", "lower", "upper", "callable"]
METHODS = [  # of texts and dicts, called on all values
           "upper()", "strip()", "split()", "split(',')", "startswith('a')", "endswith('a')", "replace('a', '-')", "title()", "items()|list", "get('role')",
           "find('a')", "splitlines()", "lstrip()", "rstrip('x ')", "count('a')", "keys()|list", "rsplit(none, 1)", "partition('a')", "isdigit()", "zfill(4)"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "in", "not in"] + ["~", "==", "!=", "and", "or"] * 5
SPACES = ["", "", "", " ", "\n", "  \n", "\n  ", "text", " text\n", "\n\n"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, choices):
        return self.random.choice(choices)

    def literal(self):
        kind = self.random.randrange(8)
        if kind < 3:
            return repr(self.pick(TEXTS)) if self.random.random() < 0.9 else json.dumps(self.pick(TEXTS), ensure_ascii=False)
        if kind < 5:
            return self.pick(["0", "1", "2", "-3", "7", "2.5", "10", "1e3"])
        return self.pick(["true", "false", "none", "[1, 2, 3]", "['b', 'A', 'a']", "{'role': 'u', 'k': [1, none]}", "(1, 'x')", "[]", "{}"])

    def expression(self, depth=3):
        kind = self.random.randrange(11 if depth > 0 else 2)
        if kind == 0:
            return self.literal()
        if kind == 1:
            return self.pick(NAMES)
        inner = self.expression(depth - 1)
        if kind in (2, 3):
            return f"({inner} {self.pick(OPERATORS)} {self.expression(depth - 1)})"
        if kind in (4, 5):
            return f"({inner})|{self.pick(FILTERS)}"
        if kind == 6:
            return f"({inner}) is {self.pick(['', 'not '])}{self.pick(TESTS)}"
        if kind == 7:
            return f"({inner}).{self.pick(METHODS)}"
        if kind == 8:
            return f"({inner})[{self.pick(['0', '-1', '1:', ':2', '::-1', '1:9:2', chr(39) + 'role' + chr(39), '5'])}]"
        if kind == 9:
            return f"({inner} if {self.expression(depth - 1)} else {self.expression(depth - 1)})"
        return f"(not {inner})"

    def tag(self, text):
        return "{%" + self.pick(["", "-", "", "+"]) + f" {text} " + self.pick(["", "-", "", "+"]) + "%}"

    def body(self, depth):
        return "".join(self.pick(SPACES) + self.statement(depth) for _ in range(self.random.randrange(1, 4))) + self.pick(SPACES)

    def statement(self, depth):
        kind = self.random.randrange(10 if depth > 0 else 3)
        if kind < 2:
            return "{{" + self.pick(["", "-", ""]) + f" {self.expression()} " + self.pick(["", "-", ""]) + "}}"
        if kind == 2:
            return self.pick(["{# c #}", "{#- c -#}", self.tag(f"set {self.pick(NAMES)} = {self.expression()}")])
        inner = self.body(depth - 1)
        if kind in (3, 4):
            other = self.tag("else") + self.body(depth - 1) if self.random.random() < 0.5 else ""
            return self.tag(f"if {self.expression()}") + inner + other + self.tag("endif")
        if kind in (5, 6):
            inside = self.pick(["{{ loop.index }}", "{{ i }}", "{{ loop.last }}", "{{ loop.previtem }}", ""])
            condition = f" if {self.expression(1)}" if self.random.random() < 0.2 else ""
            return self.tag(f"for i in {self.expression(2)}{condition}") + inner + inside + self.tag("endfor")
        if kind == 7:
            return self.tag("set block") + inner + self.tag("endset")  # a name that no variable has: in its block jinja2 would not see that one
        if kind == 8:
            return self.tag("macro m(a, b=1)") + inner + "{{ a }}{{ b }}" + self.tag("endmacro") + f"{{{{ m({self.expression(1)}) }}}}"
        return self.tag("filter " + self.pick(["upper", "trim", "replace('a', 'x')"])) + inner + self.tag("endfilter")

    def variables(self):
        return {"s": self.pick(TEXTS), "t": self.pick(TEXTS), "n": self.random.randrange(-3, 9), "x": self.pick([1.5, 0.1, -2.0, 1e17]),
                "l": self.pick([[], [3, 1, 2], ["b", "A"], [1, "a", None]]), "yes": True,
                "d": self.pick([{}, {"role": "user", "a": 1}, {"b": [1], "A": None}]), "m": [{"role": "user", "content": "hi"}, {"role": "x"}]}


# Sorts of differences that Krait has on purpose, or that print the address of an object.
def is_known(text, error, ours):
    if "has no slices" in ours.get("error", ""):  # jinja2 computes slices of constants in another way than others
        return True
    if error is None:
        return any(part in text or part[::-1] in text for part in ("<built-in", "<generator", "<bound", " at 0x", "dict_", "<function", "<Macro", "LoopContext", "<class"))
    return "SecurityError" in error or "Recursion" in error or "64 bits" in ours.get("error", "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--templates", type=int, default=10**9, help="no more than that many")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    program = subprocess.Popen([arguments.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + arguments.seconds
    n = failing = 0
    while time.monotonic() < end and n < arguments.templates:
        seed = arguments.seed * 10**9 + n
        maker = Maker(seed)
        source, variables = maker.body(2), maker.variables()
        program.stdin.write(json.dumps({"template": source, "variables": variables}) + "\n")
        program.stdin.flush()
        line = program.stdout.readline()
        n += 1
        if not line:
            sys.exit(f"the program ended with {program.wait()} at seed {seed}:\n{source!r}\n{variables}")
        ours = json.loads(line)
        text, error = render(source, json.loads(json.dumps(variables)))
        failing += error is not None
        if (error is None and ours.get("text") == text) or (error is not None and "error" in ours) or is_known(text, error, ours):
            continue
        sys.exit(f"seed {seed}, template {n}:\n{source!r}\n{variables}\njinja2: {text if error is None else error!r}\nKrait:  {ours}")
    print(f"{n} templates, {failing} of which fail in both, no difference")


if __name__ == "__main__":
    main()
