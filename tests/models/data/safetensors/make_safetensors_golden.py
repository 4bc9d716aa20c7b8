#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the files beside this script with the package safetensors of PyPI (0.8.0, with numpy 2), so that Krait's reader is
tested on files that the format's own library has written, and on its verdicts. The output is the same in every run.

    pip install safetensors numpy && python3 tests/models/data/safetensors/make_safetensors_golden.py

every_type.safetensors   a tensor of each type, a scalar, an empty one, names that need escapes, __metadata__
model-*.safetensors      two shards, with model.safetensors.index.json
expected.json            what the library reads from them: type, shape and bytes (hexadecimal) of each tensor
verdicts.bin             small files, right and wrong; each: its size (u32), 1 where the library takes it and else 0, its bytes
"""

import json
import pathlib
import random
import struct

import numpy as np
import safetensors
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent
# The library's name of a type, and its bits.
TYPES = {"bool": 8, "uint8": 8, "int8": 8, "uint16": 16, "int16": 16, "uint32": 32, "int32": 32, "uint64": 64, "int64": 64,
         "float16": 16, "bfloat16": 16, "float32": 32, "float64": 64, "complex64": 64, "float8_e4m3fn": 8, "float8_e5m2": 8,
         "float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8, "float4_e2m1fn_x2": 4}


def write_every_type():
    generator = np.random.default_rng(16)
    specs, alive = {}, []

    def add(name, dtype, shape, count):
        data = generator.integers(0, 2 if dtype == "bool" else 256, count, dtype=np.uint8)
        alive.append(data)
        specs[name] = safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=data.ctypes.data, data_len=data.nbytes)

    for dtype, bits in TYPES.items():
        packed = dtype.endswith("_x2")
        add(f"t.{dtype}", dtype, [3, 2 if packed else 4], 12 * bits // 8)
    add("scalar", "float32", [], 4)
    add("empty", "float16", [5, 0, 2], 0)
    add("five", "uint8", [1, 2, 1, 3, 2], 12)
    add("a \"name\"\n\\ with / and \u00fc\U0001F40D", "uint8", [7], 7)
    safetensors.serialize_file(specs, FOLDER / "every_type.safetensors", {"format": "pt", "quoted": "a \"b\" \t\u00e9"})


def write_shards():
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    save_file({"backbone.embeddings.weight": np.arange(12, dtype=np.float32).reshape(4, 3),
               "backbone.layers.0.norm.weight": np.full(3, 0.5, np.float16)}, FOLDER / first, {"format": "pt"})
    save_file({"backbone.norm_f.weight": np.arange(3, dtype=np.float32)}, FOLDER / second, {"format": "pt"})
    index = {"metadata": {"total_size": 66}, "weight_map": {"backbone.embeddings.weight": first,
                                                            "backbone.layers.0.norm.weight": first,
                                                            "backbone.norm_f.weight": second}}
    (FOLDER / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def write_expected():
    expected = {}
    for path in sorted(FOLDER.glob("*.safetensors")):
        data = path.read_bytes()
        expected[path.name] = {name: {"dtype": view["dtype"], "shape": view["shape"], "data": bytes(view["data"]).hex()}
                               for name, view in sorted(safetensors.deserialize(data), key=lambda item: item[0])}
        path.chmod(0o644)
    (FOLDER / "expected.json").write_text(json.dumps(expected).replace("}, ", "},\n") + "\n")


def accepted(data):
    try:
        safetensors.deserialize(data)
        return True
    except safetensors.SafetensorError:
        return False


def file_of(header, data, length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def write_verdicts():
    generator = random.Random(16)
    numbers = [0, 1, 2, 3, 4, 5, 6, 8, 12, 24, 2**31, 2**32, 2**62, 2**63, 2**64 - 1, 2**64, -1]
    words = ["F32", "F16", "BF16", "U8", "BOOL", "I64", "F8_E4M3", "F4", "F6_E2M3", "f32", "", "C64"]
    right = {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
             "b": {"dtype": "F16", "shape": [3, 2], "data_offsets": [8, 20]}, "c": {"dtype": "U8", "shape": [], "data_offsets": [20, 21]},
             "d": {"dtype": "I8", "shape": [0, 3], "data_offsets": [21, 21]}}
    size = 21
    files = [file_of(right, bytes(size))]
    for _ in range(300):
        header, data = json.loads(json.dumps(right)), bytes(size)
        for _ in range(generator.randint(1, 2)):
            tensor = header.get(generator.choice("abcd"))
            kind = generator.randint(0, 8)
            if tensor is None:
                continue
            if kind <= 2 and tensor["shape"]:
                tensor["shape"][generator.randrange(len(tensor["shape"]))] = generator.choice(numbers)
            elif kind == 3:
                tensor["data_offsets"][generator.randint(0, 1)] += generator.choice([-8, -1, 1, 8, 2**63])
            elif kind == 4:
                tensor["dtype"] = generator.choice(words)
            elif kind == 5:
                del header[generator.choice([name for name in header if name != "__metadata__"])]
            elif kind == 6:
                del tensor[generator.choice(list(tensor))]
                break
            elif kind == 7:
                data += bytes(generator.choice([1, 4]))
            else:
                tensor["more"] = generator.choice([1, [], {"x": [None, True, 1.5e3]}])
        files.append(file_of(header, data))
    text = json.dumps(right).encode()
    for _ in range(400):  # of one byte, or cut short
        place = generator.randrange(len(text))
        changed = bytearray(text)
        changed[place] = generator.choice(b' "\\{}[],:0123456789.-eAtn\x00\x1f\x80\xff')
        files.append(file_of(bytes(changed), bytes(size)))
    whole = file_of(right, bytes(size))
    files += [whole[:cut] for cut in range(0, len(whole), 3)]
    files += [file_of(text + blank, bytes(size)) for blank in (b" ", b"\n\t ", b"x", b"{}", b"\0")]
    files += [file_of(b" " + text, bytes(size)), file_of(b"", b""), file_of(b"{}", b""), file_of(b"{}", b"x")]
    files += [file_of(text, bytes(size), length) for length in (0, 1, len(text) - 1, len(text) + 1, 10**8, 10**8 + 1, 2**63, 2**64 - 1)]
    out = b"".join(struct.pack("<IB", len(data), accepted(data)) + data for data in files)
    (FOLDER / "verdicts.bin").write_bytes(out)
    print(f"{len(files)} verdicts, {sum(map(accepted, files))} accepted")


write_every_type()
write_shards()
write_expected()
write_verdicts()
