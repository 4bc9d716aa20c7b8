#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzzers: corpus/gguf, corpus/safetensors and corpus/weight_index, small files that between them
hold every field that the formats have. Python's standard library only; the output is the same in every run."""

import json
import pathlib
import struct

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

for folder, ending, seeds in (("gguf", "gguf", SEEDS), ("safetensors", "safetensors", SAFETENSORS_SEEDS), ("weight_index", "json", INDEX_SEEDS)):
    (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (FOLDER / folder / f"{name}.{ending}").write_bytes(data)
    print(f"{len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes in {FOLDER / folder}")
