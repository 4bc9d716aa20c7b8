# SPDX-License-Identifier: Apache-2.0
"""Real vocabularies: those of Mistral (sentencepiece v1 to v7, tekken) and of RWKV. The wheels mistral-common and rwkv on PyPI (Apache-2.0)
carry them; they are fetched with pip and never part of the tree. For tokenizer_fuzz.py --real.

The judge of tekken is tiktoken, which mistral-common itself encodes with."""

import base64
import functools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import tokenizer_judges as judges

WHEELS = ("mistral-common==1.13.1", "rwkv==0.8.32")
WANTED = re.compile(r"mistral_common/data/(.*\.model\.v\w+|tekken_\w+\.json)|rwkv/rwkv_(vocab_\w+\.txt|tokenizer\.py)")


def fetch(folder):
    """Puts the vocabularies, and the Python file that is the judge of rwkv, into `folder`, unless they are there."""
    complete = folder / "complete"
    if complete.exists() and complete.read_text().split() == list(WHEELS):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as wheels:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", wheels, *WHEELS],
                       check=True)
        for wheel in pathlib.Path(wheels).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in filter(WANTED.fullmatch, archive.namelist()):
                    (folder / pathlib.PurePosixPath(name).name).write_bytes(archive.read(name))
    complete.write_text("\n".join(WHEELS))


# The printable character of every byte: the visible ones of Latin-1 are themselves, the others those from U+0100 on.
VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
ALPHABET = {byte: chr(byte) for byte in VISIBLE} | {byte: chr(0x100 + i) for i, byte in enumerate(b for b in range(0x100) if b not in VISIBLE)}


def written(token):
    return "".join(ALPHABET[byte] for byte in token)


def parts_of(token, ranks):
    """The two tokens that `token` is merged from: byte-pair merging of its bytes with the tokens before it; None where more are left."""
    parts = [token[i:i + 1] for i in range(len(token))]
    while len(parts) > 2:
        rank, at = min((ranks.get(parts[i] + parts[i + 1], len(ranks)), i) for i in range(len(parts) - 1))
        if rank >= ranks[token]:
            return None
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    return parts


def merges_by_ranks(ranks):
    """One merge for each token that is merged from two."""
    return [parts for token in sorted(ranks, key=ranks.get) if len(token) > 1 and (parts := parts_of(token, ranks))]


def merges_of_all_cuts(ranks):
    """As converters to GGUF write them: every pair of tokens that makes a token, the lower left rank first."""
    merges = []
    for token in sorted(ranks, key=ranks.get):
        cuts = [(token[:cut], token[cut:]) for cut in range(1, len(token)) if token[:cut] in ranks and token[cut:] in ranks]
        merges += sorted(cuts, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
    return merges


def tekken_kinds(path):
    import tiktoken

    file = json.loads(path.read_text(encoding="utf-8"))
    config = file["config"]
    n_special = config["default_num_special_tokens"]
    # Ranks begin behind the special tokens, and only as many are taken as the vocabulary then has room for.
    vocabulary = sorted(file["vocab"], key=lambda entry: entry["rank"])[:config["default_vocab_size"] - n_special]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in vocabulary}
    names = [entry["token_str"] for entry in file.get("special_tokens") or []]
    names = names or ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    special = names + [f"<SPECIAL_{i}>" for i in range(len(names), n_special)]
    judge = tiktoken.Encoding(path.stem, pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})
    spec = {"model": "gpt2", "pre": "tekken", "tokens": special + [written(token) for token in sorted(ranks, key=ranks.get)],
            "token_types": [3] * n_special + [1] * len(ranks)}
    for name, make in (("", merges_by_ranks), (" of all cuts", merges_of_all_cuts)):
        merges = [f"{written(left)} {written(right)}" for left, right in make(ranks)]
        yield {"name": path.name + name, "spec": {**spec, "merges": merges}, "parse_special": False,
               "judge_fails": " ",  # 1 MB of blanks is too much for the stack of its regular expressions
               "encode": lambda text: [n_special + rank for rank in judge.encode_ordinary(text)],
               "decode": lambda ids: judge.decode([i - n_special for i in ids])}


def kinds(folder, names=None):
    """Kinds as of tokenizer_judges.py, those whose names begin with one of `names`: of every file of `folder`. "text_ids" are the ids that
    are text."""
    makers = {path.name: functools.partial(lambda p: [judges.sentencepiece_kind(p.name, p.read_bytes())], path) for path in folder.glob("*.model.v*")}
    makers |= {path.name: functools.partial(tekken_kinds, path) for path in folder.glob("tekken_*.json")}
    makers |= {"rwkv world": lambda: [kind for kind in judges.rwkv_kinds(folder) if kind.get("is_real")]}
    for name, make in sorted(makers.items()):
        if not names or name.startswith(tuple(names)):
            for kind in make():
                yield {**kind, "text_ids": [i for i, token_type in enumerate(kind["spec"]["token_types"]) if token_type == 1]}
