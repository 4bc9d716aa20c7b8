#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes pre_tokenizer_golden.json: a small tokenizer, and what Hugging Face's `tokenizers` makes of some 250 texts with it.

    python3 tests/text/data/make_pre_tokenizer_golden.py          # needs PyPI's tokenizers; writes beside this script

The tokenizer is a byte-level BPE like GPT-NeoX's, trained on the sentences below: one control token in front, another and
user-defined tokens behind. The same vocabulary goes through each pre-tokenizer that Krait knows, built here from its published
definition (the `pre_tokenizer` of tokenizer.json of gpt2, EleutherAI/gpt-neox-20b, bigcode/starcoder, tiiuae/falcon-7b, meta-llama/Meta-Llama-3-8B),
so every text has several expected results. Control tokens in a text are parsed, as `tokenizers` always does.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

SENTENCES = """
The quick brown fox jumps over the lazy dog, and the dog doesn't mind: it's been there before.
A state space model reads one token at a time and keeps what it has read in a state of constant size.
There's nothing that they're not able to do when they've slept; I'm sure we'll see, he'd said, wouldn't you?
In the beginning there was the word, and the words were counted: 1, 2, 3, 10, 100, 1000, 2024, 12345 and 3.14159.
Der schnelle braune Fuchs springt über den faulen Hund, während die Straße größer wird.
Voilà, l'été dernier nous étions déjà à la plage, où le garçon mangeait une crème brûlée.
Быстрая коричневая лиса прыгает через ленивую собаку, и это было хорошо.
Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί.
素早い茶色の狐がのろまな犬を飛び越える。 敏捷的棕色狐狸跳过了懒狗。
def scan(state, a, b):
    for i in range(len(a)):
        state = a[i] * state + b[i]
    return state  # one step at a time
Of 1234567 and 2345 and 123123: 100 + 200 = 300, 12 - 3 = 9, $1,234.56; però, così, x² + y³ = z¹, ½ + ¼ = ¾, 345², (12)(34)...
"Well... it's THE CAT'S, isn't it?!" -- "No; they'LL say: 'it's a, b, c's'..."   Then:   x==y, a->b, f(x)=[1,2,3];
The cat sat on the mat. The rat sat on the hat. That is that, and this is this, and the other is the other.
""" * 3

USER_DEFINED = [" " * n for n in range(2, 9)] + ["->", "->>", "\t\t"]
CONTROL = ["<|endoftext|>", "<|turn|>"]

