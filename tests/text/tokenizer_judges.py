# SPDX-License-Identifier: Apache-2.0
"""Small vocabularies of every kind of tokenizer, each with a judge that is not Krait: PyPI's sentencepiece 0.2.1, tokenizers, rwkv and
llama-cpp-python. For make_tokenizer_goldens.py and tokenizer_fuzz.py.

A kind is {"name", "spec": the fields of TokenizerSpec, "encode": text -> ids, "decode": ids -> text or None, "parse_special"}, and where
the judge's Unicode is old "knows": text -> whether its NFC is that of Python."""

import importlib.util
import io
import json
import pathlib
import random
import re
import sys
import tempfile
import unicodedata

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
नमस्ते दुनिया, यह एक छोटा वाक्य है। 안녕하세요 세계, 오늘은 날씨가 좋습니다.
def scan(state, a, b):
    for i in range(len(a)):
        state = a[i] * state + b[i]
    return state  # one step at a time
Of 1234567 and 2345 and 123123: 100 + 200 = 300, 12 - 3 = 9, $1,234.56; x==y, a->b, f(x)=[1,2,3];
The cat sat on the mat. The rat sat on the hat. That is that, and this is this, and the other is the other.
HTTPServer camelCase snake_case THE CAT'S AND they'LL SAY: aaaaaa bbbb, "Well..." -- ¿qué? ½ + ¼ = ¾
""".strip().split("\n")

PIECES = ["a", "e", "t", "T", " ", "  ", "   ", " the", "ing", "'s", "'S", "'ll", "\n", "\n\n", "\r\n", "\t", "12", "7", "123456", ".", ",", "->", "!!", "é",
          "e\u0301", "ò", "ж", "Лиса", "狐", "狐狸", "の", "カ", "😀", "👩\u200d💻", "\u0301", "\u00a0", "\u3000", "\u2003", "THE", "Fox", "$", "/", "\\", "(", "…", "。",
          "नमस्ते", "안녕", "\u1112\u1161\u11ab", "ﬁ", "½", "²", "Ⅷ", "İ", "ß", "ſ", "ǅ", "\u2581", "ab", "aaaa", "aaaaaaaaa", "<s>", "</s>", "<unk>",
          "<|turn|>", "<x>", "<xx>", "xx>", "[CLS]", "user", "the quick brown", "state", "fox", "dog", "\x00", "\x07", "\u200b", "\ufeff", "\ufffd", "\u0085",
          "\u180e", "\U0001d573", "\U0001f468\U0001f3fd", "ⓐ", "ـ", "١٢", "مرحبا", "שלום", "_", "-", "'", "`", "~", "“", "”", "a1b2", "%", "&", "@", "#", "=", "+", "<", ">", "|"]


def random_text(pick):
    kind = pick.randrange(8)
    if kind == 0:
        return pick.choice(SENTENCES)
    if kind == 1:
        sentence = pick.choice(SENTENCES)
        begin = pick.randrange(len(sentence))
        return sentence[begin:begin + pick.randrange(40)]
    if kind == 2:  # any character
        text = "".join(chr(pick.choice([pick.randrange(0x80), pick.randrange(0x250), pick.randrange(0x3000), pick.randrange(0x10000)]))
                       for _ in range(pick.randrange(12)))
        return "".join(c for c in text if not 0xD800 <= ord(c) < 0xE000)
    if kind == 3:
        return pick.choice(PIECES) * pick.randrange(1, 30)
    return "".join(pick.choice(PIECES) for _ in range(pick.randrange(25)))


# ---- sentencepiece -------------------------------------------------------------------------------------------------------

def train_sentencepiece(**options):
    import sentencepiece

    model = io.BytesIO()
    defaults = dict(vocab_size=600, hard_vocab_limit=False, normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.99,
                    minloglevel=2, num_threads=1, max_sentencepiece_length=12)
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(SENTENCES * 2), model_writer=model, **{**defaults, **options})
    return model.getvalue()


def sentencepiece_kind(name, model, unused=0, space_prefix=None, **changes):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb

    proto = pb.ModelProto.FromString(model)
    pick = random.Random(5)
    normal = [p for p in proto.pieces if p.type == 1 and len(p.piece) > 1]
    for piece in pick.sample(normal, unused):
        piece.type = 5
    for key, value in changes.items():
        setattr(proto.normalizer_spec if hasattr(proto.normalizer_spec, key) else proto.trainer_spec, key, value)
    judge = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    spec = {"model": "llama" if proto.trainer_spec.model_type == 2 else "t5", "tokens": [p.piece for p in proto.pieces],
            "scores": [float(f"{p.score:.9g}") for p in proto.pieces], "token_types": [p.type for p in proto.pieces], "unk": proto.trainer_spec.unk_id, "bos": 1, "eos": 2,
            "space_prefix": "every_part" if proto.normalizer_spec.add_dummy_prefix else "never",
            "remove_extra_whitespaces": proto.normalizer_spec.remove_extra_whitespaces,
            "treat_whitespace_as_suffix": proto.trainer_spec.treat_whitespace_as_suffix}
    if proto.normalizer_spec.precompiled_charsmap:
        spec["precompiled_charsmap"] = list(proto.normalizer_spec.precompiled_charsmap)
    decode = None if proto.trainer_spec.treat_whitespace_as_suffix else judge.decode
    return {"name": name, "spec": spec, "encode": judge.encode, "decode": decode, "parse_special": False}


def sentencepiece_kinds():
    bpe = train_sentencepiece(model_type="bpe", byte_fallback=True, vocab_size=600, user_defined_symbols=["<x>", "<xx>", "ab", "aaa"])
    yield sentencepiece_kind("llama", bpe)
    yield sentencepiece_kind("llama unused", bpe, unused=150)
    yield sentencepiece_kind("llama no prefix", bpe, add_dummy_prefix=False)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        for source, target in [("ﬁ", "fi"), ("\u00a0", " "), ("\u3000", " "), ("½", "1/2"), ("e\u0301", "é"), ("\u200b", ""), ("…", "..."), ("E", "e"), ("ab", "b")]:
            rules.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        rules.flush()
        rules = {"normalization_rule_tsv": rules.name, "normalization_rule_name": "user_defined"}
        yield sentencepiece_kind("llama rules", train_sentencepiece(model_type="bpe", remove_extra_whitespaces=True, **rules))
        yield sentencepiece_kind("t5 rules", train_sentencepiece(model_type="unigram", remove_extra_whitespaces=True, **rules))
    yield sentencepiece_kind("llama bare", train_sentencepiece(model_type="bpe", vocab_size=300))
    unigram = train_sentencepiece(model_type="unigram", byte_fallback=True, vocab_size=600, user_defined_symbols=["<x>", "<xx>", "ab", "aaa"])
    yield sentencepiece_kind("t5", unigram)
    yield sentencepiece_kind("t5 unused", unigram, unused=100)
    yield sentencepiece_kind("t5 suffix", train_sentencepiece(model_type="unigram", treat_whitespace_as_suffix=True))
    yield sentencepiece_kind("t5 bare", train_sentencepiece(model_type="unigram", vocab_size=250, add_dummy_prefix=False))
    yield from prefix_kinds(train_sentencepiece(model_type="bpe", byte_fallback=True, vocab_size=600))


def merges_of(spec):
    """Pairs of pieces that make a piece, the best first, as transformers derives them from a sentencepiece model."""
    ids = {t: i for i, t in enumerate(spec["tokens"]) if spec["token_types"][i] == 1}
    merges = []
    for text, i in ids.items():
        local = [(text[:cut], text[cut:]) for cut in range(1, len(text)) if text[:cut] in ids and text[cut:] in ids]
        local.sort(key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        merges += [(pair, spec["scores"][i]) for pair in local]
    merges.sort(key=lambda entry: entry[1], reverse=True)
    return [pair for pair, _ in merges]


def prefix_kinds(model):
    """The three ways of Hugging Face to put a blank before text, with control tokens in it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    base = sentencepiece_kind("", model)["spec"]
    for mode in ("every_part", "text_start", "never"):
        judge = Tokenizer(models.BPE({t: i for i, t in enumerate(base["tokens"])}, merges_of(base), byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
        if mode == "text_start":
            judge.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        else:
            steps = [normalizers.Prepend("▁")] if mode == "every_part" else []
            judge.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
        strip = [] if mode == "never" else [decoders.Strip(" ", 1, 0)]
        judge.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
        judge.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ("<unk>", "<s>", "</s>")])
        yield {"name": f"llama {mode} with control tokens", "spec": {**base, "space_prefix": mode}, "parse_special": True, "decode": judge.decode, "skips_unknown": True,
               "encode": lambda text, judge=judge: judge.encode(text, add_special_tokens=False).ids}


