#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzzers: corpus/gguf, corpus/safetensors, corpus/torch, corpus/weight_index, corpus/tokenizer and corpus/grammar,
small files that between them hold every field that the formats have. Python's standard library only; the output is the same in every run."""

import io
import json
import pathlib
import struct
import zipfile

FOLDER = pathlib.Path(__file__).with_name("corpus")
FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
F32, F16, Q8_0, Q4_K, I32, BF16 = 0, 1, 8, 12, 26, 30
# type: (elements of a block, bytes of a block)
BLOCKS = {F32: (1, 4), F16: (1, 2), Q8_0: (32, 34), Q4_K: (256, 144), I32: (1, 4), BF16: (1, 2)}


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def scalar(kind, value):
    return string(value) if kind == STRING else struct.pack("<" + FORMATS[kind], value)


def array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(scalar(kind, v) for v in values)


def entry(key, kind, value):
    return string(key) + struct.pack("<I", kind) + (value if kind == ARRAY else scalar(kind, value))


def tensor_bytes(kind, extents):
    count = 1
    for extent in extents:
        count *= extent
    elements, size = BLOCKS[kind]
    return count // elements * size


def gguf(entries=(), tensors=(), version=3, alignment=32, pad_end=True):
    """tensors: (name, type, extents, the fastest first)"""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries)) + b"".join(entries)
    data = b""
    for name, kind, extents in tensors:
        data += bytes(-len(data) % alignment)
        out += string(name) + struct.pack("<I", len(extents)) + struct.pack(f"<{len(extents)}Q", *extents)
        out += struct.pack("<IQ", kind, len(data))
        data += bytes(i % 251 for i in range(tensor_bytes(kind, extents)))
    if pad_end:
        data += bytes(-len(data) % alignment)
    return out + bytes(-len(out) % alignment) + data


def mamba(version=3):
    entries = [
        entry("general.architecture", STRING, "mamba"),
        entry("mamba.context_length", 4, 2**20),
        entry("mamba.embedding_length", 4, 4),
        entry("mamba.block_count", 4, 1),
        entry("mamba.ssm.conv_kernel", 4, 4),
        entry("mamba.ssm.inner_size", 4, 8),
        entry("mamba.ssm.state_size", 4, 2),
        entry("mamba.ssm.time_step_rank", 4, 1),
        entry("mamba.attention.layer_norm_rms_epsilon", 6, 1e-5),
        entry("mamba.ssm.dt_b_c_rms", 7, 0),
        entry("tokenizer.ggml.model", STRING, "gpt2"),
        entry("tokenizer.ggml.tokens", ARRAY, array(STRING, ["<|endoftext|>", "a", "b", "ab"])),
        entry("tokenizer.ggml.token_type", ARRAY, array(5, [3, 1, 1, 1])),
        entry("tokenizer.ggml.merges", ARRAY, array(STRING, ["a b"])),
    ]
    tensors = [
        ("token_embd.weight", F32, (4, 4)),
        ("output_norm.weight", F32, (4,)),
        ("blk.0.attn_norm.weight", F32, (4,)),
        ("blk.0.ssm_in.weight", F16, (4, 16)),
        ("blk.0.ssm_conv1d.weight", F32, (4, 8)),
        ("blk.0.ssm_conv1d.bias", F32, (8,)),
        ("blk.0.ssm_x.weight", BF16, (8, 5)),
        ("blk.0.ssm_dt.weight", F32, (1, 8)),
        ("blk.0.ssm_dt.bias", F32, (8,)),
        ("blk.0.ssm_a", F32, (2, 8)),
        ("blk.0.ssm_d", F32, (8,)),
        ("blk.0.ssm_out.weight", F16, (8, 4)),
    ]
    return gguf(entries, tensors, version)