HAND_WRITTEN = [
    "", " ", "  ", "   ", "         ", "a", "A", "\n", "\n\n", "\r\n", "\t", "\t\t\t", " \n ", "\n \n", "a\n", "\na",
    "a ", " a", "a  b", "a   b", "  a  ", "   a   ", "a\u00a0b", "a \u00a0 b", "\u3000全角\u3000", "a\u2028b\u2029c",
    "a\u0085b", "x\u180ey \u180e", "\u200b zero \u200bwidth\u200b", "\ufeffbom", "\x00", "a\x00b", "\x01\x02\x03",
    "\x1b[31mred\x1b[0m", "\x7f", "\x1c\x1d\x1e\x1f ", "Hello, world!", "The quick brown fox", "the the the", "there's",
    "There's", "THERE'S", "they're we've I'm you'll he'd don't can't", "THEY'RE WE'VE I'M YOU'LL HE'D DON'T", "'s",
    "'S", "''s", "'", "''", "'''", "' s", "it's's", "x'tx", "'rex", "'veve", "o'clock", "d'être", "'\u017f '\u017ft",
    "a'\u017f", "rock'n'roll", "\u2019s it\u2019s", "'ll'll", "'d'd'd", "'m 'm", "1", "12", "123", "1234", "12345",
    "123456", "1234567", " 1", " 12 123", "3.14159", "1,000,000", "1e-10", "0x7F", "a1b2c3", "1a 2b", "2nd",
    "\u00bd\u00bc\u00be", "x\u00b2+y\u00b3=z\u00b9", "\u0663\u0664\u0665\u0666", "\u2160\u2161\u2162", "\u2460\u2461",
    "\uff11\uff12\uff13\uff14", "10\u00b2", "\u00b2345", "!", "!!", "!?", "...", "…", "hello...", "(a)", "[b]{c}",
    "a+b=c", "a-b", "a - b", "a--b", "->", "->>", "->>>", "-->", "a->b", "a ->> b", "- >", "$5+$3", "100%",
    "#tag @name", "a_b_c", "a/b\\c", "`code`", "~tilde~", "^caret^", "|pipe|", "<html>", "&amp;", "\"quoted\"",
    "«guillemets»", "price: $1,234.56!", "e-mail@example.org", "https://example.org/a?b=c&d=e#f", "C++20", "f(x)=x^2",
    "a<b>c", "1+1=2", "x=y==z", "<|endoftext|>", "a<|endoftext|>b", "<|endoftext|><|endoftext|>",
    "<|turn|>user\nhi<|turn|>", " <|endoftext|> ", "  <|turn|>  ", "<|endoftext|", "<|endoftex|>", "<<|turn|>>",
    "x<|turn|>\t\t<|endoftext|>", "über Straße größer", "ÜBER", "été déjà", "E\u0301te\u0301",
    "n\u0303 o\u0308 u\u0308\u0304", "\u0301alone", "a\u0301\u0302\u0303b", "ﬁ ﬂ ﬃ", "ß ẞ", "İstanbul ıI",
    "Быстрая лиса", "съешь ещё", "αλεπού", "Η γρήγορη", "שלום עולם",
    "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก",
    "안녕하세요 세계", "素早い茶色の狐", "敏捷的棕色狐狸", "こんにちは、世界。",
    "「引用」", "中文，标点。", "漢字kanjiかな", "ქართული", "հայերեն",
    "አማርኛ", "தமிழ்", "ᏣᎳᎩ", "ⴰⵎⴰⵣⵉⵖ", "𝕳𝖊𝖑𝖑𝖔", "𐍈𐌰𐌿",
    "𠜎𠜱𠝹", "😀", "😀😀", "a😀b", " 😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈",
    "🇫🇷🇩🇪", "❤️", "☃", "→ ⇒ ∀x∈ℝ", "½ cup", "№ 5", "™®©", "€100 £5 ¥9", "°C",
    "🧑‍💻 codes", "a" * 50, "ab" * 40, "the" * 30, " " * 40, "\n" * 20, "!" * 33, "7" * 31,
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "über" * 12, "狐" * 15,
    "😀" * 9, "aA" * 20, " a" * 20, "' " * 12, "1 " * 15,
    "def scan(state, a, b):\n    for i in range(len(a)):\n        state = a[i] * state + b[i]\n    return state",
    "if x:\n\tif y:\n\t\tz()\n", "a,b;c:d.e!f?g", "line one\r\nline two\r\n\r\nline four", "trailing spaces   \nnext",
    "tab\tseparated\tvalues", "   \n   \n   ", " krait krait unreachable krait", "krait",
    "The krait is a snake. krait!", "\n\n\nthree", "end\n\n", "word\n \nword", "CamelCaseWords andSoOn",
    "SHOUTING WORDS", "miXed CaSe", "\U0001f468\u200d\U0001f4bb wrote 123 lines of 'code' - didn't he?",
    "\ud7ff\ue000\uf8ff", "\ufffd", "\uffff\ufffe", "\U0010ffff",
    # Not in NFC: marks to be composed, reordered or left alone, Hangul, characters that are always replaced.
    "cafe\u0301", "Voila\u0300, l'e\u0301te\u0301 de\u0301ja\u0300", "gro\u0308\u00dfer", "Tie\u0302\u0301ng Vie\u0323\u0302t",
    "s\u0323\u0307 s\u0307\u0323", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u212b \u2126 \u1f71", "\uf900\uf901",
    "\u0958\u095f", "\u2adc", "\U0001d15e", "e<|endoftext|>\u0301", "<|turn|>e\u0301<|turn|>", "->\u0338 -\u003e", "  \u0301  ",
    "e" + "\u0301" * 40, "\u0301\u0301e", "\u3046\u3099 \u30cf\u309a",
]

