#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tokenizers/ beside this file: folders with small tokenizers of every kind that tokenizer.json and tokenizer.model can hold, and what
tokenizers and sentencepiece make of texts.

    python3 -m venv venv && venv/bin/pip install tokenizers sentencepiece==0.2.1 protobuf      # later ones round near ties of Unigram in another way
    venv/bin/python tests/models/data/huggingface/make_tokenizer_folders.py

A folder each, with texts.json (texts, and their ids with the special tokens that are put around them):
  llama_every_part, llama_text_start, llama_never   BPE of sentencepiece in tokenizer.json, with the three ways of putting blanks before text
  unigram          Unigram with a map of characters
  bert             WordPiece
  added            byte-level BPE with added tokens that take blanks beside them, or stand for whole words alone
  model_bpe, model_unigram   tokenizer.model
  model_not_legacy           tokenizer.model, and a configuration by which blanks go before the text alone
pre_tokenizers.json: pre-tokenizers of byte-level BPE as tokenizer.json has them, and GGUF's names of them.
"""

from __future__ import annotations

import base64
import json
import pathlib
import random
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[2] / "text"))
import tokenizer_judges as judges  # noqa: E402
from tokenizers import AddedToken, BertWordPieceTokenizer, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

OUT = HERE / "tokenizers"
TEXTS = ["", " ", "  ", "a", " a", "a ", "Hello world", "  two  blanks  ", "This is 🦙.cpp", "Café e\u0301", "it's THEY'LL 12345", "狐狸 の", "a" * 50,
         "<s>Hello</s> world <s> x", " <x> y", "\n\n \n", "The fox sat on the mat.", "[CLS] fox [SEP]", "ﬁne…  E½", "!! fox foxes state"]


def folder_of(name: str) -> pathlib.Path:
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_texts(folder: pathlib.Path, encode, is_fair=lambda text: True) -> None:
    pick = random.Random(folder.name)
    texts = TEXTS + [judges.random_text(pick) for _ in range(40)]
    lines = [{"text": t, "ids": encode(t)} for t in dict.fromkeys(texts) if len(t) < 120 and is_fair(t)]
    (folder / "texts.json").write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")


def write_config(folder: pathlib.Path, **config) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def save_json(judge: Tokenizer, name: str, is_fair=lambda text: True, **config) -> None:
    folder = folder_of(name)
    judge.save(str(folder / "tokenizer.json"), pretty=False)
    write_config(folder, **config)
    write_texts(folder, lambda text: judge.encode(text).ids, is_fair)


def special(*texts: str) -> list[AddedToken]:
    return [AddedToken(t, normalized=False, special=True) for t in texts]


def around(judge: Tokenizer, first: str, last: str):
    single = " ".join(t for t in (first, "$A", last) if t)
    return processors.TemplateProcessing(single=single, pair=single.replace("$A", "$A $B"), special_tokens=[(t, judge.token_to_id(t)) for t in (first, last) if t])


def bpe_of(spec: dict, mode: str) -> Tokenizer:
    judge = Tokenizer(models.BPE({t: i for i, t in enumerate(spec["tokens"])}, judges.merges_of(spec), byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    if mode == "text_start":
        judge.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        steps = [normalizers.Prepend("▁")] if mode == "every_part" else []
        judge.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    judge.add_special_tokens(special("<unk>", "<s>", "</s>"))
    judge.post_processor = around(judge, "<s>", "")
    return judge


def main() -> None:
    import sentencepiece

    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    bpe = judges.train_sentencepiece(model_type="bpe", byte_fallback=True, vocab_size=700)
    spec = judges.sentencepiece_kind("", bpe)["spec"]
    for mode in ("every_part", "text_start", "never"):
        judge = bpe_of(spec, mode)
        judge.add_tokens([AddedToken("<x>", normalized=mode == "never", rstrip=mode == "text_start", special=False)])
        save_json(judge, f"llama_{mode}", **names)

    folder = folder_of("model_not_legacy")
    (folder / "tokenizer.model").write_bytes(bpe)
    judge = bpe_of(spec, "text_start")
    judge.add_tokens([AddedToken("<x>", normalized=False, special=False)])
    write_config(folder, **names, legacy=False, add_bos_token=True, added_tokens_decoder={
        str(judge.token_to_id("<x>")): {"content": "<x>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": False}})
    write_texts(folder, lambda text: judge.encode(text).ids)

    # All white space: WhitespaceSplit cuts at it.
    rules = [("ﬁ", "fi"), ("½", "1/2"), ("e\u0301", "é"), ("…", "..."), ("E", "e"),
             *((c, " ") for c in map(chr, range(0x3001)) if c.isspace() and c != " " and not 0x1c <= ord(c) < 0x20)]
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for source, target in rules:
            file.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        file.flush()
        unigram = judges.train_sentencepiece(model_type="unigram", vocab_size=500, remove_extra_whitespaces=True, normalization_rule_tsv=file.name,
                                             normalization_rule_name="user_defined")
    for name, model, options in (("model_bpe", judges.train_sentencepiece(model_type="bpe", byte_fallback=True, vocab_size=700, user_defined_symbols=["<x>", "ab"]), {}),
                                 ("model_unigram", unigram, {"add_eos": True})):
        folder = folder_of(name)
        (folder / "tokenizer.model").write_bytes(model)
        write_config(folder, add_bos_token=not options, add_eos_token=bool(options))
        judge = sentencepiece.SentencePieceProcessor(model_proto=model)
        # For sentencepiece the texts of control tokens are text, and the test has them parsed.
        write_texts(folder, lambda text, judge=judge, options=options: judge.encode(text, add_bos=not options, **options),
                    lambda text: not any(t in text for t in ("<s>", "</s>", "<unk>")))

    spec = judges.sentencepiece_kind("", unigram)["spec"]
    judge = Tokenizer(models.Unigram(list(zip(spec["tokens"], spec["scores"])), unk_id=spec["unk"]))
    judge.normalizer = normalizers.Precompiled(bytes(spec["precompiled_charsmap"]))
    judge.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    judge.add_special_tokens(special("<unk>", "<s>", "</s>"))
    judge.post_processor = around(judge, "", "</s>")
    # The two judges choose in another way where two are equally good, and where a mark follows a character that is replaced.
    other = sentencepiece.SentencePieceProcessor(model_proto=unigram)
    save_json(judge, "unigram", lambda text: judge.encode(text, add_special_tokens=False).ids == other.encode(text), **names)

    judge = BertWordPieceTokenizer()
    judge.train_from_iterator(judges.SENTENCES * 2, vocab_size=400, show_progress=False)
    judge.post_processor = processors.BertProcessing(("[SEP]", judge.token_to_id("[SEP]")), ("[CLS]", judge.token_to_id("[CLS]")))
    judge = Tokenizer.from_str(judge.to_str())
    # The judge knows the characters of an old version of Unicode.
    save_json(judge, "bert", lambda text: text.isascii() or text in TEXTS, cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]",
              pad_token="[PAD]", mask_token="[MASK]")

    judge = Tokenizer(models.BPE())
    judge.normalizer = normalizers.NFC()
    judge.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    judge.train_from_iterator(judges.SENTENCES * 2, trainers.BpeTrainer(vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    judge.add_special_tokens(special("<s>"))
    flags = [{"lstrip": True}, {"rstrip": True}, {"single_word": True}, {"lstrip": True, "rstrip": True, "single_word": True}, {}]
    judge.add_tokens([AddedToken(t, special=False, normalized=i % 2 == 0, **options) for i, (t, options) in enumerate(zip(("<x>", "!!", "fox", "state", "e\u0301"), flags))])
    save_json(judge, "added", bos_token="<s>")

    entries = []
    renamed = {"olmo": "mpt", "refact": "starcoder"}
    for name, (regexes, ignore_merges, nfc) in judges.RULES.items():
        if name == "kimi-k2":  # has no tokenizer.json
            continue
        splits = [pre_tokenizers.Split(Regex(regex.replace('\\"', '"')), "isolated") for regex in regexes]
        judge = Tokenizer(models.BPE(ignore_merges=ignore_merges))
        judge.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        if nfc:
            judge.normalizer = normalizers.NFC()
        written = json.loads(judge.to_str())
        entries.append({"name": renamed.get(name, name), "ignore_merges": ignore_merges, "normalizer": written["normalizer"], "pre_tokenizer": written["pre_tokenizer"]})
    (OUT / "pre_tokenizers.json").write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")


if __name__ == "__main__":
    main()
