# SPDX-License-Identifier: Apache-2.0
"""Text to tokens and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import byref, c_int32, c_size_t, c_void_p

from krait._c import calls
from krait._c.cell import Cell, Exclusive
from krait._c.enums import krait_detokenize_flags, krait_tokenize_flags
from krait._c.loader import lib
from krait._c.structs import krait_detokenizer_options


class Tokenizer:
    """The tokenizer of a model (model.tokenizer); it needs no weights. Threads: any number at once.

    A model without a tokenizer that Krait supports raises NotFoundError, UnsupportedError or CorruptFileError here, and works with token ids.
    """

    def __init__(self, model: Cell) -> None:
        self._model = model

    def encode(self, text: str, *, control: bool = False, begin: bool = True, end: bool = False) -> list[int]:
        """Token ids of a text.

        control: the text of a control token ("<|im_end|>") becomes that token. Leave it False for texts of users: they could end their turn.
        begin, end: the begin- or end-of-text token around it, where the model wants one.
        """
        flags = control * krait_tokenize_flags.CONTROL | begin * krait_tokenize_flags.BEGIN | end * krait_tokenize_flags.END
        encoded = text.encode()
        with self._model.use() as model:
            # A token has at least one byte of text; three more for bos, eos and a blank that some tokenizers put in front.
            return calls.sized_tokens(lib.krait_model_tokenize, model, encoded, len(encoded), int(flags), room=len(encoded) + 3)

    def decode_bytes(self, tokens: Iterable[int], *, control: bool = False) -> bytes:
        """The exact bytes of tokens, which may begin or end inside a character. control: control tokens are written as their text."""
        array = calls.tokens_of(tokens)
        flags = krait_detokenize_flags.CONTROL if control else krait_detokenize_flags.TEXT
        with self._model.use() as model:
            return calls.sized_bytes(lib.krait_model_detokenize, model, array, len(array), int(flags))

    def decode(self, tokens: Iterable[int], *, control: bool = False) -> str:
        """The text of tokens; bytes that are no character become U+FFFD."""
        return self.decode_bytes(tokens, control=control).decode("utf-8", "replace")

    def token(self, text: str) -> int:
        """The token with this text in the vocabulary: "<|im_end|>", "\\u0120the" for " the". NotFoundError where there is none."""
        token = c_int32()
        encoded = text.encode()
        with self._model.use() as model:
            calls.call(lib.krait_model_token, model, encoded, len(encoded), byref(token))
        return token.value

    def token_text(self, token: int) -> str:
        """The text of a token in the vocabulary."""
        with self._model.use() as model:
            return calls.pointed_text(lib.krait_model_token_text, model, token).decode("utf-8", "replace")

    @property
    def ends(self) -> list[int]:
        """Tokens that end a text, a turn or a message, ascending."""
        with self._model.use() as model:
            return calls.sized_tokens(lib.krait_model_ends, model)

    @property
    def bos(self) -> int | None:
        """The begin-of-text token; None: there is none."""
        with self._model.use() as model:
            token = lib.krait_model_bos(model)
        return token if token >= 0 else None

    @property
    def eos(self) -> int | None:
        """The end-of-text token; None: there is none."""
        with self._model.use() as model:
            token = lib.krait_model_eos(model)
        return token if token >= 0 else None

    def is_end(self, token: int) -> bool:
        """Whether it ends a text, a turn or a message."""
        with self._model.use() as model:
            return bool(lib.krait_model_is_end(model, token))

    def is_control(self, token: int) -> bool:
        """Whether it stands for no text."""
        with self._model.use() as model:
            return bool(lib.krait_model_is_control(model, token))

    def __len__(self) -> int:
        """How many tokens there are: ids from 0 to that - 1."""
        with self._model.use() as model:
            return lib.krait_model_n_token(model)

    def detokenizer(self, stops: Sequence[str] = ()) -> Detokenizer:
        """For tokens as they are generated."""
        return Detokenizer(self, stops)


class Detokenizer:
    """Turns tokens into text as they come, in whole characters, and ends the text before the first of several stop texts.

    Text that may be the beginning of a stop text is held back. Control tokens are left out. Threads: one at a time.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        options = krait_detokenizer_options.init()
        texts = calls.texts_of([stops] if isinstance(stops, str) else stops)
        options.stops, options.n_stop = texts, len(texts)
        with tokenizer._model.use() as model:
            self._cell = Exclusive("detokenizer", calls.create(lib.krait_detokenizer_create, model, byref(options)), lib.krait_detokenizer_free)
        self._text, self._size = c_void_p(), c_size_t()

    def _take(self) -> str:
        return calls.text_at(self._text.value, self._size.value)

    def push(self, token: int) -> str:
        """The text that follows with this token, which may be none."""
        with self._cell.use() as pointer:
            calls.call(lib.krait_detokenizer_push, pointer, token, byref(self._text), byref(self._size))
            return self._take()

    def prompt(self, tokens: Iterable[int]) -> str:
        """The text of tokens of a prompt: stop texts in them are ignored."""
        array = calls.tokens_of(tokens)
        with self._cell.use() as pointer:
            calls.call(lib.krait_detokenizer_prompt, pointer, array, len(array), byref(self._text), byref(self._size))
            return self._take()

    def finish(self) -> str:
        """The text that was held back. Another text may follow."""
        with self._cell.use() as pointer:
            calls.call(lib.krait_detokenizer_finish, pointer, byref(self._text), byref(self._size))
            return self._take()

    @property
    def is_stopped(self) -> bool:
        """Whether a stop text was found."""
        with self._cell.use() as pointer:
            return bool(lib.krait_detokenizer_is_stopped(pointer))

    def close(self) -> None:
        """Frees it. Safe to call again."""
        self._cell.close()
