#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tokenizer_goldens.json: small vocabularies of every kind, texts, and the ids and texts that the judges of tokenizer_judges.py give.

   python3 tests/text/data/make_tokenizer_goldens.py [--rwkv FOLDER]

Needs what tests/text/tokenizer_fuzz.py needs; a kind whose judge is missing keeps what the file has of it."""

import json
import pathlib
import random
import re
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import tokenizer_judges as judges  # noqa: E402

KINDS = ["llama", "t5", "bert", "rwkv", "plamo2"]
# Byte-level vocabularies are alike but for their rules: one of them, and the rules that tests/models does not have.
RULES = ["gpt2 gpt-2", "gpt2 qwen35", "gpt2 tekken", "gpt2 gpt-4o", "gpt2 kimi-k2", "gpt2 bailingmoe2", "gpt2 deepseek-v3", "gpt2 dbrx", "gpt2 qwen2",
         "gpt2 minicpm5", "gpt2 viking"]
HAND_WRITTEN = ["", " ", "  ", "a", " a", "a ", "Hello world", "  two  blanks  ", "This is 🦙.cpp", "नमस्ते दुनिया", "Café e\u0301", "it's THEY'LL 12345", "狐狸 の",
                "a" * 50, "<s>Hello</s> world <s> x", "\n\n \n", "HTTPServer\r\n\r\n  x", "<x><xx>xx> fox foxes a fox.", "1234567 ½²"]


def texts_of(kind):
    pick = random.Random(kind["name"])
    n_text = 20 if kind["name"].startswith("gpt2") else 40
    texts = HAND_WRITTEN + [judges.random_text(pick) for _ in range(n_text)]
    if kind["spec"]["model"] == "plamo2":
        texts = [re.sub("</?s>|<unk>", "", t).lstrip("\ufeff") for t in texts]
    if kind["spec"]["model"] == "bert":
        texts = [t for t in texts if t.isascii() or t in HAND_WRITTEN]
    return [t for t in dict.fromkeys(texts) if len(t) < 120]


def golden(kind):
    cases = []
    for text in texts_of(kind):
        ids = kind["encode"](text)
        case = [text, ids]
        if kind["decode"] and not kind.get("skips_unknown"):
            decoded = kind["decode"](ids)
            case.append(decoded) if decoded != text else None
        cases.append(case)
    return {"spec": kind["spec"], "parse_special": kind["parse_special"], "decodes": bool(kind["decode"]) and not kind.get("skips_unknown"), "cases": cases}


def main():
    path = HERE / "tokenizer_goldens.json"
    goldens = json.loads(path.read_text()) if path.exists() else {}
    folder = sys.argv[2] if sys.argv[1:2] == ["--rwkv"] else None
    for kind in judges.kinds(KINDS + RULES, folder):
        if kind.get("is_real") or (kind["name"].startswith("gpt2") and kind["name"] not in RULES):
            continue
        goldens[kind["name"]] = golden(kind)
    # Vocabularies that are alike are written once.
    for name, entry in goldens.items():
        for other in goldens:
            if other == name:
                break
            same = {k: goldens[other]["spec"].get(k) for k in ("tokens", "scores", "merges")}
            if "like" not in goldens[other] and "like" not in entry and same == {k: entry["spec"].get(k) for k in same}:
                entry["like"] = other
                for key in same:
                    entry["spec"].pop(key, None)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False, separators=(',', ':'))}" for name, entry in sorted(goldens.items()))
    for break_of_line in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        lines = lines.replace(break_of_line, json.dumps(break_of_line)[1:-1])
    path.write_text("{\n" + lines + "\n}\n")
    print(f"{len(goldens)} kinds, {sum(len(e['cases']) for e in goldens.values())} texts, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
