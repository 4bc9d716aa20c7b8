# SPDX-License-Identifier: Apache-2.0
"""Numbers that the library computed, where they lie: read without a copy, and never after they are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ctypes import c_float
from typing import TYPE_CHECKING, Any

from krait.errors import StaleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def numpy() -> Any:
    """The module, or a sentence."""
    try:
        import numpy
    except ImportError:
        raise ImportError("logits and hidden states are numpy arrays, and there is no numpy: pip install krait[numpy]. "
                          "View.tolist() and Session.logprobs work without") from None
    return numpy


class View:
    """One row of floats in the memory of a session, until its next decode. After that every access raises StaleError.

    An array that is made of it (copy(), numpy.asarray(view), torch.from_dlpack(view)) is a copy of its own.
    """

    def __init__(self, row: Any, claim: Callable[[], Any]) -> None:
        self._row = row  # a ctypes array in the session's memory
        self._claim = claim  # a context manager: keeps the session from decoding; raises StaleError where it has

    @property
    def shape(self) -> tuple[int]:
        return (len(self._row),)

    def __len__(self) -> int:
        return len(self._row)

    def __getitem__(self, index: int | slice) -> Any:
        with self._claim():
            return self._row[index]

    def __iter__(self) -> Iterator[float]:
        return iter(self.tolist())

    def tolist(self) -> list[float]:
        with self._claim():
            values: list[float] = self._row[:]
            return values

    def copy(self) -> Floats:
        """A numpy array of its own, float32 [n]."""
        module = numpy()
        with self._claim():
            array: Floats = module.ctypeslib.as_array(self._row).copy()
            return array

    def argmax(self) -> int:
        """The index of the largest value; of equal ones the smallest."""
        module = numpy()
        with self._claim():
            return int(module.ctypeslib.as_array(self._row).argmax())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("an array of a view is a copy: the session writes over its memory")
        array = self.copy()
        return array if dtype is None else array.astype(dtype)

    def __dlpack__(self, **options: Any) -> Any:
        return self.copy().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return (1, 0)  # kDLCPU


def row_at(address: int | None, size: int) -> Any:
    """A ctypes array over `size` floats of the library."""
    if not address:
        raise StaleError("there are no numbers")
    return (c_float * size).from_address(address)
