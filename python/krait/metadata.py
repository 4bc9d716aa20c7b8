# SPDX-License-Identifier: Apache-2.0
"""What a model's file holds: metadata and the list of its tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ctypes import byref, c_size_t
from dataclasses import dataclass

from krait._c import calls
from krait._c.cell import Cell
from krait._c.enums import krait_value_form
from krait._c.loader import lib
from krait._c.structs import krait_metadata, krait_tensor
from krait.errors import NotFoundError

Value = int | float | bool | str


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file. shape: the last extent is contiguous. offset: of its bytes in `file`."""

    name: str
    type: str  # "F16", "Q4_K"
    shape: tuple[int, ...]
    bytes: int
    offset: int
    file: str


class Metadata(Mapping[str, Value]):
    """Metadata by key. Numbers and texts are read as such; an array is its text ("[1, 2, 3]"), as the C API gives it."""

    def __init__(self, model: Cell) -> None:
        self._model = model

    def __len__(self) -> int:
        with self._model.use() as model:
            return lib.krait_model_metadata_count(model)

    def __iter__(self) -> Iterator[str]:
        return iter([self._entry(index)[0] for index in range(len(self))])

    def __getitem__(self, key: str) -> Value:
        index = c_size_t()
        encoded = key.encode()
        with self._model.use() as model:
            try:
                calls.call(lib.krait_model_metadata_find, model, encoded, len(encoded), byref(index))
            except NotFoundError:
                raise KeyError(key) from None
            kind = self._entry(index.value)[1]
            text = calls.sized_bytes(lib.krait_model_metadata_text, model, index.value, int(krait_value_form.WHOLE)).decode("utf-8", "replace")
        if kind == "bool":
            return text == "true"
        if kind.startswith(("int", "uint")):
            return int(text)
        return float(text) if kind.startswith("float") else text

    def _entry(self, index: int) -> tuple[str, str]:
        struct = krait_metadata.init()
        with self._model.use() as model:
            calls.call(lib.krait_model_metadata, model, index, byref(struct))
            return calls.text_at(struct.key, struct.key_size), (struct.type or b"").decode()


def read_files(cell: Cell) -> list[str]:
    with cell.use() as model:
        return [(lib.krait_model_file_name(model, index) or b"").decode() for index in range(lib.krait_model_file_count(model))]


def read_tensors(cell: Cell) -> list[Tensor]:
    struct = krait_tensor.init()
    files = read_files(cell)
    with cell.use() as model:
        result = []
        for index in range(lib.krait_model_tensor_count(model)):
            calls.call(lib.krait_model_tensor, model, index, byref(struct))
            result.append(Tensor(calls.text_at(struct.name, struct.name_size), (struct.type or b"").decode(),
                                 tuple(struct.extents[: struct.rank]), struct.bytes, struct.offset, files[struct.file]))
    return result
