# SPDX-License-Identifier: Apache-2.0
"""Sequences that a model continues, each with its own state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from ctypes import POINTER, byref, c_double, c_int32, c_size_t, c_uint64, c_void_p, cast, create_string_buffer, pointer
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from krait._c import calls
from krait._c.cell import Exclusive
from krait._c.enums import krait_hidden, krait_want
from krait._c.loader import lib
from krait._c.structs import krait_batch_item, krait_candidate, krait_decode_options, krait_session_figures, krait_session_options
from krait.errors import NotFoundError, StaleError
from krait.profile import Profile
from krait.sampling import Sampler
from krait.views import View, numpy, row_at

if TYPE_CHECKING:
    from krait.generation import Answer, Stream, Text, TextOptions
    from krait.model import Model
    from krait.views import Floats

Want = Literal["none", "last", "all", "top"]
Hidden = Literal["none", "last", "all", "mean"]


class SessionOptions(TypedDict, total=False):
    """Memory and limits of a session (include/krait/session.h); those that are left out have the defaults of the C API."""

    max_sequences: int  # numbered from 0; each takes the memory of one state (1)
    max_batch_tokens: int  # tokens of a run; longer prompts are cut (512)
    max_snapshots: int  # of all sequences together; each takes the memory of a state (0)
    max_chain: int  # tokens of one chain() (1)
    max_forks: int  # states more, for forks that go on in the same run (0)
    exact_shapes: bool  # shapes of runs are not rounded up (False)
    max_cached_tokens: int  # with attention: of all sequences together (0: enough)
    max_sequence_tokens: int  # with attention: of one sequence, its context (0: an equal share, at least 4096)


@dataclass(frozen=True)
class Item:
    """The tokens with which one sequence goes on, and the results to compute.

    want: logits after the last token, after all, none, or the top_k most likely tokens ("top"; Model.has_top_k).
    hidden: results of the final norm, for embeddings. snapshots: after how many of the tokens to keep the state.
    """

    tokens: Iterable[int]
    sequence: int = 0
    want: Want = "last"
    hidden: Hidden = "none"
    snapshots: Sequence[int] = ()
    top_k: int = 0


@dataclass(frozen=True)
class Candidate:
    """One of the most likely tokens."""

    token: int
    logit: float


class Session:
    """Sequences of one model, numbered from 0, each with a state of constant size.

    Threads: one at a time; another one gets BusyError, and nothing has changed. The session keeps its model alive.
    An error of a device may leave a sequence unusable until it is reset, restored or rolled back.
    """

    def __init__(self, model: Model, *, profile: Profile | None = None, profile_plain: bool = False,
                 **options: Unpack[SessionOptions]) -> None:
        """profile: records this session's runs (profile_plain: only the times of whole runs)."""
        struct = calls.filled(krait_session_options, options, SessionOptions)
        self.model = model
        self._options = options
        self._profile = profile
        self._max_batch_tokens = struct.max_batch_tokens
        self._results: list[tuple[Want, Hidden, int]] = []  # of the latest decode: for each item, with its number of tokens
        self._decodes = 0  # that began; a view belongs to one
        with ExitStack() as stack:
            if profile is not None:
                struct.profile = stack.enter_context(profile._cell.use())
                struct.profile_runs = int(profile_plain)
            made = calls.create(lib.krait_session_create, stack.enter_context(model._cell.use()), byref(struct))
        self._cell = Exclusive("session", made, lib.krait_session_free)

    # ---- reading tokens ----

    def read(self, tokens: Iterable[int], sequence: int = 0, *, want: Want = "last", hidden: Hidden = "none", snapshots: Sequence[int] = (),
             progress: calls.Report | None = None) -> None:
        """A sequence goes on with these tokens; results are read by logits(), hidden(), sample(), ..."""
        self.decode([Item(tokens, sequence, want, hidden, snapshots)], progress=progress)

    def decode(self, items: Sequence[Item], *, progress: calls.Report | None = None) -> None:
        """Several sequences go on in one run: prompts and single tokens in any mix, each sequence at most once.

        progress(tokens read, of) is called after each run of a batch with more than max_batch_tokens, and ends the call by returning False
        (Cancelled); so does Ctrl-C. Sequences then hold what was read (length()). After InvalidArgumentError or UnsupportedError no
        sequence has changed.
        """
        structs = (krait_batch_item * len(items))()
        kept = []
        total = 0
        for struct, item in zip(structs, items, strict=True):
            tokens, snapshots = calls.tokens_of(item.tokens), calls.sizes_of(item.snapshots)
            kept.append((tokens, snapshots))
            total += len(tokens)
            struct.struct_size = _ITEM.struct_size
            struct.sequence, struct.top_k = item.sequence, item.top_k
            struct.want, struct.hidden = krait_want[item.want.upper()], krait_hidden[item.hidden.upper()]
            struct.tokens, struct.n_tok = cast(tokens, POINTER(c_int32)), len(tokens)
            struct.snapshots, struct.n_snapshot = cast(snapshots, POINTER(c_size_t)), len(snapshots)
        with self._recording() as session:
            self._begin_decode()
            if total <= self._max_batch_tokens and progress is None:
                calls.call(lib.krait_session_decode, session, structs, len(items), None)
            else:
                told = calls.Progress(progress)
                options = krait_decode_options.init()
                options.progress = told.callback
                calls.run(told, lib.krait_session_decode, session, structs, len(items), byref(options))
            self._results = [(item.want, item.hidden, len(tokens)) for item, (tokens, _) in zip(items, kept, strict=True)]

    def _begin_decode(self) -> None:
        self._decodes += 1
        self._results = []

    def _step(self, item: Any) -> None:
        """Decodes one struct krait_batch_item, of one token or a short prompt: the inner loop of streams."""
        with self._recording() as session:
            self._begin_decode()
            calls.call(lib.krait_session_decode, session, byref(item), 1, None)

    @contextmanager
    def _recording(self) -> Any:
        """The session, and its profile with it: runs write into both."""
        if self._profile is None:
            with self._cell.use() as session:
                yield session
        else:
            with self._profile._cell.use(), self._cell.use() as session:
                yield session

    # ---- results of the latest decode ----

    def logits(self, item: int = 0) -> Floats:
        """Logits of the latest decode, a copy: float32 [n_vocab] after the last token; with want="all" [n_tok, n_vocab]."""
        return self._rows(lib.krait_session_logits, item, 0)

    def logits_view(self, item: int = 0, row: int = 0) -> View:
        """The same without a copy, of one row (with want="all" that of a token). Raises StaleError after the next decode."""
        return self._view(lib.krait_session_logits, item, row)

    def hidden(self, item: int = 0) -> Floats:
        """Hidden states of the latest decode, a copy: float32 [d_model]; with hidden="all" [n_tok, d_model]."""
        return self._rows(lib.krait_session_hidden, item, 1)

    def hidden_view(self, item: int = 0, row: int = 0) -> View:
        """The same without a copy, of one row. Raises StaleError after the next decode."""
        return self._view(lib.krait_session_hidden, item, row)

    def _row(self, function: Any, session: int, item: int, row: int) -> Any:
        numbers, size = c_void_p(), c_size_t()
        calls.call(function, session, item, row, byref(numbers), byref(size))
        return row_at(numbers.value, size.value)

    def _rows(self, function: Any, item: int, kind: int) -> Floats:
        module = numpy()
        with self._cell.use() as session:
            if not 0 <= item < len(self._results):
                raise NotFoundError(f"the latest decode has no item {item}; it has {len(self._results)}")
            is_all, count = self._results[item][kind] == "all", self._results[item][2]
            rows = [module.ctypeslib.as_array(self._row(function, session, item, row)) for row in range(count if is_all else 1)]
            made: Floats = module.stack(rows) if is_all else rows[0].copy()
            return made

    def _view(self, function: Any, item: int, row: int) -> View:
        with self._cell.use() as session:
            of = self._decodes
            numbers = self._row(function, session, item, row)

        @contextmanager
        def claim() -> Any:
            with self._cell.use():
                if self._decodes != of:
                    raise StaleError("these numbers are gone: the session has decoded since. Take a copy before (logits(), hidden())")
                yield

        return View(numbers, claim)

    def logprobs(self, tokens: Iterable[int], item: int = 0, row: int = 0) -> list[float]:
        """ln p of each of these tokens after a row of logits; p is the softmax over the vocabulary, in double.

        Of a prompt that was read with want="all" row i has the probabilities of token i + 1.
        """
        array = calls.tokens_of(tokens)
        out = (c_double * len(array))()
        with self._cell.use() as session:
            calls.call(lib.krait_session_logprobs, session, item, row, array, len(array), out)
        return out[:]

    def candidates(self, item: int = 0) -> list[Candidate]:
        """The most likely tokens of an item with want="top", the most likely first."""
        found, size = c_void_p(), c_size_t()
        with self._cell.use() as session:
            calls.call(lib.krait_session_candidates, session, item, byref(found), byref(size))
            return _candidates(found, size)

    def sample(self, sampler: Sampler, item: int = 0) -> int:
        """Chooses the token that follows an item, and remembers it for the repetition penalty."""
        token = c_int32()
        with self._cell.use() as session, sampler._cell.use() as pointer_of:
            calls.call(lib.krait_session_sample, session, item, pointer_of, byref(token))
        return token.value

    def chain(self, token: int, count: int, sequence: int = 0, *, stops: Iterable[int] = ()) -> list[Candidate]:
        """Greedy decoding of up to `count` tokens in one call (max_chain), which a GPU does without the host. The sequence has then read `token`
        and all found tokens but the last."""
        found, size = c_void_p(), c_size_t()
        ends = calls.tokens_of(stops)
        with self._recording() as session:
            self._begin_decode()
            calls.call(lib.krait_session_chain, session, sequence, token, count, ends, len(ends), byref(found), byref(size))
            self._results = [("top", "none", 1)]
            return _candidates(found, size)

    # ---- text ----

    def generate(self, prompt: Text, sequence: int = 0, **options: Unpack[TextOptions]) -> Answer:
        """The text with which a sequence continues, after what it has read and this prompt. It has then read all of it but the last token."""
        return self.stream(prompt, sequence, **options).answer()

    def stream(self, prompt: Text, sequence: int = 0, **options: Unpack[TextOptions]) -> Stream:
        """The same piece by piece. StaleError where the sequence changes meanwhile in another way."""
        from krait.generation import Stream, plan_of  # which needs this module
        return Stream(self, plan_of(prompt, options), sequence)

    # ---- sequences ----

    def length(self, sequence: int = 0) -> int:
        """How many tokens it has read."""
        count = c_size_t()
        self._call(lib.krait_session_length, sequence, byref(count))
        return count.value

    def room(self, sequence: int = 0) -> int | None:
        """By how many tokens it can go on, if no other one does before; None: without end, as of a model without attention."""
        count = c_uint64()
        self._call(lib.krait_session_room, sequence, byref(count))
        return None if count.value == 2**64 - 1 else count.value

    def reset(self, sequence: int = 0) -> None:
        """Empties it."""
        self._call(lib.krait_session_reset, sequence)

    def keep(self, sequence: int) -> None:
        """Empties all others."""
        self._call(lib.krait_session_keep, sequence)

    def fork(self, source: int, target: int) -> None:
        """Makes `target` a copy of `source`, with its snapshots. Costs nothing until one of them goes on."""
        self._call(lib.krait_session_fork, source, target)

    def snapshot(self, sequence: int = 0) -> int:
        """Keeps the state as it is (max_snapshots), and returns after how many tokens that is, for rollback()."""
        with self._cell.use():
            self._call(lib.krait_session_snapshot, sequence)
            return self.length(sequence)

    def rollback(self, tokens: int, sequence: int = 0) -> None:
        """To the snapshot after so many tokens; later ones are dropped. 0 resets. NotFoundError where there is none: it lists those there are."""
        self._call(lib.krait_session_rollback, sequence, tokens)

    def drop_snapshot(self, tokens: int, sequence: int = 0) -> None:
        self._call(lib.krait_session_snapshot_drop, sequence, tokens)

    def snapshots(self, sequence: int = 0) -> list[int]:
        """After how many tokens there are snapshots, ascending."""
        count = c_size_t()
        with self._cell.use() as session:
            calls.call(lib.krait_session_snapshots, session, sequence, None, 0, byref(count))
            out = (c_size_t * max(count.value, 1))()
            calls.call(lib.krait_session_snapshots, session, sequence, out, count.value, byref(count))
        return out[: count.value]

    def save(self, sequence: int = 0) -> bytes:
        """The sequence with its snapshots as bytes, which do not depend on the device. krait.states.read() looks into them."""
        with self._cell.use() as session:
            return calls.sized_bytes(lib.krait_session_save, session, sequence)

    def load(self, data: bytes, sequence: int = 0) -> None:
        """Replaces the sequence by one that was saved, by a session of the same model (Model.hash).

        InvalidArgumentError, CorruptFileError or UnsupportedError where the bytes are of another model, damaged, or of another version:
        nothing has changed then.
        """
        copy = create_string_buffer(bytes(data), len(data))
        self._call(lib.krait_session_restore, sequence, copy, len(data))

    def move(self, model: Model) -> None:
        """All sequences go on on another model: the same file on other devices. Results of the latest decode are gone."""
        with self._cell.use() as session, model._cell.use() as target:
            self._begin_decode()
            calls.call(lib.krait_session_move, session, target)
            self.model = model

    def figures(self) -> krait_session_figures:
        """Memory, and counts and times since the session was made."""
        with self._cell.use() as session:
            return calls.measured(krait_session_figures, lib.krait_session_measure, session)

    def _call(self, function: Any, *arguments: Any) -> None:
        with self._cell.use() as session:
            calls.call(function, session, *arguments)

    def claimed(self) -> AbstractContextManager[object]:
        """For several calls that belong together: `with session.claimed():` others get BusyError meanwhile."""
        return self._cell.use()

    # ---- life ----

    def close(self) -> None:
        """Frees it, or lets the thread that uses it do so. Safe to call again."""
        self._cell.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Pickled are the sequences, and the model by the name of its file."""
        if self._profile is not None:
            raise TypeError("a session with a profile belongs to this process, and cannot be pickled")
        with self._cell.use():
            count = self._options.get("max_sequences", 1)
            saved = {sequence: self.save(sequence) for sequence in range(count) if self.length(sequence)}
        return {"model": self.model, "options": self._options, "sequences": saved}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Session.__init__(self, state["model"], **state["options"])
        for sequence, data in state["sequences"].items():
            self.load(data, sequence)


def _candidates(found: c_void_p, size: c_size_t) -> list[Candidate]:
    structs = cast(found, POINTER(krait_candidate))
    return [Candidate(structs[i].token, structs[i].logit) for i in range(size.value)]


_ITEM = krait_batch_item.init()


def single_item(sequence: int, tokens: Any, want: krait_want, top_k: int) -> Any:
    """A krait_batch_item that is used again and again; it keeps its array of tokens."""
    item = krait_batch_item.init()
    item.sequence, item.want, item.top_k = sequence, int(want), top_k
    item.tokens, item.n_tok = cast(pointer(tokens), POINTER(c_int32)), len(tokens)
    return item


__all__ = ["Candidate", "Hidden", "Item", "Session", "SessionOptions", "Want"]
