# SPDX-License-Identifier: Apache-2.0
"""States of a saved sequence as numpy arrays: bytes of Session.save() (the format is that of models/memory/state_file.hpp, version 3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from krait.errors import CorruptFileError, UnsupportedError
from krait.views import numpy

_VERSION = 3
_HEAD = struct.Struct("<8sIIQQqQ")
_SECTION = struct.Struct("<32sIIII3qQ")
_F32 = 0  # krait_dtype


@dataclass(frozen=True)
class Memory:
    """One kind of what a sequence remembers, in all layers that have it. values: float32 [layers, ...], of the sequence as it was saved."""

    name: str  # "conv_state", "ssm_state"
    values: Any


@dataclass(frozen=True)
class SavedSequence:
    """tokens: what it has read. memories: its recurrent states (keys and values of attention are not read)."""

    model_hash: int
    tokens: list[int]
    snapshots: list[int]
    memories: list[Memory]


def read(data: bytes) -> SavedSequence:
    """Looks into a saved sequence. CorruptFileError where it ends early; its checksum is not compared, which Session.load() does."""
    module = numpy()
    try:
        magic, version, n_section, model_hash, n_tok, _, n_snapshot = _HEAD.unpack_from(data)
        if magic != b"KRAITSEQ":
            raise CorruptFileError("these bytes are no saved sequence: they do not begin with KRAITSEQ")
        if version != _VERSION:
            raise UnsupportedError(f"the saved sequence has version {version}; this package reads {_VERSION}")
        at = _HEAD.size
        tokens = list(struct.unpack_from(f"<{n_tok}i", data, at))
        at += 4 * n_tok
        snapshots = [struct.unpack_from("<Qq", data, at + 16 * i)[0] for i in range(n_snapshot)]
        at += 16 * n_snapshot
        memories = []
        for _ in range(n_section):
            name, layout, dtype, rank, n_memory, *extent, n_byte = _SECTION.unpack_from(data, at)
            at += _SECTION.size
            if layout == 0 and dtype == _F32 and n_byte:
                shape = (n_snapshot + 1, n_memory, *extent[:rank])
                values = module.frombuffer(data, "<f4", n_byte // 4, at).reshape(shape)[-1].copy()
                memories.append(Memory(name.rstrip(b"\0").decode(), values))
            at += n_byte
    except (struct.error, ValueError) as error:
        raise CorruptFileError(f"the saved sequence is damaged: {error}") from error
    return SavedSequence(model_hash, tokens, snapshots, memories)
