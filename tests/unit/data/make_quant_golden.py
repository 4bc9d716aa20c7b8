#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes quant_golden.bin: what the PyPI package gguf makes of blocks of every weight format.

    pip install gguf numpy && python3 tests/unit/data/make_quant_golden.py

Decoding: random bytes, and blocks whose f16 scales are zeros, subnormals, the largest finite values, infinities and NaN.
Encoding (the formats that gguf encodes): floats of many magnitudes, ties, constants, zeros, outliers.

File, little endian: "KRAITQG1", u32 number of sections; a section is u32 kind, u32 dtype (GGUF's id), u32 number of blocks, then
  kind 0  per block its bytes; then per block its decoded f32 values
  kind 1  per block its bytes; then per block a u64 hash of its decoded values: h = 0xcbf29ce484222325, and for every value
          h = (h ^ bits) * 0x100000001b3 mod 2^64, where bits of a NaN are 0x7fc00000
  kind 2  per block its f32 weights; then per block the bytes they encode to
"""
import pathlib
import struct

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

# Where a block's f16 fields begin.
F16_FIELDS = {
    T.F16: [0], T.BF16: [], T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0],
}
# 0, -0, least and largest subnormal, least normal, largest of both signs, infinities, quiet and signalling NaN, one
SCALES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E01, 0x7D00, 0x3C00]
ENCODED = [T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1]


def blocks_of(dtype, count, rng):
    """`count` blocks: random bytes, of which the first have special scales or are one byte throughout."""
    size = GGML_QUANT_SIZES[dtype][1]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    row = 0
    for byte in (0x00, 0xFF, 0x80, 0x7F):
        blocks[row] = byte
        row += 1
    for field in F16_FIELDS[dtype]:
        for scale in SCALES:
            if row < count:
                blocks[row, field:field + 2] = np.frombuffer(struct.pack("<H", scale), np.uint8)
                row += 1
    return blocks


def decode(dtype, blocks):
    with np.errstate(all="ignore"):
        values = dequantize(blocks, dtype)
    return np.ascontiguousarray(values, dtype="<f4")


def hashes(values):
    bits = np.where(np.isnan(values), np.uint32(0x7FC00000), values.view(np.uint32)).astype(np.uint64)
    h = np.full(bits.shape[0], 0xCBF29CE484222325, np.uint64)
    for column in range(bits.shape[1]):
        h = (h ^ bits[:, column]) * np.uint64(0x100000001B3)
    return h


def weights(rng):
    """Blocks of 32 weights that every encoder of the list must take to the same bytes."""
    rows = [np.zeros(32), -np.zeros(32), np.ones(32), np.full(32, -0.37), np.arange(32) - 16.0, np.arange(32) / 31.0,
            np.arange(32) * 0.5 - 8.0, np.linspace(-127, 127, 32), np.where(np.arange(32) == 5, 1e4, 1e-3),
            np.where(np.arange(32) == 31, -3.0, 0.0), -np.abs(rng.standard_normal(32)), np.abs(rng.standard_normal(32)),
            np.where(np.arange(32) % 2, 1.0, -1.0), rng.integers(-8, 8, 32) * 0.25, rng.integers(-16, 16, 32) * 0.125]
    rows += [rng.standard_normal(32) * 10.0 ** exponent for exponent in np.linspace(-7, 4, 34)]
    rows += [rng.uniform(-1, 1, 32) ** 3 for _ in range(15)]
    return np.array(rows, dtype="<f4")


def main():
    rng = np.random.default_rng(20240501)
    sections = []
    for dtype in F16_FIELDS:
        elems = GGML_QUANT_SIZES[dtype][0]
        whole, hashed = (8, 112) if elems == 256 else (24, 176) if elems == 32 else (400, 0)
        blocks = blocks_of(dtype, whole, rng)
        sections.append((0, dtype, whole, blocks.tobytes() + decode(dtype, blocks).tobytes()))
        if hashed:
            blocks = blocks_of(dtype, hashed, rng)
            sections.append((1, dtype, hashed, blocks.tobytes() + hashes(decode(dtype, blocks)).astype("<u8").tobytes()))
    for dtype in ENCODED:
        x = weights(rng)
        with np.errstate(all="ignore"):
            encoded = quantize(x, dtype)
        count = x.size // GGML_QUANT_SIZES[dtype][0]
        sections.append((2, dtype, count, x.tobytes() + np.ascontiguousarray(encoded).tobytes()))

    path = pathlib.Path(__file__).with_name("quant_golden.bin")
    with path.open("wb") as file:
        file.write(b"KRAITQG1" + struct.pack("<I", len(sections)))
        for kind, dtype, count, payload in sections:
            file.write(struct.pack("<III", kind, int(dtype), count) + payload)
    print(f"{path}: {len(sections)} sections, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
