# SPDX-License-Identifier: Apache-2.0
"""Which texts a model may write: GBNF, JSON schemas (and pydantic models), regular expressions (docs/grammars.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref, c_float, c_int32, c_size_t, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, NamedTuple

from krait._c import calls
from krait._c.cell import Cell, Exclusive
from krait._c.enums import krait_grammar_kind
from krait._c.loader import lib
from krait._c.structs import krait_grammar_options
from krait.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from krait.model import Model


class Match(NamedTuple):
    """accepted: the grammar accepts the text. matched: how many of its bytes a text of the grammar can begin with."""

    accepted: bool
    matched: int


class Grammar:
    """A compiled grammar. It never changes: threads may share one.

    Errors: InvalidArgumentError says where the text is wrong, by line and column or by the path in a schema.
    """

    def __init__(self, text: str, kind: krait_grammar_kind = krait_grammar_kind.GBNF, *, lenient: bool = False, triggers: Sequence[str] = ()) -> None:
        options = krait_grammar_options.init()
        starts = calls.texts_of(triggers)
        options.kind, options.is_lenient, options.triggers, options.n_trigger = int(kind), int(lenient), starts, len(starts)
        encoded = text.encode()
        self._cell = Cell("grammar", calls.create(lib.krait_grammar_create, encoded, len(encoded), byref(options)), lib.krait_grammar_free)

    @classmethod
    def gbnf(cls, text: str, *, triggers: Sequence[str] = ()) -> Grammar:
        """In GBNF. triggers: the text is free until the first of these comes up, and obeys from its beginning on."""
        return cls(text, krait_grammar_kind.GBNF, triggers=triggers)

    @classmethod
    def json_schema(cls, schema: Any, *, lenient: bool = False, triggers: Sequence[str] = ()) -> Grammar:
        """Of a JSON schema (Draft 2020-12): a dict, its text, or a pydantic model. lenient: keywords that are not supported are left out (warnings)."""
        return cls(schema_text(schema), krait_grammar_kind.JSON_SCHEMA, lenient=lenient, triggers=triggers)

    @classmethod
    def regex(cls, pattern: str, *, triggers: Sequence[str] = ()) -> Grammar:
        """The whole text matches."""
        return cls(pattern, krait_grammar_kind.REGEX, triggers=triggers)

    @classmethod
    def json_object(cls, *, triggers: Sequence[str] = ()) -> Grammar:
        """Any object of JSON."""
        return cls("", krait_grammar_kind.JSON_OBJECT, triggers=triggers)

    @property
    def warnings(self) -> list[str]:
        """Of a lenient grammar."""
        result: list[str] = []
        with self._cell.use() as grammar:
            try:
                while True:
                    result.append(calls.pointed_text(lib.krait_grammar_warning, grammar, len(result)).decode())
            except NotFoundError:
                return result

    def match(self, text: str) -> Match:
        """Whether the grammar accepts a text, and how far it could."""
        accepted, matched = c_int32(), c_size_t()
        encoded = text.encode()
        with self._cell.use() as grammar:
            calls.call(lib.krait_grammar_match, grammar, encoded, len(encoded), byref(accepted), byref(matched))
        return Match(bool(accepted.value), matched.value)

    def state(self, model: Model) -> GrammarState:
        """At the beginning of a text, for tokens of this model."""
        with self._cell.use() as grammar, model._cell.use() as pointer:
            return GrammarState(calls.create(lib.krait_grammar_state_create, grammar, pointer), len(model.tokenizer))

    def close(self) -> None:
        """Frees it; its states live on. Safe to call again."""
        self._cell.close()


class GrammarState:
    """A place in a grammar: the tokens that one text has so far. Threads: one at a time.

    UnsupportedError at a limit (4096 rules inside each other, 64 MiB, about half a second a call): the state is as before.
    """

    def __init__(self, pointer: int | None, n_token: int) -> None:
        self._cell = Exclusive("state of a grammar", pointer, lib.krait_grammar_state_free)
        self._n_token = n_token

    def accept(self, token: int) -> None:
        """The text goes on with it. InvalidArgumentError where it may not."""
        with self._cell.use() as state:
            calls.call(lib.krait_grammar_state_accept, state, token)

    def rollback(self, tokens: int) -> None:
        """Takes so many of the latest tokens back."""
        with self._cell.use() as state:
            calls.call(lib.krait_grammar_state_rollback, state, tokens)

    def reset(self) -> None:
        """To the beginning of a text."""
        with self._cell.use() as state:
            lib.krait_grammar_state_reset(state)

    def clone(self) -> GrammarState:
        """One at the same place, for a fork."""
        with self._cell.use() as state:
            return GrammarState(calls.create(lib.krait_grammar_state_clone, state), self._n_token)

    def allowed(self) -> list[int]:
        """The tokens that may come next, ascending; none after an end token."""
        words, count = c_void_p(), c_size_t()
        with self._cell.use() as state:
            calls.call(lib.krait_grammar_state_mask, state, byref(words), byref(count))
            masks = (c_uint64 * count.value).from_address(words.value)[:] if words.value else []
        return [64 * i + bit for i, mask in enumerate(masks) if mask for bit in range(64) if mask >> bit & 1]

    def mask(self, logits: Iterable[float]) -> list[float]:
        """Logits [n_token] with -inf for tokens that may not come next."""
        values = list(logits)
        buffer = (c_float * len(values))(*values)
        self._apply(buffer)
        return buffer[:]

    def _apply(self, logits: Any) -> None:
        with self._cell.use() as state:
            calls.call(lib.krait_grammar_state_apply, state, logits, len(logits))

    @property
    def is_finished(self) -> bool:
        """Nothing but an end token can follow."""
        finished = c_int32()
        with self._cell.use() as state:
            calls.call(lib.krait_grammar_state_is_finished, state, byref(finished))
        return bool(finished.value)

    @property
    def is_accepting(self) -> bool:
        """The grammar accepts the text as it is."""
        with self._cell.use() as state:
            return bool(lib.krait_grammar_state_is_accepting(state))

    def close(self) -> None:
        """Frees it. Safe to call again."""
        self._cell.close()


def schema_text(schema: Any) -> str:
    """A JSON schema as text, of a dict, a text or a pydantic model."""
    if isinstance(schema, str):
        return schema
    if isinstance(schema, Mapping):
        return json.dumps(schema)
    made = getattr(schema, "model_json_schema", None)  # pydantic's BaseModel
    if made is None:
        made = getattr(schema, "json_schema", None)  # and its TypeAdapter
    if made is None:
        raise InvalidArgumentError(f"a schema is a dict, its text or a pydantic model, not {type(schema).__name__}")
    return json.dumps(made())


def grammar_of(grammar: Grammar | str | None, schema: Any, regex: str | None) -> Grammar | None:
    """What generate() was given: at most one of the three; a text is GBNF."""
    given = [name for name, value in (("grammar", grammar), ("schema", schema), ("regex", regex)) if value is not None]
    if len(given) > 1:
        raise InvalidArgumentError(f"{given[0]} and {given[1]}: a text obeys one of them")
    if schema is not None:
        return Grammar.json_schema(schema)
    if regex is not None:
        return Grammar.regex(regex)
    return Grammar.gbnf(grammar) if isinstance(grammar, str) else grammar