SCALARS = [(k, 1) for k in FORMATS] + [(STRING, "text")]
SEEDS = {
    "empty": gguf(),
    "empty_v2": gguf(version=2),
    "mamba": mamba(),
    "mamba_v2": mamba(2),
    "every_scalar": gguf([entry(f"k{k}", k, v) for k, v in SCALARS]),
    "every_array": gguf([entry(f"a{k}", ARRAY, array(k, [v, v])) for k, v in SCALARS]),
    "empty_arrays": gguf([entry(f"a{k}", ARRAY, array(k, [])) for k, _ in SCALARS]),
    "extremes": gguf([
        entry("u64", 10, 2**64 - 1), entry("i64", 11, -(2**63)), entry("f32", 6, float("inf")),
        entry("f64", 12, float("nan")), entry("big", 12, 1e300), entry("i8", 1, -128),
        entry("wide", ARRAY, array(11, [-1, 2**40])),
    ]),
    "strange_names": gguf([entry(b"\xff\xfe\x00\x1b[31m", STRING, b"\xed\xa0\x80\xc2\x9b\xf0\x9f\x90\x8d"), entry("", 0, 1)],
                          [(b"\x80" * 90, F32, (1,))]),
    "alignment_64": gguf([entry("general.alignment", 4, 64)], [("x", F32, (1,)), ("y", I32, (3,))], alignment=64),
    "alignment_8": gguf([entry("general.alignment", 4, 8)], [("x", F32, (1,)), ("y", F32, (3,))], alignment=8),
    "ranks": gguf([], [(f"t{r}", F32, (2,) * r) for r in range(1, 5)]),
    "quantized": gguf([], [("q8", Q8_0, (32, 2)), ("k", Q4_K, (256, 1))], pad_end=False),
    "version_1": gguf(version=1),
    "big_endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
}



