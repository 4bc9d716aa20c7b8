# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, as exceptions. Each has the code of the C API (`code`) and its sentence, which says what is wrong, where, and what would be
right."""

from __future__ import annotations

from krait._c.enums import krait_code as Code

__all__ = ["BusyError", "Cancelled", "ClosedError", "Code", "CorruptFileError", "DeviceLostError", "FileError", "InternalError",
           "InvalidArgumentError", "KraitError", "NotFoundError", "OutOfMemoryError", "StaleError", "UnavailableError", "UnsupportedError"]


class KraitError(Exception):
    """Every error of Krait. code: which kind."""

    code: Code = Code.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgumentError(KraitError, ValueError):
    """A value is wrong; the sentence says which, and what would be right."""

    code = Code.INVALID_ARGUMENT


class NotFoundError(KraitError):
    """No file, device, tensor or token of that name."""

    code = Code.NOT_FOUND


class CorruptFileError(KraitError):
    """A file contradicts its format; the sentence names field and byte offset."""

    code = Code.CORRUPT_FILE


class UnsupportedError(KraitError):
    """Valid, but not supported."""

    code = Code.UNSUPPORTED


class OutOfMemoryError(KraitError, MemoryError):
    """Of the host or of a device."""

    code = Code.OUT_OF_MEMORY


class DeviceLostError(KraitError):
    """The device no longer answers: close everything that uses it."""

    code = Code.DEVICE_LOST


class UnavailableError(KraitError):
    """Not on this machine, or not now."""

    code = Code.UNAVAILABLE


class FileError(KraitError):
    """The operating system could not read or write a file."""

    code = Code.IO


class Cancelled(KraitError):
    """A progress function asked to stop."""

    code = Code.CANCELLED


class InternalError(KraitError):
    """A bug (please report it), or a model that computes NaN or infinite logits."""

    code = Code.INTERNAL


class ClosedError(InvalidArgumentError):
    """The object was closed, or made before fork() in another process."""


class BusyError(InvalidArgumentError):
    """Another thread uses an object that is for one thread at a time. Nothing has changed."""


class StaleError(InvalidArgumentError):
    """A view of logits or hidden states that are gone, or a stream whose sequence was changed by somebody else."""


_BY_CODE: dict[Code, type[KraitError]] = {kind.code: kind for kind in (
    InvalidArgumentError, NotFoundError, CorruptFileError, UnsupportedError, OutOfMemoryError, DeviceLostError, UnavailableError, FileError,
    Cancelled, InternalError)}


def error_of(code: int, message: str) -> KraitError:
    """The exception for a code of the C API other than OK."""
    return _BY_CODE.get(Code(code), InternalError)(message)
