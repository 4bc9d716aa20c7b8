# SPDX-License-Identifier: Apache-2.0
"""Conversations: from messages to the tokens that a model continues (docs/chat-templates.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from ctypes import byref, c_size_t
from typing import TYPE_CHECKING, Any

from krait._c import calls
from krait._c.cell import Cell
from krait._c.loader import lib
from krait._c.structs import krait_chat_input, krait_chat_template_options
from krait.errors import NotFoundError

if TYPE_CHECKING:
    from krait.model import Model

Message = Mapping[str, Any]


class Prompt:
    """A rendered conversation: text (str), tokens (list), and which parts of the text users wrote. Control tokens in those parts are plain text."""

    def __init__(self, cell: Cell) -> None:
        size = c_size_t()
        with cell.use() as prompt:
            address = lib.krait_chat_prompt_text(prompt, byref(size))
            self._bytes = calls.bytes_at(address, size.value)
            self._tokens: list[int] | None = None
            self._parts = self._read_parts(prompt)
        self._cell = cell
        self.text = self._bytes.decode("utf-8", "replace")

    @staticmethod
    def _read_parts(prompt: int) -> list[tuple[int, int]]:
        parts: list[tuple[int, int]] = []
        begin, end = c_size_t(), c_size_t()
        try:
            while True:
                calls.call(lib.krait_chat_prompt_user_part, prompt, len(parts), byref(begin), byref(end))
                parts.append((begin.value, end.value))
        except NotFoundError:
            return parts

    @property
    def tokens(self) -> list[int]:
        """Token ids. Nothing is added in front or behind."""
        if self._tokens is None:
            with self._cell.use() as prompt:
                self._tokens = calls.sized_tokens(lib.krait_chat_prompt_tokenize, prompt, room=len(self._bytes) + 3)
        return self._tokens

    @property
    def user_parts(self) -> list[str]:
        """What came from the messages, in the order of the text."""
        return [self._bytes[begin:end].decode("utf-8", "replace") for begin, end in self._parts]

    def __str__(self) -> str:
        return self.text


class ChatTemplate:
    """A parsed template of a model (Jinja). It never changes: threads may share one."""

    def __init__(self, model: Model, source: str | None = None, *, name: str | None = None) -> None:
        """source: Jinja instead of the model's own template. name: of one of several of the model ("tool_use").

        NotFoundError: the model has none, or none of that name. InvalidArgumentError: it cannot be parsed; line and column.
        """
        options = krait_chat_template_options.init()
        encoded = source.encode() if source is not None else None
        if encoded is not None:
            options.source, options.source_size = calls.address_of(encoded), len(encoded)
        options.name = calls.c_text(name) if name is not None else None
        with model._cell.use() as pointer:
            made = calls.create(lib.krait_chat_template_create, pointer, byref(options))
        self._cell = Cell("chat template", made, lib.krait_chat_template_free)

    def render(self, messages: Sequence[Message], *, generation: bool = True, max_steps: int = 0, **variables: Any) -> Prompt:
        """The text of a conversation. messages: [{"role": "user", "content": "Hello"}, ...].

        generation: the text ends where the model's answer begins, else with the last message. variables: whatever else the template reads:
        tools=[...], documents=[...], enable_thinking=False. InvalidArgumentError where the template refuses the messages.
        """
        encoded = json.dumps({**variables, "messages": list(messages)}).encode()
        values = krait_chat_input.init()
        values.json, values.json_size = calls.address_of(encoded), len(encoded)
        values.no_generation_prompt, values.max_steps = int(not generation), max_steps
        with self._cell.use() as template:
            made = calls.create(lib.krait_chat_render, template, byref(values))
        return Prompt(Cell("chat prompt", made, lib.krait_chat_prompt_free))

    def close(self) -> None:
        """Frees it. Safe to call again."""
        self._cell.close()
