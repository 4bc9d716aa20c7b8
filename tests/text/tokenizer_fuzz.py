#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random texts through Krait's tokenizers and through those of others (tokenizer_judges.py); differences are shown and are the exit
code.

   python3 tests/text/tokenizer_fuzz.py build/release/bin/krait_tokenize_lines [--texts 20000] [--seed 1] [--kind llama --kind "gpt2 dbrx"]
   python3 tests/text/tokenizer_fuzz.py build/release/bin/krait_tokenize_lines --real build/vocabularies [--megabyte]

Needs PyPI's sentencepiece 0.2.1 (others round near ties of Unigram in another way) with protobuf, tokenizers, rwkv, llama-cpp-python with gguf; kinds whose judge is missing are left out.
--real needs sentencepiece, protobuf and tiktoken."""

import argparse
import functools
import pathlib
import random
import re
import sys
import time
import unicodedata

sys.dont_write_bytecode = True
import real_vocabularies  # noqa: E402
import tokenizer_judges as judges  # noqa: E402
from line_process import LineProcess  # noqa: E402


def real_models(paths):
    from sentencepiece import sentencepiece_model_pb2 as pb  # noqa: F401

    for path in paths:
        with open(path, "rb") as file:
            yield judges.sentencepiece_kind(path, file.read())


def create(krait, kind):
    made = krait.ask({"spec": kind["spec"]})
    if made:
        sys.exit(f"{kind['name']}: {made}")


def random_text(kind, pick):
    if "text_ids" in kind and pick.randrange(2):  # large vocabularies have merges that the sentences of the judges never come to
        return kind["decode"](pick.choices(kind["text_ids"], k=pick.randrange(12)))
    return judges.random_text(pick)


def differences(krait, kind, n_text, seed):
    create(krait, kind)
    n_different = 0
    for i in range(n_text):
        text = random_text(kind, random.Random(f"{seed}/{kind['name']}/{i}"))
        # Judges, PCRE2 and utf8proc have different versions of Unicode: characters that Python's does not know are left out.
        text = "".join(c for c in text if unicodedata.category(c) != "Cn")
        if kind["spec"]["model"] == "bert":  # its judge knows the characters as an old version of Unicode has them
            text = "".join(c for c in text if unicodedata.ucd_3_2_0.category(c) == unicodedata.category(c))
        if kind["name"] == "plamo2":  # Krait keeps a byte order mark in front, and the text of control tokens is text
            text = re.sub("</?s>|<unk>", "", text).lstrip("\ufeff")
        if kind.get("knows") and not kind["knows"](text):
            continue
        expected = kind["encode"](text)
        ours = krait.ask({"text": text, "parse_special": kind["parse_special"]})
        is_different = ours.get("ids") != expected
        if not is_different and kind["decode"]:
            ids = [i for i in expected if not kind.get("skips_unknown") or i != kind["spec"]["unk"]]
            expected = kind["decode"](ids)
            ours = krait.ask({"ids": ids})
            is_different = ours["text"] != expected
        if is_different:
            n_different += 1
            if n_different <= 3:
                print(f"{kind['name']}, text {i}: {text!r}\n  judge: {expected}\n  Krait: {ours}")
    print(f"{kind['name']}: {n_text} texts, {n_different} differences", flush=True)
    return n_different


def wrong_megabytes(krait, kind):
    """How many characters there are of which 1 MB takes a second or more (best of three, JSON to the program and back included), or is
    not what the judge says."""
    create(krait, kind)
    seconds, different = {}, []
    for character in ("a", " ", "\n", "😀", "狐", "\0"):
        text = character * (1_000_000 // len(character.encode()))
        for _ in range(3):
            begin = time.perf_counter()
            answer = krait.ask({"text": text, "parse_special": kind["parse_special"]})
            seconds[character] = min(seconds.get(character, 1e9), time.perf_counter() - begin)
        if character not in kind.get("judge_fails", "") and answer.get("ids") != kind["encode"](text):
            different.append(character)
    print(f"{kind['name']}, seconds for 1 MB: " + ", ".join(f"{c!r} {s:.2f}" for c, s in seconds.items()) + f"; differences: {different}", flush=True)
    return len(different) + sum(s >= 1 for s in seconds.values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--texts", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", help="the beginning of a kind's name; default: all")
    parser.add_argument("--rwkv", metavar="FOLDER", help="where rwkv_tokenizer.py lies, if rwkv is not installed")
    parser.add_argument("--model", action="append", default=[], metavar="FILE", help="instead of the small vocabularies: a sentencepiece model")
    parser.add_argument("--real", type=pathlib.Path, metavar="FOLDER", help="instead of the small vocabularies: those of Mistral and RWKV, fetched into FOLDER first")
    parser.add_argument("--megabyte", action="store_true", help="instead of the texts: 1 MB of one character, which shall take less than a second")
    arguments = parser.parse_args()
    krait = LineProcess(arguments.program)
    if arguments.real:
        real_vocabularies.fetch(arguments.real)
        kinds = real_vocabularies.kinds(arguments.real, arguments.kind)
    else:
        kinds = real_models(arguments.model) if arguments.model else judges.kinds(arguments.kind, arguments.rwkv)
    count = wrong_megabytes if arguments.megabyte else functools.partial(differences, n_text=arguments.texts, seed=arguments.seed)
    sys.exit(min(100, sum(count(krait, kind) for kind in kinds)))


if __name__ == "__main__":
    main()
