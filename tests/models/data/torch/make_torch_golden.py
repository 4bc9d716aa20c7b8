#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the files beside this script with PyTorch (PyPI's torch 2.15, a build for the CPU will do), so that Krait's reader is tested
on files that torch.save has written, and on what torch.load makes of them. The output is the same in every run;
legacy.pt, which has addresses in it, is only made where it is missing.

    pip install torch numpy && python3 tests/models/data/torch/make_torch_golden.py

every_type.bin                a tensor of each type, a scalar, an empty one, views, tied tensors, names that need escapes, entries
                              that are no tensors
module.bin                    the state dict of a module, with _metadata; parameters
training.pt                   {"model": state dict, "optimizer": ..., "epoch": 3}
checkpoint.pt                 {"state_dict": state dict, ...}
pytorch_model-*.bin           two shards, with pytorch_model.bin.index.json
legacy.pt                     as PyTorch before 1.6 wrote it
expected.json                 what torch.load reads from them: type, shape and bytes (hexadecimal) of each tensor
changed.json                  every_type.bin with one byte of its pickle changed: place, byte, and a hash of all tensors that
                              torch.load(weights_only=True) reads then; null where it refuses
"""

import io
import json
import pathlib
import random
import warnings
import zipfile
import zlib

import torch

FOLDER = pathlib.Path(__file__).parent
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8", torch.int8: "I8",
         torch.int16: "I16", torch.int32: "I32", torch.int64: "I64", torch.bool: "BOOL"}
N_CHANGED = 1500

warnings.simplefilter("ignore")
torch.manual_seed(16)
torch.serialization.set_default_load_endianness(torch.serialization.LoadEndianness.LITTLE)


def every_type():
    tensors = {}
    for dtype in TYPES:
        values = torch.randint(0, 2 if dtype == torch.bool else 100, (2, 3))
        tensors["t." + str(dtype).removeprefix("torch.")] = values.to(dtype)
    tensors["scalar"] = torch.tensor(1.5)
    tensors["empty"] = torch.zeros(5, 0, 2)
    base = torch.arange(24, dtype=torch.int32).reshape(4, 6)
    tensors["view.rows"] = base[1:3]
    tensors["view.columns"] = base[:, 1:4]
    tensors["view.transposed"] = base.t()
    tensors["view.permuted"] = torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1)
    tensors["view.every_second"] = base[::2, ::2]
    tensors["view.one_row"] = base.t()[2:3]
    tensors["tied"] = base
    tensors["a \"name\"\n\\ with / and \u00fc\U0001F40D"] = torch.ones(7, dtype=torch.uint8)
    tensors["parameter"] = torch.nn.Parameter(torch.full((2,), 0.25))
    tensors.update({"count": 2**40, "small": -3, "word": "text", "fraction": 0.5, "yes": True, "none": None, "type": torch.float32})
    return tensors


def save(name, value, **how):
    torch.save(value, FOLDER / name, **how)


def write_files():
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    save("every_type.bin", every_type())
    save("module.bin", module.state_dict())
    save("training.pt", {"epoch": 3, "model": module.state_dict(), "optimizer": optimizer.state_dict()})
    save("checkpoint.pt", {"state_dict": {"w": torch.arange(3.0)}, "model": {"w": torch.zeros(3)}, "arguments": ["a", ("b", 1)]})
    if not (FOLDER / "legacy.pt").exists():
        save("legacy.pt", {"w": torch.arange(3.0)}, _use_new_zipfile_serialization=False)
    first, second = "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"
    save(first, {"backbone.embeddings.weight": torch.arange(12.0).reshape(4, 3), "backbone.layers.0.norm.weight": torch.full((3,), 0.5).half()})
    save(second, {"backbone.norm_f.weight": torch.arange(3.0)})
    index = {"metadata": {"total_size": 66}, "weight_map": {"backbone.embeddings.weight": first, "backbone.layers.0.norm.weight": first,
                                                            "backbone.norm_f.weight": second}}
    (FOLDER / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


def load(source):
    loaded = torch.load(source, map_location="cpu", weights_only=True)
    for wrapper in ("state_dict", "model"):
        if not any(isinstance(value, torch.Tensor) for value in loaded.values()) and wrapper in loaded:
            loaded = loaded[wrapper]
    return {name: value.detach() for name, value in loaded.items() if isinstance(value, torch.Tensor)}


def data_of(tensor):
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())


def write_expected():
    expected = {}
    for path in sorted([*FOLDER.glob("*.bin"), *FOLDER.glob("*.pt")]):
        if path.name != "legacy.pt":
            expected[path.name] = {name: {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data": data_of(tensor).hex()}
                                   for name, tensor in sorted(load(path).items())}
    (FOLDER / "expected.json").write_text(json.dumps(expected).replace("}, ", "},\n") + "\n")


def with_pickle(archive, pickle):
    """The archive with another pickle of the same size, and the checksums that go with it."""
    out = archive.replace(zipfile.ZipFile(io.BytesIO(archive)).read("every_type/data.pkl"), pickle)
    old = zlib.crc32(zipfile.ZipFile(io.BytesIO(archive)).read("every_type/data.pkl")).to_bytes(4, "little")
    return out.replace(old, zlib.crc32(pickle).to_bytes(4, "little"))


def hash_of(tensors):
    """FNV-1a of 64 bits, of names, types, shapes and data."""
    text = b"".join(f"{name}\n{TYPES[tensor.dtype]}{list(tensor.shape)}\n".encode() + data_of(tensor) for name, tensor in sorted(tensors.items(), key=lambda item: item[0].encode()))
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def write_changed():
    generator = random.Random(16)
    archive = (FOLDER / "every_type.bin").read_bytes()
    pickle = zipfile.ZipFile(io.BytesIO(archive)).read("every_type/data.pkl")
    begin = archive.index(pickle)
    changes, n_taken = [], 0
    for _ in range(N_CHANGED):
        at = generator.randrange(len(pickle))
        byte = generator.choice([pickle[at] ^ 1 << generator.randrange(8), generator.randrange(256), generator.choice(b"()}]tusabcRQhqrKMJX.N\x85\x86\x87\x88\x89\x8a")])
        try:
            tensors = load(io.BytesIO(with_pickle(archive, pickle[:at] + bytes([byte]) + pickle[at + 1:])))
            verdict = hash_of(tensors) if all(isinstance(name, str) for name in tensors) else None
        except Exception as error:  # whatever its reader makes of it
            if "can require gradients" in str(error):  # a property of training, on whole numbers
                continue
            verdict = None
        n_taken += verdict is not None
        changes.append([begin + at, byte, verdict])
    (FOLDER / "changed.json").write_text(json.dumps({"unchanged": hash_of(load(io.BytesIO(archive))), "changes": changes}).replace("], ", "],\n") + "\n")
    print(f"{len(changes)} changes, {n_taken} taken")


write_files()
write_expected()
write_changed()
for made in FOLDER.iterdir():
    if made.suffix in (".bin", ".pt"):
        made.chmod(0o644)
