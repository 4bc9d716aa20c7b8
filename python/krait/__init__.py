# SPDX-License-Identifier: Apache-2.0
"""State-space language models on any device a machine has.

    import krait
    model = krait.demo()                        # or krait.load("model.gguf", device="cpu", quantize="q4_k")
    print(model.generate("The sea was", max_tokens=40, seed=3))
    for piece in model.stream("The sea was"):   # or `async for`
        print(piece, end="", flush=True)

docs/python.md shows the rest: sessions, chat, grammars, engines.
"""

from krait._c.loader import lib as _lib
from krait._c.structs import krait_engine_figures as EngineFigures
from krait._c.structs import krait_perplexity as Perplexity
from krait._c.structs import krait_phase_sums as PhaseSums
from krait._c.structs import krait_request_figures as RequestFigures
from krait._c.structs import krait_session_figures as SessionFigures
from krait._c.structs import krait_work as Work
from krait.chat import ChatTemplate, Prompt
from krait.conversation import Conversation
from krait.command import bench, convert, quantize, run_command
from krait.devices import Device, add_backend_folder, devices
from krait.engine import Engine, EngineOptions, RequestOptions
from krait.errors import (
    BusyError,
    Cancelled,
    ClosedError,
    Code,
    CorruptFileError,
    DeviceLostError,
    FileError,
    InternalError,
    InvalidArgumentError,
    KraitError,
    NotFoundError,
    OutOfMemoryError,
    StaleError,
    UnavailableError,
    UnsupportedError,
)
from krait.generation import Answer, Stream, TextOptions
from krait.grammar import Grammar, GrammarState, Match
from krait.log import Severity, set_log
from krait.metadata import Metadata, Tensor
from krait.model import LoadOptions, Model, demo, load
from krait.perplexity import PerplexityOptions
from krait.profile import Entry, Event, Profile
from krait.request import Finished, Request, Token
from krait.sampling import Sampler, SamplingOptions
from krait.session import Candidate, Item, Session, SessionOptions
from krait.tokenizer import Detokenizer, Tokenizer
from krait.views import View

__version__ = (_lib.krait_version() or b"").decode()

__all__ = [
    "Answer", "BusyError", "Cancelled", "Candidate", "ChatTemplate", "ClosedError", "Code", "Conversation", "CorruptFileError", "Detokenizer", "Device",
    "DeviceLostError", "Engine", "EngineFigures", "EngineOptions", "Entry", "Event", "FileError", "Finished", "Grammar", "GrammarState",
    "InternalError", "InvalidArgumentError", "Item", "KraitError", "LoadOptions", "Match", "Metadata", "Model", "NotFoundError",
    "OutOfMemoryError", "Perplexity", "PerplexityOptions", "PhaseSums", "Profile", "Prompt", "Request", "RequestFigures", "RequestOptions",
    "Sampler", "SamplingOptions", "Session", "SessionFigures", "SessionOptions", "Severity", "StaleError", "Stream", "Tensor", "TextOptions",
    "Token", "Tokenizer", "UnavailableError", "UnsupportedError", "View", "Work", "add_backend_folder", "bench", "convert", "demo", "devices",
    "load", "quantize", "run_command", "set_log",
]
