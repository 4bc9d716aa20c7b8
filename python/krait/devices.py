# SPDX-License-Identifier: Apache-2.0
"""Devices that models can run on, and the folders of their plugins."""

from __future__ import annotations

import os
from ctypes import byref
from dataclasses import dataclass

from krait._c import calls
from krait._c.cell import Cell
from krait._c.loader import lib
from krait._c.structs import krait_model_device_info
from krait.errors import NotFoundError


@dataclass(frozen=True)
class Device:
    """A device of this machine. error: why it cannot be used, a sentence; None where it can."""

    name: str  # for load(device=...): "cuda0"
    product: str  # "NVIDIA H100"
    features: str
    error: str | None
    memory_total: int  # bytes; 0 where it cannot be used
    memory_free: int
    is_auto: bool  # device="auto" may select it


@dataclass(frozen=True)
class ModelDevice:
    """A device that a model runs on."""

    name: str  # "cuda0"
    family: str  # "cuda"
    variant: str  # of the backend, chosen for this machine: "avx512"; may be empty
    product: str
    features: str
    is_processor: bool  # the CPU of this process


def devices() -> list[Device]:
    """The devices that there are now, in the order in which "auto" tries them. Loads plugins and drivers, which may take seconds."""
    cell = Cell("list of devices", calls.create(lib.krait_device_list_create), lib.krait_device_list_free)
    with cell.use() as pointer:
        result = [_device(pointer, index) for index in range(lib.krait_device_list_size(pointer))]
    cell.close()
    return result


def model_devices(cell: Cell) -> list[ModelDevice]:
    struct = krait_model_device_info.init()
    result: list[ModelDevice] = []
    with cell.use() as model:
        try:
            while True:
                calls.call(lib.krait_model_device_at, model, len(result), byref(struct))
                result.append(ModelDevice(_text(struct.name), _text(struct.family), _text(struct.variant), _text(struct.product),
                                          _text(struct.features), bool(struct.is_processor)))
        except NotFoundError:
            return result


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _device(devices: int, index: int) -> Device:
    error = lib.krait_device_error(devices, index)
    return Device(_text(lib.krait_device_name(devices, index)), _text(lib.krait_device_product(devices, index)),
                  _text(lib.krait_device_features(devices, index)), None if error is None else _text(error),
                  lib.krait_device_memory_total(devices, index), lib.krait_device_memory_free(devices, index),
                  bool(lib.krait_device_is_auto(devices, index)))


def add_backend_folder(path: str | os.PathLike[str]) -> None:
    """Looks for plugins in this folder too. Before the first model is loaded or device listed."""
    calls.call(lib.krait_backend_folder_add, os.fsencode(path))
