# SPDX-License-Identifier: Apache-2.0
"""The structs and callbacks of the C API. Made from include/krait/*.h by `tools/check --fix python_declarations`."""

from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p, Structure
from typing import Any

from krait._c.sized import Sized

krait_executor_parallel = CFUNCTYPE(None, c_void_p, c_uint32, c_void_p, c_void_p)
krait_perplexity_options_progress = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64, c_double)
krait_progress = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64)
krait_log = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
krait_wake = CFUNCTYPE(None, c_void_p)
krait_constraint = CFUNCTYPE(c_int, c_void_p, POINTER(c_float), c_size_t)


class krait_failure(Structure):
    code: int
    message: bytes
    _fields_ = [
        ("code", c_int32), ("message", c_char * 1020),
    ]


class krait_chat_template_options(Sized):
    struct_size: int
    source: int | None
    source_size: int
    name: bytes | None
    _fields_ = [
        ("struct_size", c_size_t), ("source", c_void_p), ("source_size", c_size_t), ("name", c_char_p),
    ]
    _defaults_ = {}


class krait_chat_input(Sized):
    struct_size: int
    json: int | None
    json_size: int
    no_generation_prompt: int
    max_steps: int
    _fields_ = [
        ("struct_size", c_size_t), ("json", c_void_p), ("json_size", c_size_t), ("no_generation_prompt", c_int32),
        ("max_steps", c_uint64),
    ]
    _defaults_ = {}


class krait_engine_options(Sized):
    struct_size: int
    max_sequences: int
    max_batch_tokens: int
    max_snapshots: int
    reserved: int
    max_cached_tokens: int
    max_sequence_tokens: int
    step_seconds: float
    max_waiting_requests: int
    max_waiting_tokens: int
    max_host_bytes: int
    folder: bytes | None
    max_folder_bytes: int
    _fields_ = [
        ("struct_size", c_size_t), ("max_sequences", c_int32), ("max_batch_tokens", c_int32), ("max_snapshots", c_int32),
        ("reserved", c_int32), ("max_cached_tokens", c_int64), ("max_sequence_tokens", c_int64), ("step_seconds", c_double),
        ("max_waiting_requests", c_int64), ("max_waiting_tokens", c_int64), ("max_host_bytes", c_uint64), ("folder", c_char_p),
        ("max_folder_bytes", c_uint64),
    ]
    _defaults_ = {"max_sequences": 16, "max_batch_tokens": 512, "max_snapshots": 32, "step_seconds": 0.05, "max_waiting_requests": 512}


class krait_sampler_options(Sized):
    struct_size: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repetition_penalty: float
    repetition_window: int
    seed: int
    constraint: Any
    user: int | None
    _fields_ = [
        ("struct_size", c_size_t), ("temperature", c_float), ("top_k", c_int32), ("top_p", c_float), ("min_p", c_float),
        ("repetition_penalty", c_float), ("repetition_window", c_int32), ("seed", c_uint64), ("constraint", krait_constraint),
        ("user", c_void_p),
    ]
    _defaults_ = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "repetition_penalty": 1.0, "repetition_window": 64}


class krait_request_options(Sized):
    struct_size: int
    tokens: Any
    n_tok: int
    sampler: Any
    stops: Any
    n_stop: int
    max_tokens: int
    n: int
    priority: int
    key: bytes | None
    weight: float
    timeout_seconds: float
    message_ends: Any
    n_message_end: int
    reuse: int
    keep: int
    max_events: int
    wake: Any
    user: int | None
    _fields_ = [
        ("struct_size", c_size_t), ("tokens", POINTER(c_int32)), ("n_tok", c_size_t),
        ("sampler", POINTER(krait_sampler_options)), ("stops", POINTER(c_int32)), ("n_stop", c_size_t),
        ("max_tokens", c_int64), ("n", c_int32), ("priority", c_int32), ("key", c_char_p), ("weight", c_double),
        ("timeout_seconds", c_double), ("message_ends", POINTER(c_size_t)), ("n_message_end", c_size_t), ("reuse", c_int32),
        ("keep", c_int32), ("max_events", c_size_t), ("wake", krait_wake), ("user", c_void_p),
    ]
    _defaults_ = {"max_tokens": -1, "n": 1, "weight": 1.0, "reuse": 1, "keep": 1, "max_events": 256}