def safetensors(header, data=b"", length=None):
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def described(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


TENSOR = described("F32", [2, 1], 0, 8)
SAFETENSORS_SEEDS = {
    "empty": safetensors("{}"),
    "blanks": safetensors("{ }\n\t  "),
    "metadata": safetensors({"__metadata__": {"format": "pt", "a": "\u00fc\n\"\\"}}),
    "tensors": safetensors({"__metadata__": {"format": "pt"}, "a": TENSOR, "b": described("BF16", [3], 8, 14),
                            "c": described("U8", [], 14, 15), "d": described("F4", [0, 2], 15, 15)}, bytes(15)),
    "types": safetensors({name: described(name, [4], 8 * i, 8 * i + size) for i, (name, size) in enumerate([("I16", 8), ("F16", 8)])}, bytes(16)),
    "escapes": safetensors(r'{"\u00e9\ud83d\udc0d\/\b":{"shape":[1],"more":{"x":[null,true,-1.5e+3]},"dtype":"I8","data_offsets":[0,1]}}', b"x"),
    "twice": safetensors('{"a":' + json.dumps(TENSOR) + ',"a":' + json.dumps(TENSOR) + "}", bytes(8)),
    "overflow": safetensors({"a": described("U8", [2**32, 2**32], 0, 0)}),
    "overlap": safetensors({"a": TENSOR, "b": TENSOR}, bytes(8)),
    "hole": safetensors({"a": described("U8", [1], 1, 2)}, bytes(2)),
    "behind": safetensors({"a": TENSOR}, bytes(12)),
    "deep": safetensors('{"a":{"x":' + "[" * 100, b""),
    "length_wraps": safetensors("{}", b"", 2**64 - 4),
    "zip": b"PK\3\4 an archive",
}
INDEX_SEEDS = {
    "index": json.dumps({"metadata": {"total_size": 66}, "weight_map": {"a": "model-00001-of-00002.safetensors",
                                                                        "b": "model-00002-of-00002.safetensors"}}, indent=2).encode(),
    "leaves": b'{"weight_map":{"a":"../x","b":"/x","c":"x\\\\y","d":"\\u002e\\u002e"}}',
    "twice": b'{"weight_map":{"a":"x","a":"y"},"weight_map":{}}',
    "more": b'{"more":[{"x":[-0.5e-1,false]},"\\ud83d\\udc0d"],"weight_map":{"a":"x"}}',
}


def archive(pickle, more=(), compression=zipfile.ZIP_STORED):
    """As torch.save writes it, with a storage of two floats."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, data in (("data.pkl", pickle), ("byteorder", b"little"), ("data/0", bytes(8)), ("version", b"3\n"), *more):
            made.writestr(zipfile.ZipInfo(f"m/{name}"), data, compression)
    return out.getvalue()


def zip64(file):
    """With the sizes and places of the directory in records of 64 bits."""
    begin, count = file.rindex(b"PK\5\6"), struct.unpack_from("<H", file, len(file) - 12)[0]
    size, at = struct.unpack_from("<II", file, len(file) - 10)
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, at)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, begin, 1)
    return file[:begin] + record + locator + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)


def p_text(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def p_tensor(kind="FloatStorage", count=2, offset=0, extents=(2,), strides=(1,)):
    def numbers(values):
        return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"
    storage = b"(" + p_text("storage") + f"ctorch\n{kind}\n".encode() + p_text("0") + p_text("cpu") + b"K" + bytes([count]) + b"tQ"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K" + bytes([offset]) + numbers(extents) + numbers(strides)
            + b"\x89ccollections\nOrderedDict\n)RtR")


def p_dict(**entries):
    return b"}q\0(" + b"".join(p_text(name) + value for name, value in entries.items()) + b"u"


def p_file(root):
    return b"\x80\2" + root + b"."


TENSORS = p_file(p_dict(w=p_tensor(), v=p_tensor(extents=(1,), offset=1), n=b"K\1", t=p_text("text")))
WIDE = {"count": 16}  # of floats, as the pickles that stand alone have them
TORCH_SEEDS = {
    "archive": archive(TENSORS),
    "zip64": zip64(archive(TENSORS)),
    "compressed": archive(TENSORS, compression=zipfile.ZIP_DEFLATED),
    "leaves": archive(TENSORS, [("../x", b"x")]),
    "tensors": p_file(p_dict(w=p_tensor(**WIDE), m=p_tensor(extents=(4, 4), strides=(4, 1), **WIDE), t=p_tensor(extents=(4, 3), strides=(1, 4), **WIDE))),
    "types": p_file(p_dict(d=p_tensor("DoubleStorage", 8), h=p_tensor("HalfStorage", 32), b=p_tensor("BoolStorage", 64), l=p_tensor("LongStorage", 8))),
    "wrapped": p_file(p_dict(epoch=b"M\1\2", model=p_dict(w=p_tensor(**WIDE)))),
    "attributes": p_file(b"ccollections\nOrderedDict\n)Rq\1(" + p_text("w") + p_tensor(**WIDE) + b"u}" + p_text("_metadata") + b"}ssb"),
    "parameter": p_file(b"}" + p_text("w") + b"ctorch._utils\n_rebuild_parameter\n" + p_tensor(**WIDE) + b"\x88}\x87Rs"),
    "values": p_file(p_dict(w=p_tensor(**WIDE), f=b"G" + bytes(8), l=b"\x8a\6" + bytes(5) + b"\1", x=b"N", s=b"](K\1K\2e", d=b"ctorch\nfloat32\n")),
    "memo": p_file(b"}q\0(" + p_text("w") + p_tensor(**WIDE) + b"q\1" + p_text("v") + b"h\1r\0\1\0\0" + p_text("u") + b"j\0\1\0\0u"),
    "outside": p_file(p_dict(w=p_tensor(extents=(9, 2), strides=(2, 1), **WIDE))),
    "shared": p_file(p_dict(w=p_tensor(extents=(2**30, 2), strides=(0, 1), **WIDE))),
    "negative": p_file(p_dict(w=p_tensor(extents=(2,), strides=(-1,), offset=4, **WIDE))),
    "system": p_file(b"cos\nsystem\n" + p_text("echo") + b"\x85R"),
    "deep": p_file(b"(" * 70 + b"t" * 70),
    "bomb": p_file(b"N" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(40))),
}


def field(number, value):
    """Of a protocol buffer: bytes, a float or a small whole number."""
    if isinstance(value, bytes):
        return bytes([number << 3 | 2, len(value)]) + value
    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    return bytes([*([number << 3] if number < 16 else [number << 3 & 0x7F | 0x80, number >> 4]), value])


def model(*pieces, kind=2, more=b"", normalizer=b""):
    return b"".join(field(1, field(1, text) + field(2, score) + field(3, type)) for text, score, type in pieces) + field(2, field(3, kind) + more) + field(3, normalizer)


def tokenizer(model, added=(), **parts):
    return json.dumps({"added_tokens": list(added), **parts, "model": model}).encode()


PIECES = ((b"<unk>", 0.0, 2), (b"<s>", 0.0, 3), (b"a", -1.0, 1), (b"b", -2.0, 1), (b"ab", -0.5, 1), (b"<0x0A>", 0.0, 6), (b"x", 0.0, 4), (b"aa", 0.0, 5))
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
BPE = {"type": "BPE", "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3, "<0x0A>": 4}, "merges": ["a b"]}
METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
ADDED = {"id": 5, "content": "<x>", "special": False, "lstrip": True, "rstrip": True, "single_word": True, "normalized": True}
TOKENIZER_SEEDS = {
    "model_bpe": model(*PIECES, more=field(40, 0) + field(41, 1)),
    "model_unigram": model(*PIECES, kind=1, more=field(24, 1), normalizer=field(2, b"\4\0\0\0abcd") + field(3, 0) + field(4, 0)),
    "model_char": model(*PIECES, kind=4),
    "bytes": tokenizer(BPE, [ADDED], pre_tokenizer=BYTES, normalizer={"type": "NFC"}),
    "pairs": tokenizer({**BPE, "merges": [["a", "b"]]}, pre_tokenizer=BYTES),
    "metaspace": tokenizer({**BPE, "byte_fallback": True, "unk_token": "<unk>"}, [ADDED, {"id": 0, "content": "<unk>", "special": True}], pre_tokenizer=METASPACE),
    "replace": tokenizer({**BPE, "byte_fallback": True}, normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, REPLACE]},
                         post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "A"}}]}),
    "unigram": tokenizer({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["\u2581a", -1.5e0]]}, normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"},
                         pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {**METASPACE, "split": True}]}),
    "word_piece": tokenizer({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "##b": 2}},
                            normalizer={"type": "BertNormalizer", "lowercase": False}, pre_tokenizer={"type": "BertPreTokenizer"},
                            post_processor={"type": "BertProcessing", "sep": ["a", 1], "cls": ["[UNK]", 0]}),
    "llama3": tokenizer({**BPE, "ignore_merges": True}, pre_tokenizer={"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "\\p{N}"}, "behavior": "Isolated", "invert": False}, {**BYTES, "use_regex": False}]}),
}

def grammar(kind, source, text=""):
    return bytes([kind]) + source.encode() + b"\0" + text.encode()


GRAMMAR_SEEDS = {
    "gbnf": grammar(0, 'root ::= "a" [^b-d]{2,5} (x | "\\u00e9")* # c\nx ::= . | <[3]>', "azzz"),
    "nested": grammar(0, 'root ::= "(" root ")" | (("a"*)+)?', "((aa))"),
    "schema": grammar(1, json.dumps({"type": "object", "properties": {"a": {"type": "integer", "minimum": -3, "maximum": 12.5}, "b": {"pattern": "^[a-z]+$", "maxLength": 4, "type": "string"}},
                                     "required": ["a"], "minProperties": 1}), '{"a": 7, "b": "xy"}'),
    "references": grammar(1, json.dumps({"$defs": {"n": {"anyOf": [{"type": "null"}, {"type": "array", "prefixItems": [{"$ref": "#/$defs/n"}], "items": {"multipleOf": 0.5}}]}}, "$ref": "#/$defs/n"}), "[[null], 1.5]"),
    "lenient": grammar(5, json.dumps({"not": {}, "patternProperties": {"^x": {"enum": [1, "a"]}}, "propertyNames": {"maxLength": 3}, "type": ["object", "string"], "format": "uuid"}), '{"x": 1}'),
    "regex": grammar(2, "^(a|[^\\d\\s-]{2,}?)+\\x41\\u{1F600}?\\p{Lu}*$", "aA"),
    "object": grammar(3, "", '{"a": [1e5, "\\u00e9\\n", {}]}'),
}

for folder, ending, seeds in (("gguf", "gguf", SEEDS), ("safetensors", "safetensors", SAFETENSORS_SEEDS), ("torch", "bin", TORCH_SEEDS),
                              ("weight_index", "json", INDEX_SEEDS), ("tokenizer", "tokenizer", TOKENIZER_SEEDS), ("grammar", "grammar", GRAMMAR_SEEDS)):
    (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (FOLDER / folder / f"{name}.{ending}").write_bytes(data)
    print(f"{len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes in {FOLDER / folder}")
