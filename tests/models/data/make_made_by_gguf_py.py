#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes made_by_gguf_py.gguf beside this script: every metadata type and several tensor types, written by the package
gguf of PyPI (0.19.0, with numpy), so that Krait's reader is tested on a file that somebody else's code has written.
tests/models/gguf_reader_test.cpp holds the values. The output is the same in every run."""

import pathlib

import gguf
import numpy as np

path = pathlib.Path(__file__).with_name("made_by_gguf_py.gguf")
writer = gguf.GGUFWriter(path, "mamba")
writer.add_custom_alignment(64)
writer.add_uint8("scalar.uint8", 200)
writer.add_int8("scalar.int8", -100)
writer.add_uint16("scalar.uint16", 60000)
writer.add_int16("scalar.int16", -30000)
writer.add_uint32("scalar.uint32", 4_000_000_000)
writer.add_int32("scalar.int32", -2_000_000_000)
writer.add_float32("scalar.float32", 0.15625)
writer.add_bool("scalar.bool", True)
writer.add_string("scalar.string", "Krait \U0001F40D says: \u00fcber")
writer.add_uint64("scalar.uint64", 2**64 - 3)
writer.add_int64("scalar.int64", -(2**63))
writer.add_float64("scalar.float64", 1e-300)
arrays = {
    "uint8": (gguf.GGUFValueType.UINT8, [0, 1, 255]),
    "int8": (gguf.GGUFValueType.INT8, [-128, 0, 127]),
    "uint16": (gguf.GGUFValueType.UINT16, [0, 65535]),
    "int16": (gguf.GGUFValueType.INT16, [-32768, 32767]),
    "uint32": (gguf.GGUFValueType.UINT32, [0, 2**32 - 1]),
    "int32": (gguf.GGUFValueType.INT32, [-(2**31), 2**31 - 1]),
    "float32": (gguf.GGUFValueType.FLOAT32, [0.5, -1.25, 3.0]),
    "bool": (gguf.GGUFValueType.BOOL, [True, False, True, True]),
    "string": (gguf.GGUFValueType.STRING, ["", "a", "\u0120the", "<|endoftext|>"]),
    "uint64": (gguf.GGUFValueType.UINT64, [2**64 - 1]),
    "int64": (gguf.GGUFValueType.INT64, [-(2**63), 2**63 - 1]),
    "float64": (gguf.GGUFValueType.FLOAT64, [1e300, -2.5]),
}
for name, (element_type, values) in arrays.items():
    writer.add_key_value("array." + name, values, gguf.GGUFValueType.ARRAY, sub_type=element_type)

ramp = np.arange(3 * 64, dtype=np.float32).reshape(3, 64)
writer.add_tensor("ramp.f32", ramp)
writer.add_tensor("vector.f32", np.array([1.5, -2.5, 3.5], dtype=np.float32))
writer.add_tensor("cube.f16", np.arange(2 * 3 * 5, dtype=np.float16).reshape(2, 3, 5))
quantized = gguf.quants.quantize(ramp - 96, gguf.GGMLQuantizationType.Q8_0)
writer.add_tensor("ramp.q8_0", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
writer.add_tensor("ids.i32", np.array([[7, -7]], dtype=np.int32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
