#!/usr/bin/env python3
"""Makes tokenizer.txt and heldout.tokens.npy: what PyPI's `tokenizers` makes of texts, with the tokenizer of the demo model.

tokenizer.txt has a line a text: its UTF-8 bytes in hexadecimal, a space, and the token ids, separated by commas (nothing for the
empty text, whose bytes are "-"). `<|endoftext|>` inside a text is the control token here, so none of the texts holds it.
heldout.tokens.npy is int32 [2048]: the first tokens of models/demo/heldout.txt.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

HERE = Path(__file__).parent
DEMO = HERE.parent.parent / "models" / "demo"
TEXTS = [
    "",
    "a",
    " ",
    "   ",
    "\n",
    "\n\n\n",
    " \n ",
    "  leading and trailing  ",
    "tab\tand\r\nline ends\r",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.",
    "I'll, you're, they've, I'm, he'd, it's, can't; I'LL, YOU'RE: 'tis 'twas 's 'll'",
    "1 22 333 4444 55555 3.14159 1,000,000 x2 2x",
    "!!! ??? ... --- (a) [b] {c} \"quoted\" <|end|> ###",
    "word  two   spaces    four\n\n  indented",
    "CamelCase snake_case kebab-case path/to/file.txt https://example.org/?q=1&r=2",
    "na\u00efve caf\u00e9 \u00c6sop \u0153uvre stra\u00dfe",
    "e\u0301 combining, \u200b zero width, \u00a0 no-break, \u3000 ideographic space, \u2028 line separator",
    "\u0420\u0443\u0441\u0441\u043a\u0438\u0439, \u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac, \u05e2\u05d1\u05e8\u05d9\u05ea, \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\u4e2d\u6587 \u65e5\u672c\u8a9e \ud55c\uad6d\uc5b4",
    "\u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940",
    "\u0661\u0662\u0663 \u0967\u0968\u0969 \u00bd \u2163 \u00b2 \u2460",
    "\U0001f600 \U0001f469\u200d\U0001f4bb \U0001f1eb\U0001f1ee \u2764\ufe0f",
    "\u2018quotes\u2019 \u201cdouble\u201d \u2014 dash \u2026",
    "\x00\x01\x7f\u0080",
    "a" * 100,
    "ha" * 40 + " " * 33 + "!" * 17,
]


def demo_tokenizer() -> Tokenizer:
    """The tokenizer in models/demo/krait-demo.gguf."""
    fields = gguf.GGUFReader(DEMO / "krait-demo.gguf").fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    tokenizer = demo_tokenizer()
    lines = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        assert tokenizer.decode(ids) == text
        lines.append(f"{text.encode().hex() or '-'} {','.join(map(str, ids))}".rstrip())
    (HERE / "tokenizer.txt").write_text("\n".join(lines) + "\n")
    held = tokenizer.encode((DEMO / "heldout.txt").read_text("utf-8")).ids
    np.save(HERE / "heldout.tokens.npy", np.array(held[:2048], np.int32))
    return 0


if __name__ == "__main__":
    sys.exit(main())
