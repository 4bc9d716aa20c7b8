#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two .npy files, compared without NumPy: the normalized squared error sum (a - b)^2 / sum b^2.

    tools/npy_compare.py got.npy expected.npy --nmse 1e-9     fails where the error is larger, or the shapes differ
    tools/npy_compare.py --list tokens.npy                    the numbers of one file, with commas
"""

from __future__ import annotations

import argparse
import ast
import struct
import sys
from pathlib import Path

TYPES = {"<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q"}


def read(path: str) -> tuple[tuple[int, ...], list[float]]:
    data = Path(path).read_bytes()
    if data[:6] != b"\x93NUMPY":
        sys.exit(f"{path} is no .npy file")
    size = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:10 + size].decode())
    kind = TYPES.get(header["descr"])
    if kind is None or header["fortran_order"]:
        sys.exit(f"{path} holds {header['descr']}; {', '.join(TYPES)} in C order are read")
    body = data[10 + size:]
    return header["shape"], list(struct.unpack(f"<{len(body) // struct.calcsize(kind)}{kind}", body))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--nmse", type=float, default=0.0)
    parser.add_argument("--list", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.list:
        print(",".join(str(v) for v in read(arguments.list)[1]))
        return 0
    if len(arguments.files) != 2:
        parser.error("two files are compared")
    (got_shape, got), (shape, expected) = (read(f) for f in arguments.files)
    if got_shape != shape:
        sys.exit(f"shapes differ: {got_shape} and {shape}")
    error = sum((g - e) ** 2 for g, e in zip(got, expected)) / sum(e * e for e in expected)
    print(f"NMSE {error:.3g} over {len(got)} numbers, allowed {arguments.nmse:.3g}")
    return 0 if error <= arguments.nmse else 1  # a NaN fails


if __name__ == "__main__":
    sys.exit(main())
