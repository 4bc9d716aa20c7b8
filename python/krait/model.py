# SPDX-License-Identifier: Apache-2.0
"""Models: load one, and let it write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import byref, c_int64, c_size_t, c_void_p
from functools import cached_property
from typing import Any, TypedDict, Unpack

from krait._c import calls
from krait._c.cell import Cell
from krait._c.enums import krait_explain_form
from krait._c.loader import lib
from krait._c.structs import krait_model_options, krait_perplexity, krait_work
from krait.chat import ChatTemplate, Message, Prompt
from krait.devices import ModelDevice, model_devices
from krait.engine import Engine, EngineOptions
from krait.errors import NotFoundError
from krait.generation import Answer, Stream, Text, TextOptions, plan_of, prompt_tokens
from krait.metadata import Metadata, Tensor, read_files, read_tensors
from krait.perplexity import PerplexityOptions, measure
from krait.profile import Profile
from krait.session import Hidden, Session, SessionOptions
from krait.tokenizer import Tokenizer
from krait.views import numpy

# Sessions that a model keeps for the next text, with their compiled programs. Threads beyond that make new ones.
_MAX_KEPT = 4


class LoadOptions(TypedDict, total=False):
    """How a model is loaded (include/krait/model.h); what is left out has the defaults of the C API."""

    device: str | None  # "cpu", "cuda0", "cpu:avx2:threads=2", "cuda0,cpu", "auto"; None: $KRAIT_DEVICE, or "auto"
    quantize: str | None  # "q4_k", "q8_0", ...: matrices of a model in F32, F16 or BF16 are quantized while it is loaded
    tokenizer: str | os.PathLike[str] | None  # a folder with a tokenizer, or its file, instead of the model's own
    cache_type: str | None  # of keys and values, where a model has attention: "f16", "f32", "q8_0"
    layers: str | None  # "20,4": layers of each of several devices
    split: str | None  # "3,1": their proportions
    place: Sequence[str]  # "regex=device": nodes of these names go there
    max_memory: Sequence[str]  # "device=8G"
    weights: bool  # False: only metadata, tensors and vocabulary; no device is opened
    mmap: bool  # False: the file is read, and may change afterwards
    progress: calls.Report | None  # (bytes of weights done, of all); False ends it (Cancelled), and so does Ctrl-C


class Model:
    """The contents of a GGUF file or of a folder from Hugging Face. Made by load() and demo().

    Threads: any number at once. Sessions and engines keep what they need of it, so it may be closed before them.
    Pickled is how it was loaded: the other side loads the file again.
    """

    def __init__(self, path: str | os.PathLike[str] | None, **options: Unpack[LoadOptions]) -> None:
        self._source = (path, {name: value for name, value in options.items() if name != "progress"})
        unknown = options.keys() - LoadOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"load() has no option '{min(unknown)}'; there are {', '.join(LoadOptions.__annotations__)}")
        struct = krait_model_options.init()
        for ours, theirs in (("device", "device"), ("quantize", "type"), ("cache_type", "cache_type"), ("layers", "layers"), ("split", "split")):
            value = options.get(ours)
            setattr(struct, theirs, None if value is None else calls.c_text(str(value)))
        tokenizer = options.get("tokenizer")
        struct.tokenizer = None if tokenizer is None else os.fsencode(tokenizer)
        place, max_memory = calls.texts_of(options.get("place", ())), calls.texts_of(options.get("max_memory", ()))
        struct.place, struct.n_place = place, len(place)
        struct.max_memory, struct.n_max_memory = max_memory, len(max_memory)
        struct.no_weights, struct.no_mmap = int(not options.get("weights", True)), int(not options.get("mmap", True))
        told = calls.Progress(options.get("progress"))
        struct.progress = told.callback
        out = c_void_p()
        calls.run(told, lib.krait_model_load, None if path is None else os.fsencode(path), byref(struct), byref(out))
        self._cell = Cell("model", out.value, lib.krait_model_free)
        self._kept: list[Session] = []

    # ---- text ----

    def generate(self, prompt: Text, **options: Unpack[TextOptions]) -> Answer:
        """The text with which the model continues a prompt (a text, token ids, or a rendered conversation), without the prompt.

        The same seed gives the same text. May be called from many threads. Ctrl-C ends it between two tokens or runs.
        """
        return self.stream(prompt, **options).answer()

    def stream(self, prompt: Text, **options: Unpack[TextOptions]) -> Stream:
        """The same piece by piece: `for piece in model.stream(...)`, or `async for`."""
        session = self._kept.pop() if self._kept else self.session()
        return Stream(session, plan_of(prompt, options), done=lambda: self._keep(session))

    def _keep(self, session: Session) -> None:
        if self._cell.is_open and len(self._kept) < _MAX_KEPT:
            session.reset()
            self._kept.append(session)
        else:
            session.close()

    def chat(self, messages: Sequence[Message], *, template: ChatTemplate | str | None = None, variables: Mapping[str, Any] | None = None,
             **options: Unpack[TextOptions]) -> Answer:
        """The model's answer to a conversation. template: Jinja instead of the model's. variables: for the template: {"tools": [...]}."""
        return self.generate(self.chat_prompt(messages, template=template, variables=variables), **options)

    def chat_prompt(self, messages: Sequence[Message], *, template: ChatTemplate | str | None = None,
                    variables: Mapping[str, Any] | None = None) -> Prompt:
        """A conversation as the text that the model continues: for generate(), stream() and Engine.submit()."""
        if not isinstance(template, ChatTemplate):
            template = self._template if template is None else ChatTemplate(self, template)
        return template.render(messages, **(variables or {}))

    @cached_property
    def _template(self) -> ChatTemplate:
        return ChatTemplate(self)

    def embed(self, texts: Sequence[Text], *, pooling: Hidden = "mean") -> Any:
        """Hidden states of texts, float32 [len(texts), d_model]: the mean over the tokens, or that of the last one ("last")."""
        if pooling not in ("mean", "last"):
            raise ValueError(f"pooling is 'mean' or 'last', not '{pooling}'")
        rows = []
        with self._borrowed() as session:
            for text in texts:
                session.reset()
                session.read(prompt_tokens(self, text), want="none", hidden=pooling)
                rows.append(session.hidden())
        return numpy().stack(rows) if rows else numpy().zeros((0, self.d_model), "float32")

    @contextmanager
    def _borrowed(self) -> Iterator[Session]:
        session = self._kept.pop() if self._kept else self.session()
        try:
            yield session
        finally:
            self._keep(session)

    # ---- parts ----

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self._cell)

    def session(self, *, profile: Profile | None = None, profile_plain: bool = False, **options: Unpack[SessionOptions]) -> Session:
        """Sequences that the model continues, under the application's control."""
        return Session(self, profile=profile, profile_plain=profile_plain, **options)

    def engine(self, **options: Unpack[EngineOptions]) -> Engine:
        """Many requests at once, from any thread."""
        return Engine(self, **options)

    def profile(self, *, max_events: int = 0) -> Profile:
        """Where the time goes: for session(profile=...)."""
        return Profile(self, max_events=max_events)

    def perplexity(self, text: str | bytes, **options: Unpack[PerplexityOptions]) -> krait_perplexity:
        """How well the model predicts a text (docs/evaluation.md)."""
        return measure(self._cell, text, options)

    # ---- properties ----

    def check(self) -> None:
        """Raises where Krait cannot run a model that was loaded without weights: why not."""
        with self._cell.use() as model:
            calls.call(lib.krait_model_check, model)

    def _text(self, value: bytes | None) -> str | None:
        return None if value is None else value.decode("utf-8", "replace")

    @property
    def name(self) -> str:
        """The path, or "the demo model"."""
        with self._cell.use() as model:
            return self._text(lib.krait_model_name(model)) or ""

    @property
    def architecture(self) -> str | None:
        """general.architecture; None where check() raises."""
        with self._cell.use() as model:
            return self._text(lib.krait_model_architecture(model))

    @property
    def device(self) -> str | None:
        """"cpu", or several: "cuda0,cpu"; None: no weights."""
        with self._cell.use() as model:
            return self._text(lib.krait_model_device(model))

    @property
    def hardware(self) -> str | None:
        """Names of the hardware."""
        with self._cell.use() as model:
            return self._text(lib.krait_model_hardware(model))

    @property
    def n_vocab(self) -> int:
        """Number of logits."""
        with self._cell.use() as model:
            return lib.krait_model_n_vocab(model)

    @property
    def is_tied(self) -> bool:
        """The embedding is the output matrix too."""
        with self._cell.use() as model:
            return bool(lib.krait_model_is_tied(model))

    @property
    def n_layer(self) -> int:
        with self._cell.use() as model:
            return lib.krait_model_n_layer(model)

    @property
    def d_model(self) -> int:
        """Floats of a hidden state."""
        with self._cell.use() as model:
            return lib.krait_model_d_model(model)

    @property
    def state_bytes(self) -> int:
        """Of the recurrent state of one sequence, whatever its length."""
        with self._cell.use() as model:
            return lib.krait_model_state_bytes(model)

    @property
    def token_bytes(self) -> int:
        """That each token of a sequence adds: keys and values of models with attention, else 0."""
        with self._cell.use() as model:
            return lib.krait_model_token_bytes(model)

    @property
    def weight_bytes(self) -> int:
        """As stored in the file."""
        with self._cell.use() as model:
            return lib.krait_model_weight_bytes(model)

    @property
    def device_bytes(self) -> int:
        """Memory of the weights on all devices."""
        with self._cell.use() as model:
            return lib.krait_model_device_bytes(model)

    @property
    def hash(self) -> int:
        """Saved sequences can be loaded by models with the same one."""
        with self._cell.use() as model:
            return lib.krait_model_hash(model)

    @cached_property
    def has_top_k(self) -> bool:
        """Its device can find the most likely tokens."""
        with self._cell.use() as model:
            return bool(lib.krait_model_has_top_k(model))

    @property
    def chain_length(self) -> int:
        """The recommended count of Session.chain."""
        with self._cell.use() as model:
            return lib.krait_model_chain_length(model)

    @property
    def sizes(self) -> dict[str, int]:
        """Hyperparameters that only some architectures have: {"d_inner": 768, ...}."""
        result: dict[str, int] = {}
        name, size, value = c_void_p(), c_size_t(), c_int64()
        with self._cell.use() as model:
            try:
                while True:
                    calls.call(lib.krait_model_size, model, len(result), byref(name), byref(size), byref(value))
                    result[calls.text_at(name.value, size.value)] = value.value
            except NotFoundError:
                return result

    @property
    def warnings(self) -> list[str]:
        """Flaws of the file that do not prevent its use."""
        result: list[str] = []
        with self._cell.use() as model:
            while (warning := lib.krait_model_warning(model, len(result))) is not None:
                result.append(warning.decode("utf-8", "replace"))
        return result

    @property
    def devices(self) -> list[ModelDevice]:
        """In the order of `device`, each with its variant and hardware."""
        return model_devices(self._cell)

    @property
    def metadata(self) -> Metadata:
        """Metadata of the file by key."""
        return Metadata(self._cell)

    @property
    def files(self) -> list[str]:
        """One, or the shards of a model that is split."""
        return read_files(self._cell)

    @property
    def file_bytes(self) -> int:
        """Of all files together."""
        with self._cell.use() as model:
            return lib.krait_model_file_bytes(model)

    @property
    def format_version(self) -> int | None:
        """Of GGUF: 2 or 3; None: a folder."""
        with self._cell.use() as model:
            return lib.krait_model_format_version(model) or None

    @property
    def tensors(self) -> list[Tensor]:
        """In the order of the file."""
        return read_tensors(self._cell)

    @property
    def work(self) -> krait_work:
        """The minimum that a run reads and computes (roofline)."""
        with self._cell.use() as model:
            return calls.measured(krait_work, lib.krait_model_work, model)

    def explain(self, rows: int = 1, *, dot: bool = False) -> str:
        """The placement of each node for runs of so many tokens: a table, or a graph for Graphviz."""
        form = krait_explain_form.DOT if dot else krait_explain_form.TABLE
        with self._cell.use() as model:
            return calls.sized_bytes(lib.krait_model_explain, model, rows, int(form)).decode("utf-8", "replace")

    # ---- life ----

    def close(self) -> None:
        """Frees it when nobody uses it. Safe to call again."""
        kept, self._kept = self._kept, []
        for session in kept:
            session.close()
        self._cell.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<krait.Model {self.name}: {self.architecture} on {self.device}>" if self._cell.is_open else "<krait.Model, closed>"

    def __getstate__(self) -> Any:
        return self._source

    def __setstate__(self, source: Any) -> None:
        Model.__init__(self, source[0], **source[1])


def load(path: str | os.PathLike[str], **options: Unpack[LoadOptions]) -> Model:
    """Loads a GGUF file (of a split one any shard), or a folder as Hugging Face has them.

    NotFoundError, CorruptFileError, UnsupportedError: the sentence says which file, where in it, and what would be right.
    """
    return Model(path, **options)


def demo(**options: Unpack[LoadOptions]) -> Model:
    """The demo model, which is part of the library: 6.8 million parameters that write sentences and know nothing."""
    return Model(None, **options)


