# SPDX-License-Identifier: Apache-2.0
"""Structs that begin with their size, and have the defaults of their macro KRAIT_..._INIT."""

from ctypes import Structure, sizeof
from typing import Any, ClassVar, Self


class Sized(Structure):
    """A struct of the C API that says its size. init() is its macro KRAIT_..._INIT."""

    struct_size: int
    _defaults_: ClassVar[dict[str, Any]] = {}

    @classmethod
    def init(cls) -> Self:
        """As the macro makes it: sizes and defaults."""
        return cls(struct_size=sizeof(cls), **cls._defaults_)

    @classmethod
    def names(cls) -> list[str]:
        """Of the fields that mean something: all but struct_size and reserved."""
        return [field[0] for field in cls._fields_ if field[0] not in ("struct_size", "reserved")]

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: getattr(self, name) for name in self.names()}

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.as_dict().items())
        return f"{type(self).__name__}({values})"