ALPHABET = list("aeiounstrTHE 0123'.,!-\n\t$éò³ж狐😀\u0301\u00a0¼")
ALPHABET += ["  ", "    ", "'s", "'ll", "the", " the", "->", "<|turn|>", "12", "\r\n"]


def pipelines() -> dict[str, object]:
    """Each rule, as its model's tokenizer.json states it."""
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    llama3 = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    return {
        "gpt-2": gpt2,
        "gpt-neox": gpt2,
        "starcoder": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2]),
        "falcon": pre_tokenizers.Sequence([
            pre_tokenizers.Punctuation("contiguous"), gpt2, pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated"),
        ]),
        "llama3": pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(llama3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]),
    }


def differences(by_rule: dict[str, list[int]]) -> dict[str, list[int]]:
    """A rule that says what gpt-2 says is left out."""
    return {rule: numbers for rule, numbers in by_rule.items() if rule == "gpt-2" or numbers != by_rule["gpt-2"]}


def train() -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    # No regex here: merges across words, numbers and signs make every boundary that a rule draws visible in the ids.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=720, special_tokens=CONTROL[:1], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES.splitlines(keepends=True), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"]
    vocabulary["Ġkrait"] = len(vocabulary)  # a token that no merge makes: only a rule that tries whole pieces finds it
    return vocabulary, [tuple(merge) for merge in model["merges"]]


def build(vocabulary: dict[str, int], merges: list[tuple[str, str]], rule: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=rule == "llama3"))
    tokenizer.pre_tokenizer = pipelines()[rule]
    if rule == "gpt-neox":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in CONTROL])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=True) for text in USER_DEFINED])
    return tokenizer


def main() -> None:
    vocabulary, merges = train()
    tokenizers = {rule: build(vocabulary, merges, rule) for rule in pipelines()}

    size = tokenizers["gpt-2"].get_vocab_size()
    texts_of_ids = [tokenizers["gpt-2"].id_to_token(i) for i in range(size)]
    types = [3 if text in CONTROL else 4 if text in USER_DEFINED else 1 for text in texts_of_ids]
    spec = {
        "tokens": texts_of_ids, "token_types": types, "merges": [" ".join(merge) for merge in merges],
        "bos": vocabulary[CONTROL[0]], "eos": vocabulary[CONTROL[0]],
    }

    rng = random.Random(20240131)
    texts = HAND_WRITTEN + ["".join(rng.choices(ALPHABET, k=rng.randint(1, 24))) for _ in range(60)]
    texts = [t for t in dict.fromkeys(texts) if not any(0xD800 <= ord(c) < 0xE000 for c in t)]
    cases = []
    for text in texts:
        ids = {rule: tokenizer.encode(text, add_special_tokens=False).ids for rule, tokenizer in tokenizers.items()}
        # In the byte alphabet a character is a byte, so these are lengths in bytes.
        pieces = {rule: [len(piece) for piece, _ in t.pre_tokenizer.pre_tokenize_str(text)] for rule, t in tokenizers.items()}
        cases.append({"text": text, "ids": differences(ids), "pieces": differences(pieces)})
        if ids["gpt-neox"] != ids["gpt-2"]:
            cases[-1]["composed"] = tokenizers["gpt-neox"].decode(ids["gpt-neox"], skip_special_tokens=False)

    def compact(value: object) -> str:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))

    path = Path(__file__).with_name("pre_tokenizer_golden.json")
    lines = ",\n".join(compact(case) for case in cases)
    rules = compact(list(tokenizers))
    path.write_text(f'{{"spec":{compact(spec)},\n"rules":{rules},\n"cases":[\n{lines}\n]}}\n', encoding="ascii")
    print(f"{path.name}: {size} tokens, {len(merges)} merges, {len(cases)} texts, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