# ---- byte-level BPE ---------------------------------------------------------------------------------------------------------

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def llama3(numbers, letters=r"\p{L}", signs=r"[^\s\p{L}\p{N}]"):
    return (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?" + letters + "+|" + numbers + "| ?" + signs + r"+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def cased(numbers, contraction="", not_han="", behind=r"[\r\n/]*"):
    upper, lower = rf"[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}{not_han}]", rf"[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}{not_han}]"
    return (rf"[^\r\n\p{{L}}\p{{N}}]?{upper}*{lower}+{contraction}|[^\r\n\p{{L}}\p{{N}}]?{upper}+{lower}*{contraction}|{numbers}"
            rf"| ?[^\s\p{{L}}\p{{N}}]+{behind}|\s*[\r\n]+|\s+(?!\S)|\s+")


CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
# One name of each rule: regexes, merges ignored for whole pieces, NFC.
RULES = {
    "gpt-2": ([GPT2], False, False),
    "olmo": ([GPT2], False, True),
    "refact": ([r"\p{N}", GPT2], False, False),
    "llama-bpe": ([llama3(r"\p{N}{1,3}")], True, False),
    "dbrx": ([llama3(r"\p{N}{1,3}")], False, False),
    "qwen2": ([llama3(r"\p{N}")], False, True),
    "stablelm2": ([llama3(r"\p{N}")], False, False),
    "qwen35": ([llama3(r"\p{N}", r"[\p{L}\p{M}]", r"[^\s\p{L}\p{M}\p{N}]")], False, True),
    "tekken": ([cased(r"\p{N}")], True, False),
    "gpt-4o": ([cased(r"\p{N}{1,3}", CONTRACTION)], False, False),
    "kimi-k2": ([r"\p{Han}+|" + cased(r"\p{N}{1,3}", CONTRACTION, r"&&[^\p{Han}]", r"[\r\n]*")], False, False),
    "bailingmoe2": ([r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"""], False, False),
    "seed-coder": ([llama3(r"\p{N}", signs=r"[^\s\p{L}\p{N}\r\n]")], False, False),
    "deepseek-v3": ([r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
                     r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
                    False, False),
    "minicpm5": ([r"\p{N}{1,3}", llama3(r"\p{N}+")], True, False),
    "bloom": ([r" ?[^(\s|.,!?…。，、।۔،)]+"], False, False),
    "viking": ([r" ?[^(\s|.,!?…。，、।۔،)]+", r"\p{N}"], False, False),
}


def byte_level_kinds():
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    for name, (regexes, ignore_merges, nfc) in RULES.items():
        judge = Tokenizer(models.BPE(ignore_merges=ignore_merges))
        splits = [pre_tokenizers.Split(Regex(regex), "isolated") for regex in regexes]
        judge.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        judge.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
        judge.train_from_iterator(SENTENCES * 2, trainer)
        if nfc:
            judge.normalizer = normalizers.NFC()
        judge.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ("<s>", "<|turn|>")])
        flags = [{"lstrip": True}, {"rstrip": True}, {"single_word": True}, {"lstrip": True, "rstrip": True, "single_word": True}]
        added = [("<x>", {}), ("xx>", {}), *zip(("<xx>", "!!", "fox", "state"), flags)] if name in ("gpt-2", "olmo") else []
        judge.add_tokens([AddedToken(t, special=False, normalized=i % 2 == 0, **options) for i, (t, options) in enumerate(added)])
        model = json.loads(judge.to_str())["model"]
        tokens = [t for t, _ in sorted(judge.get_vocab(with_added_tokens=True).items(), key=lambda item: item[1])]
        types = [1] * len(tokens)
        rules = []
        for i, text in enumerate(tokens):
            if text in ("<s>", "<|turn|>"):
                types[i] = 3
        for i, (text, options) in enumerate(added):
            at = judge.token_to_id(text)
            types[at] = 4
            rules.append({"id": at, "normalized": i % 2 == 0, **options})
        merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
        yield {"name": f"gpt2 {name}", "parse_special": True, "decode": None if nfc or added else lambda ids, j=judge: j.decode(ids, skip_special_tokens=True),
               "spec": {"model": "gpt2", "pre": name, "tokens": tokens, "token_types": types, "merges": merges, "rules": rules},
               "knows": (lambda text, j=judge: j.normalizer.normalize_str(text) == unicodedata.normalize("NFC", text)) if nfc else None,
               "encode": lambda text, j=judge: j.encode(text, add_special_tokens=False).ids}


# ---- WordPiece, rwkv, plamo2 --------------------------------------------------------------------------------------------------

def word_piece_kinds():
    from tokenizers import BertWordPieceTokenizer

    for name, lower in (("bert", True), ("bert cased", False)):
        judge = BertWordPieceTokenizer(lowercase=lower, strip_accents=lower)
        judge.train_from_iterator(SENTENCES * 2, vocab_size=500, show_progress=False)
        texts = [t for t, _ in sorted(judge.get_vocab().items(), key=lambda item: item[1])]
        special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        # As GGUF files have them: a mark where a word begins, none where it goes on.
        tokens = [t if t in special else t[2:] if t.startswith("##") else "▁" + t for t in texts]
        spec = {"model": "bert", "tokens": tokens, "token_types": [3 if t in special else 1 for t in texts], "lowercase": lower, "strip_accents": lower,
                "unk": judge.token_to_id("[UNK]"), "bos": judge.token_to_id("[CLS]"), "sep": judge.token_to_id("[SEP]"), "add_bos": True, "add_sep": True}
        yield {"name": name, "spec": spec, "decode": None, "parse_special": True,
               "encode": lambda text, j=judge, b=spec["bos"], e=spec["sep"]: [b, *j.encode(text, add_special_tokens=False).ids, e]}


def rwkv_kinds(folder=None):
    """`folder`: where rwkv_tokenizer.py of the wheel lies, if rwkv is not installed."""
    if folder:
        path = pathlib.Path(folder) / "rwkv_tokenizer.py"
    else:
        found = importlib.util.find_spec("rwkv")
        if found is None:
            return
        path = pathlib.Path(found.origin).parent / "rwkv_tokenizer.py"
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("rwkv_tokenizer", path))
    module.__spec__.loader.exec_module(module)
    words = {w.encode() for s in SENTENCES for w in re.findall(r"\s?\w+|\s+|[^\w\s]+", s)}
    words |= {w[:n] for w in words for n in (2, 3, 4)} | {b"\\", b"'\"", b"\r\n", b"\\n", b"\x00\x00"}
    tokens = [bytes([b]) for b in range(256)] + sorted(w for w in words if len(w) > 1)

    def entry(token):
        try:
            return repr(token.decode())
        except UnicodeDecodeError:
            return repr(token)

    def kind(name, lines):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write("".join(lines))
            file.flush()
            judge = module.TRIE_TOKENIZER(file.name)
        texts = ["<s>"] * (max(judge.idx2token) + 1)
        types = [3] * len(texts)
        for i, token in judge.idx2token.items():  # as converters write them
            texts[i] = "".join(chr(b) if 32 <= b < 127 and b not in (92, 39) else f"\\x{b:02x}" for b in token)
            types[i] = 1
        for i, text in enumerate(texts):
            if types[i] == 3:
                texts[i] = f"<s{i}>" if i else "<s>"
        return {"name": name, "spec": {"model": "rwkv", "tokens": texts, "token_types": types}, "encode": judge.encode, "parse_special": False,
                "decode": lambda ids: judge.decodeBytes(ids).decode("utf-8", "replace")}

    yield kind("rwkv", [f"{i + 1} {entry(t)} {len(t)}\n" for i, t in enumerate(tokens)])
    world = path.parent / "rwkv_vocab_v20230424.txt"
    if world.exists():
        yield {**kind("rwkv world", open(world, encoding="utf-8").readlines()), "is_real": True}


def plamo2_kinds():
    """llama-cpp-python reads the vocabulary from a GGUF file."""
    import gguf
    import llama_cpp

    words = sorted({w for s in SENTENCES for w in re.findall(r"\s?\w+|[^\w\s]", s)})
    words = sorted({w[:n] for w in words for n in range(1, 7)} | set("abcdefghijklmnopqrstuvwxyz ") | {"aaa", "the quick brown"})
    pick = random.Random(3)
    tokens = ["<unk>", "<s>", "</s>", "<pad>"] + [f"<0x{b:02X}>" for b in range(256)] + words
    types = [2, 3, 3, 3] + [6] * 256 + [1] * len(words)
    scores = [0.0] * 260 + [-pick.choice([len(w) and 9 / len(w), 3.0, round(pick.random() * 12, 3)]) for w in words]
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        writer = gguf.GGUFWriter(file.name, "llama")
        writer.add_tokenizer_model("plamo2")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_types(types)
        writer.add_token_scores(scores)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        judge = llama_cpp.Llama(file.name, vocab_only=True, verbose=False)
    spec = {"model": "plamo2", "tokens": tokens, "token_types": types, "scores": scores, "unk": 0}
    yield {"name": "plamo2", "spec": spec, "parse_special": False, "decode": None, "encode": lambda text: judge.tokenize(text.encode(), add_bos=False, special=False)}


def kinds(names=None, rwkv_folder=None):
    """Those whose judges are installed, and whose names begin with one of `names`; says on standard error which are not."""
    for make, judge in ((sentencepiece_kinds, "sentencepiece"), (byte_level_kinds, "tokenizers"), (word_piece_kinds, "tokenizers"),
                        (lambda: rwkv_kinds(rwkv_folder), "rwkv"), (plamo2_kinds, "llama_cpp")):
        try:
            for kind in make():
                if not names or kind["name"].startswith(tuple(names)):
                    yield kind
        except ImportError:
            print(f"without {judge} some kinds are left out", file=sys.stderr)