class krait_event(Sized):
    struct_size: int
    kind: int
    choice: int
    token: int
    finish: int
    _fields_ = [
        ("struct_size", c_size_t), ("kind", c_int), ("choice", c_int32), ("token", c_int32), ("finish", c_int),
    ]
    _defaults_ = {"token": -1}


class krait_request_figures(Sized):
    struct_size: int
    prompt_tokens: int
    generated_tokens: int
    cached_tokens: int
    common_tokens: int
    reuse: int
    reserved: int
    queue_seconds: float
    prompt_seconds: float
    generation_seconds: float
    _fields_ = [
        ("struct_size", c_size_t), ("prompt_tokens", c_uint64), ("generated_tokens", c_uint64), ("cached_tokens", c_uint64),
        ("common_tokens", c_uint64), ("reuse", c_int), ("reserved", c_int32), ("queue_seconds", c_double),
        ("prompt_seconds", c_double), ("generation_seconds", c_double),
    ]
    _defaults_ = {"reuse": 5}


class krait_engine_figures(Sized):
    struct_size: int
    waiting_requests: int
    waiting_tokens: int
    running_requests: int
    refused_requests: int
    n_step: int
    prompt_tokens: int
    decoded_tokens: int
    step_seconds: float
    run_seconds: float
    lookups: int
    hits: int
    cached_tokens: int
    snapshots: int
    evictions: int
    host_bytes: int
    folder_bytes: int
    since_step: float
    is_idle: int
    reserved: int
    _fields_ = [
        ("struct_size", c_size_t), ("waiting_requests", c_uint64), ("waiting_tokens", c_uint64),
        ("running_requests", c_uint64), ("refused_requests", c_uint64), ("n_step", c_uint64), ("prompt_tokens", c_uint64),
        ("decoded_tokens", c_uint64), ("step_seconds", c_double), ("run_seconds", c_double), ("lookups", c_uint64),
        ("hits", c_uint64), ("cached_tokens", c_uint64), ("snapshots", c_uint64), ("evictions", c_uint64),
        ("host_bytes", c_uint64), ("folder_bytes", c_uint64), ("since_step", c_double), ("is_idle", c_int32),
        ("reserved", c_int32),
    ]
    _defaults_ = {}


class krait_grammar_options(Sized):
    struct_size: int
    kind: int
    is_lenient: int
    triggers: Any
    n_trigger: int
    _fields_ = [
        ("struct_size", c_size_t), ("kind", c_int), ("is_lenient", c_int32), ("triggers", POINTER(c_char_p)),
        ("n_trigger", c_size_t),
    ]
    _defaults_ = {}


class krait_metadata(Sized):
    struct_size: int
    key: int | None
    key_size: int
    type: bytes | None
    n_element: int
    _fields_ = [
        ("struct_size", c_size_t), ("key", c_void_p), ("key_size", c_size_t), ("type", c_char_p), ("n_element", c_uint64),
    ]
    _defaults_ = {}


class krait_tensor(Sized):
    struct_size: int
    name: int | None
    name_size: int
    type: bytes | None
    rank: int
    extents: Any
    bytes: int
    offset: int
    file: int
    _fields_ = [
        ("struct_size", c_size_t), ("name", c_void_p), ("name_size", c_size_t), ("type", c_char_p), ("rank", c_uint32),
        ("extents", c_int64 * 4), ("bytes", c_uint64), ("offset", c_uint64), ("file", c_size_t),
    ]
    _defaults_ = {}


class krait_executor(Sized):
    struct_size: int
    context: int | None
    n_threads: int
    parallel: Any
    _fields_ = [
        ("struct_size", c_size_t), ("context", c_void_p), ("n_threads", c_uint32), ("parallel", krait_executor_parallel),
    ]
    _defaults_ = {"n_threads": 1}


