#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JSON values, good and bad, through Krait's grammars of more than 200 schemas, through jsonschema and through llguidance. A difference from
jsonschema that is not explained here is shown and is the exit code; one from llguidance is shown. With --measure, the times of token masks too.

   python3 tests/text/grammar_judges.py build/release/bin/krait_grammar_lines [--seed 1] [--measure]

Needs PyPI's jsonschema, and llguidance where that is to judge too."""

import argparse
import decimal
import json
import re
import sys

sys.dont_write_bytecode = True
import grammar_schemas  # noqa: E402
import jsonschema  # noqa: E402
from line_process import LineProcess  # noqa: E402

try:
    import llguidance
except ImportError:
    llguidance = None


class Llguidance:
    def __init__(self):
        self.tokens = llguidance.LLTokenizer("byte")

    def verdict(self, schema, text):
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
        matcher = llguidance.LLMatcher(self.tokens, grammar)
        if matcher.get_error():
            return None
        tokens = self.tokens.tokenize_bytes(text.encode())
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


# jsonschema divides multiples as floats, so that 17 is no multiple of 0.01, and of some formats it looks at little or nothing.
def multiple_of(_, divisor, value, __):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and decimal.Decimal(str(value)) % decimal.Decimal(str(divisor)) != 0:
        yield jsonschema.ValidationError(f"{value} is no multiple of {divisor}")


JUDGE = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"multipleOf": multiple_of})
FORMATS = jsonschema.FormatChecker()
HOST = re.compile(r"[^\W_]([\w-]{0,61}[^\W_])?(\.[^\W_]([\w-]{0,61}[^\W_])?)*", re.ASCII)
FORMATS.checks("hostname")(lambda value: not isinstance(value, str) or bool(HOST.fullmatch(value)) and "_" not in value)
FORMATS.checks("email")(lambda value: not isinstance(value, str) or value.count("@") == 1 and not re.search(r"[\s\"(),:;<>\[\\\]]|^\.|\.\.|\.@", value)
                        and bool(HOST.fullmatch(value.partition("@")[2])) and value[0] != "@")
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or bool(re.fullmatch(r"[A-Za-z][\w.+-]*:[!-~]*", value)) and value.count("#") < 2
                      and not re.search(r'[<>"{}|\\^`]', value))


# Why verdicts may differ from those of jsonschema, which sees the value and not the text.
def in_schema_order(schema, value, root):
    """Whether members come in the order of the schema, others behind them."""
    if "$ref" in schema:
        return in_schema_order(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return all(in_schema_order(inner, value, root) for inner in schema[several] if JUDGE({**inner, "$defs": root.get("$defs", {})}).is_valid(value))
    if isinstance(value, dict):
        known = list(schema.get("properties", {}))
        places = [known.index(name) if name in known else len(known) for name in value]
        return places == sorted(places) and all(
            in_schema_order(schema.get("properties", {}).get(name, schema.get("additionalProperties", {})) or {}, inner, root) for name, inner in value.items())
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        return all(in_schema_order(first[i] if i < len(first) else schema.get("items") or {}, inner, root) for i, inner in enumerate(value))
    return True


def has_whole_float(value):
    """1.0 is an integer for jsonschema; Krait writes integers without a point."""
    if isinstance(value, (dict, list)):
        return any(map(has_whole_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


def has_bounded_exponent(text):
    return "e-" in text or "e+" in text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    krait, other = LineProcess(arguments.program), Llguidance() if llguidance else None
    counts = {"schemas": 0, "texts": 0, "accepted": 0, "explained": 0, "llguidance differs": 0, "llguidance refuses the schema": 0}
    masks, firsts, compiles, wrong, strange = [], [], [], [], []
    for name, schema in grammar_schemas.all_schemas():
        counts["schemas"] += 1
        texts = grammar_schemas.texts_of(schema, f"{arguments.seed}/{name}")
        answer = krait.ask({"kind": "json_schema", "source": json.dumps(schema), "texts": [text for _, text in texts], "measure": arguments.measure})
        if "error" in answer:
            wrong.append(f"{name}: {answer['error']}")
            continue
        masks += answer.get("masks", [])
        firsts += [answer["first"]] if arguments.measure else []
        compiles.append(answer["compile"])
        judge = JUDGE(schema, format_checker=FORMATS)
        for (value, text), ours in zip(texts, answer["verdicts"]):
            counts["texts"] += 1
            counts["accepted"] += ours
            expected = judge.is_valid(value)
            if ours != expected:
                if expected and (has_whole_float(value) or has_bounded_exponent(text) or not in_schema_order(schema, value, schema)):
                    counts["explained"] += 1
                else:
                    wrong.append(f"{name}: Krait {ours}, jsonschema {expected}: {json.dumps(value, ensure_ascii=False)[:400]}")
            theirs = other.verdict(schema, text) if other else None
            if other and theirs is None:
                counts["llguidance refuses the schema"] += 1
            elif other and theirs != ours:
                counts["llguidance differs"] += 1
                strange.append(f"{name}: Krait {ours}, llguidance {theirs}, jsonschema {expected}: {json.dumps(value, ensure_ascii=False)[:250]}")
    print(", ".join(f"{key} {count}" for key, count in counts.items()))
    for line in strange[:20]:
        print("  " + line)
    if arguments.measure:
        for label, times in (("compile", compiles), ("first mask", firsts), ("mask", masks)):
            times.sort()
            at = [times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.9, 0.99)]
            print(f"{label:10} {len(times):6} times: mean {sum(times) / len(times):.1f} us, p50 {at[0]:.1f}, p90 {at[1]:.1f}, p99 {at[2]:.1f}, max {times[-1]:.0f}")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


sys.exit(main())
