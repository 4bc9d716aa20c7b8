# SPDX-License-Identifier: Apache-2.0
"""Where the time of a model's runs goes: by node, by name over all layers, or by operator (include/krait/profile.h)."""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from krait._c import calls
from krait._c.cell import Exclusive
from krait._c.enums import krait_phase, krait_profile_group
from krait._c.loader import lib
from krait._c.structs import krait_phase_sums, krait_profile_entry, krait_profile_event, krait_profile_options

if TYPE_CHECKING:
    from krait.model import Model

Phase = Literal["prompt", "decode"]
Group = Literal["node", "name", "operator"]


@dataclass(frozen=True)
class Entry:
    """Sums over the executions of one node, or of a group of them."""

    name: str
    op: str
    layer: int  # from 0; -1 the embedding, -2 the head, -3 several
    device: str
    n_call: int
    seconds: float
    min_seconds: float
    bytes_read: float
    bytes_written: float
    operations: float  # floating-point operations; 0: not counted


@dataclass(frozen=True)
class Event:
    """One execution of one node."""

    name: str
    op: str
    layer: int
    device: str
    phase: Phase
    run: int
    start_ns: int  # of a monotonic clock
    end_ns: int
    bytes: int


class Profile:
    """Records the runs of sessions that are made with it: model.session(profile=profile). Nodes then run one at a time, which is slower.

    Threads: one at a time, with its sessions.
    """

    def __init__(self, model: Model, *, max_events: int = 0) -> None:
        """max_events: how many executions are kept as events for a timeline."""
        options = krait_profile_options.init()
        options.max_events = max_events
        with model._cell.use() as pointer:
            self._cell = Exclusive("profile", calls.create(lib.krait_profile_create, pointer, byref(options)), lib.krait_profile_free)

    def pause(self, is_paused: bool = True) -> None:
        """Runs are not recorded from now on, such as those that warm up; False: they are."""
        with self._cell.use() as profile:
            lib.krait_profile_pause(profile, int(is_paused))

    def sums(self, phase: Phase = "decode") -> krait_phase_sums:
        """Runs, tokens and times of a phase."""
        with self._cell.use() as profile:
            return calls.measured(krait_phase_sums, lib.krait_profile_phase, profile, int(krait_phase[phase.upper()]))

    def entries(self, phase: Phase = "decode", group: Group = "operator") -> list[Entry]:
        """Sums: nodes in the order in which they first ran, names and operators with the longest time first."""
        which = int(krait_phase[phase.upper()]), int(krait_profile_group[group.upper()])
        struct = krait_profile_entry.init()
        result = []
        with self._cell.use() as profile:
            for index in range(lib.krait_profile_entry_count(profile, *which)):
                calls.call(lib.krait_profile_entry_at, profile, *which, index, byref(struct))
                result.append(Entry(calls.text_at(struct.name, struct.name_size), (struct.op or b"").decode(), struct.layer,
                                    self._device(profile, struct.device), struct.n_call, struct.seconds, struct.min_seconds,
                                    struct.bytes_read, struct.bytes_written, struct.operations))
        return result

    def events(self) -> list[Event]:
        """The executions that were kept, the earliest first."""
        struct = krait_profile_event.init()
        result = []
        with self._cell.use() as profile:
            for index in range(lib.krait_profile_event_count(profile)):
                calls.call(lib.krait_profile_event_at, profile, index, byref(struct))
                phase: Phase = "prompt" if struct.phase == krait_phase.PROMPT else "decode"
                result.append(Event(calls.text_at(struct.name, struct.name_size), (struct.op or b"").decode(), struct.layer,
                                    self._device(profile, struct.device), phase, struct.run, struct.start_ns, struct.end_ns, struct.bytes))
        return result

    @property
    def n_dropped(self) -> int:
        """Events beyond max_events."""
        with self._cell.use() as profile:
            return lib.krait_profile_dropped_count(profile)

    @staticmethod
    def _device(profile: int, index: int) -> str:
        return (lib.krait_profile_device(profile, index) or b"").decode()

    def close(self) -> None:
        """Frees it; its sessions may go on. Safe to call again."""
        self._cell.close()