class krait_model_options(Sized):
    struct_size: int
    device: bytes | None
    progress: Any
    user: int | None
    executor: Any
    layers: bytes | None
    split: bytes | None
    place: Any
    n_place: int
    max_memory: Any
    n_max_memory: int
    no_mmap: int
    no_weights: int
    type: bytes | None
    tokenizer: bytes | None
    cache_type: bytes | None
    _fields_ = [
        ("struct_size", c_size_t), ("device", c_char_p), ("progress", krait_progress), ("user", c_void_p),
        ("executor", POINTER(krait_executor)), ("layers", c_char_p), ("split", c_char_p), ("place", POINTER(c_char_p)),
        ("n_place", c_size_t), ("max_memory", POINTER(c_char_p)), ("n_max_memory", c_size_t), ("no_mmap", c_int32),
        ("no_weights", c_int32), ("type", c_char_p), ("tokenizer", c_char_p), ("cache_type", c_char_p),
    ]
    _defaults_ = {}


class krait_model_device_info(Sized):
    struct_size: int
    name: bytes | None
    family: bytes | None
    variant: bytes | None
    product: bytes | None
    features: bytes | None
    is_processor: int
    reserved: int
    _fields_ = [
        ("struct_size", c_size_t), ("name", c_char_p), ("family", c_char_p), ("variant", c_char_p), ("product", c_char_p),
        ("features", c_char_p), ("is_processor", c_int32), ("reserved", c_int32),
    ]
    _defaults_ = {}


class krait_work(Sized):
    struct_size: int
    weight_bytes: int
    head_bytes: int
    embedding_row_bytes: int
    layer_weights: int
    head_weights: int
    type: bytes | None
    _fields_ = [
        ("struct_size", c_size_t), ("weight_bytes", c_uint64), ("head_bytes", c_uint64), ("embedding_row_bytes", c_uint64),
        ("layer_weights", c_uint64), ("head_weights", c_uint64), ("type", c_char_p),
    ]
    _defaults_ = {}


class krait_perplexity_options(Sized):
    struct_size: int
    context: int
    stride: int
    is_stream: int
    batch: int
    max_tokens: int
    save: bytes | None
    base: bytes | None
    progress: Any
    user: int | None
    _fields_ = [
        ("struct_size", c_size_t), ("context", c_int64), ("stride", c_int64), ("is_stream", c_int32), ("batch", c_int32),
        ("max_tokens", c_uint64), ("save", c_char_p), ("base", c_char_p), ("progress", krait_perplexity_options_progress),
        ("user", c_void_p),
    ]
    _defaults_ = {"context": 512, "batch": 4}


class krait_perplexity(Sized):
    struct_size: int
    n_window: int
    n_scored: int
    n_read: int
    n_byte: int
    saved_bytes: int
    nll: float
    nll_standard_error: float
    perplexity: float
    perplexity_standard_error: float
    bits_per_byte: float
    has_base: int
    is_base_same_model: int
    kl: float
    kl_standard_error: float
    kl_median: float
    kl_90: float
    kl_99: float
    kl_max: float
    same_top: float
    same_top_low: float
    same_top_high: float
    dp: float
    dp_standard_error: float
    dp_rms: float
    base_perplexity: float
    perplexity_ratio: float
    perplexity_ratio_standard_error: float
    _fields_ = [
        ("struct_size", c_size_t), ("n_window", c_uint64), ("n_scored", c_uint64), ("n_read", c_uint64), ("n_byte", c_uint64),
        ("saved_bytes", c_uint64), ("nll", c_double), ("nll_standard_error", c_double), ("perplexity", c_double),
        ("perplexity_standard_error", c_double), ("bits_per_byte", c_double), ("has_base", c_int32),
        ("is_base_same_model", c_int32), ("kl", c_double), ("kl_standard_error", c_double), ("kl_median", c_double),
        ("kl_90", c_double), ("kl_99", c_double), ("kl_max", c_double), ("same_top", c_double), ("same_top_low", c_double),
        ("same_top_high", c_double), ("dp", c_double), ("dp_standard_error", c_double), ("dp_rms", c_double),
        ("base_perplexity", c_double), ("perplexity_ratio", c_double), ("perplexity_ratio_standard_error", c_double),
    ]
    _defaults_ = {}


class krait_profile_options(Sized):
    struct_size: int
    max_events: int
    _fields_ = [
        ("struct_size", c_size_t), ("max_events", c_uint64),
    ]
    _defaults_ = {}


class krait_phase_sums(Sized):
    struct_size: int
    n_run: int
    n_tok: int
    node_seconds: float
    run_seconds: float
    n_plain_run: int
    plain_seconds: float
    _fields_ = [
        ("struct_size", c_size_t), ("n_run", c_uint64), ("n_tok", c_uint64), ("node_seconds", c_double),
        ("run_seconds", c_double), ("n_plain_run", c_uint64), ("plain_seconds", c_double),
    ]
    _defaults_ = {}


class krait_profile_entry(Sized):
    struct_size: int
    name: int | None
    name_size: int
    op: bytes | None
    layer: int
    device: int
    n_call: int
    seconds: float
    min_seconds: float
    bytes_read: float
    bytes_written: float
    operations: float
    _fields_ = [
        ("struct_size", c_size_t), ("name", c_void_p), ("name_size", c_size_t), ("op", c_char_p), ("layer", c_int32),
        ("device", c_uint32), ("n_call", c_uint64), ("seconds", c_double), ("min_seconds", c_double), ("bytes_read", c_double),
        ("bytes_written", c_double), ("operations", c_double),
    ]
    _defaults_ = {}


class krait_profile_event(Sized):
    struct_size: int
    name: int | None
    name_size: int
    op: bytes | None
    layer: int
    device: int
    phase: int
    run: int
    start_ns: int
    end_ns: int
    bytes: int
    _fields_ = [
        ("struct_size", c_size_t), ("name", c_void_p), ("name_size", c_size_t), ("op", c_char_p), ("layer", c_int32),
        ("device", c_uint32), ("phase", c_int), ("run", c_uint32), ("start_ns", c_uint64), ("end_ns", c_uint64),
        ("bytes", c_uint64),
    ]
    _defaults_ = {}


class krait_session_options(Sized):
    struct_size: int
    max_sequences: int
    max_batch_tokens: int
    max_snapshots: int
    max_chain: int
    max_forks: int
    exact_shapes: int
    profile: int | None
    profile_runs: int
    reserved: int
    max_cached_tokens: int
    max_sequence_tokens: int
    _fields_ = [
        ("struct_size", c_size_t), ("max_sequences", c_int32), ("max_batch_tokens", c_int32), ("max_snapshots", c_int32),
        ("max_chain", c_int32), ("max_forks", c_int32), ("exact_shapes", c_int32), ("profile", c_void_p),
        ("profile_runs", c_int), ("reserved", c_int32), ("max_cached_tokens", c_int64), ("max_sequence_tokens", c_int64),
    ]
    _defaults_ = {"max_sequences": 1, "max_batch_tokens": 512, "max_chain": 1}


class krait_batch_item(Sized):
    struct_size: int
    sequence: int
    want: int
    tokens: Any
    n_tok: int
    snapshots: Any
    n_snapshot: int
    top_k: int
    hidden: int
    _fields_ = [
        ("struct_size", c_size_t), ("sequence", c_int32), ("want", c_int), ("tokens", POINTER(c_int32)), ("n_tok", c_size_t),
        ("snapshots", POINTER(c_size_t)), ("n_snapshot", c_size_t), ("top_k", c_int32), ("hidden", c_int),
    ]
    _defaults_ = {"want": 1}


class krait_decode_options(Sized):
    struct_size: int
    progress: Any
    user: int | None
    _fields_ = [
        ("struct_size", c_size_t), ("progress", krait_progress), ("user", c_void_p),
    ]
    _defaults_ = {}


class krait_candidate(Structure):
    logit: float
    token: int
    _fields_ = [
        ("logit", c_float), ("token", c_int32),
    ]


class krait_session_figures(Sized):
    struct_size: int
    state_bytes: int
    value_bytes: int
    n_program: int
    n_decode: int
    n_tok: int
    seconds: float
    n_arena: int
    n_bound_again: int
    _fields_ = [
        ("struct_size", c_size_t), ("state_bytes", c_uint64), ("value_bytes", c_uint64), ("n_program", c_uint64),
        ("n_decode", c_uint64), ("n_tok", c_uint64), ("seconds", c_double), ("n_arena", c_uint64), ("n_bound_again", c_uint64),
    ]
    _defaults_ = {}


class krait_detokenizer_options(Sized):
    struct_size: int
    stops: Any
    n_stop: int
    _fields_ = [
        ("struct_size", c_size_t), ("stops", POINTER(c_char_p)), ("n_stop", c_size_t),
    ]
    _defaults_ = {}
