# SPDX-License-Identifier: Apache-2.0
"""The functions of the C API. Made from include/krait/*.h by `tools/check --fix python_declarations`."""

from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from krait._c.structs import (
    krait_batch_item,
    krait_chat_input,
    krait_chat_template_options,
    krait_decode_options,
    krait_detokenizer_options,
    krait_engine_figures,
    krait_engine_options,
    krait_event,
    krait_failure,
    krait_grammar_options,
    krait_log,
    krait_metadata,
    krait_model_device_info,
    krait_model_options,
    krait_perplexity,
    krait_perplexity_options,
    krait_phase_sums,
    krait_profile_entry,
    krait_profile_event,
    krait_profile_options,
    krait_request_figures,
    krait_request_options,
    krait_sampler_options,
    krait_session_figures,
    krait_session_options,
    krait_tensor,
    krait_work,
)

# Name: result, arguments.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "krait_version": (c_char_p, []),
    "krait_log_set": (c_int, [krait_log, c_void_p, POINTER(krait_failure)]),
    "krait_chat_template_create": (c_int, [c_void_p, POINTER(krait_chat_template_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_chat_template_free": (None, [c_void_p]),
    "krait_chat_render": (c_int, [c_void_p, POINTER(krait_chat_input), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_chat_prompt_free": (None, [c_void_p]),
    "krait_chat_prompt_text": (c_void_p, [c_void_p, POINTER(c_size_t)]),
    "krait_chat_prompt_user_part": (c_int, [c_void_p, c_size_t, POINTER(c_size_t), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_chat_prompt_tokenize": (c_int, [c_void_p, POINTER(c_int32), c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_backend_folder_add": (c_int, [c_char_p, POINTER(krait_failure)]),
    "krait_device_list_create": (c_int, [POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_device_list_free": (None, [c_void_p]),
    "krait_device_list_size": (c_size_t, [c_void_p]),
    "krait_device_name": (c_char_p, [c_void_p, c_size_t]),
    "krait_device_product": (c_char_p, [c_void_p, c_size_t]),
    "krait_device_features": (c_char_p, [c_void_p, c_size_t]),
    "krait_device_error": (c_char_p, [c_void_p, c_size_t]),
    "krait_device_memory_total": (c_uint64, [c_void_p, c_size_t]),
    "krait_device_memory_free": (c_uint64, [c_void_p, c_size_t]),
    "krait_device_is_auto": (c_int, [c_void_p, c_size_t]),
    "krait_engine_create": (c_int, [c_void_p, POINTER(krait_engine_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_engine_free": (None, [c_void_p]),
    "krait_engine_submit": (c_int, [c_void_p, POINTER(krait_request_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_request_free": (None, [c_void_p]),
    "krait_request_next": (c_int, [c_void_p, c_double, POINTER(krait_event), POINTER(krait_failure)]),
    "krait_request_cancel": (c_int, [c_void_p, POINTER(krait_failure)]),
    "krait_request_pause": (c_int, [c_void_p, c_int32, POINTER(krait_failure)]),
    "krait_request_continue": (c_int, [c_void_p, POINTER(krait_failure)]),
    "krait_request_measure": (c_int, [c_void_p, POINTER(krait_request_figures), POINTER(krait_failure)]),
    "krait_request_reuse_text": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_request_error": (c_int, [c_void_p, POINTER(krait_failure), POINTER(krait_failure)]),
    "krait_engine_measure": (c_int, [c_void_p, POINTER(krait_engine_figures), POINTER(krait_failure)]),
    "krait_grammar_create": (c_int, [c_char_p, c_size_t, POINTER(krait_grammar_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_grammar_free": (None, [c_void_p]),
    "krait_grammar_warning": (c_int, [c_void_p, c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_grammar_match": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_int32), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_grammar_state_create": (c_int, [c_void_p, c_void_p, POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_grammar_state_free": (None, [c_void_p]),
    "krait_grammar_state_accept": (c_int, [c_void_p, c_int32, POINTER(krait_failure)]),
    "krait_grammar_state_rollback": (c_int, [c_void_p, c_size_t, POINTER(krait_failure)]),
    "krait_grammar_state_reset": (None, [c_void_p]),
    "krait_grammar_state_clone": (c_int, [c_void_p, POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_grammar_state_mask": (c_int, [c_void_p, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_grammar_state_apply": (c_int, [c_void_p, POINTER(c_float), c_size_t, POINTER(krait_failure)]),
    "krait_grammar_state_is_finished": (c_int, [c_void_p, POINTER(c_int32), POINTER(krait_failure)]),
    "krait_grammar_state_is_accepting": (c_int, [c_void_p]),
    "krait_model_format_version": (c_uint32, [c_void_p]),
    "krait_model_file_bytes": (c_uint64, [c_void_p]),
    "krait_model_file_count": (c_size_t, [c_void_p]),
    "krait_model_file_name": (c_char_p, [c_void_p, c_size_t]),
    "krait_model_metadata_count": (c_size_t, [c_void_p]),
    "krait_model_metadata": (c_int, [c_void_p, c_size_t, POINTER(krait_metadata), POINTER(krait_failure)]),
    "krait_model_metadata_find": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_metadata_text": (c_int, [c_void_p, c_size_t, c_int, c_char_p, c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_tensor_count": (c_size_t, [c_void_p]),
    "krait_model_tensor": (c_int, [c_void_p, c_size_t, POINTER(krait_tensor), POINTER(krait_failure)]),
    "krait_model_load": (c_int, [c_char_p, POINTER(krait_model_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_model_free": (None, [c_void_p]),
    "krait_model_check": (c_int, [c_void_p, POINTER(krait_failure)]),
    "krait_model_name": (c_char_p, [c_void_p]),
    "krait_model_architecture": (c_char_p, [c_void_p]),
    "krait_model_device": (c_char_p, [c_void_p]),
    "krait_model_hardware": (c_char_p, [c_void_p]),
    "krait_model_n_vocab": (c_int64, [c_void_p]),
    "krait_model_n_token": (c_int64, [c_void_p]),
    "krait_model_n_layer": (c_int64, [c_void_p]),
    "krait_model_d_model": (c_int64, [c_void_p]),
    "krait_model_is_tied": (c_int, [c_void_p]),
    "krait_model_state_bytes": (c_uint64, [c_void_p]),
    "krait_model_token_bytes": (c_uint64, [c_void_p]),
    "krait_model_weight_bytes": (c_uint64, [c_void_p]),
    "krait_model_device_bytes": (c_uint64, [c_void_p]),
    "krait_model_hash": (c_uint64, [c_void_p]),
    "krait_model_has_top_k": (c_int, [c_void_p]),
    "krait_model_chain_length": (c_int32, [c_void_p]),
    "krait_model_size": (c_int, [c_void_p, c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(c_int64), POINTER(krait_failure)]),
    "krait_model_device_at": (c_int, [c_void_p, c_size_t, POINTER(krait_model_device_info), POINTER(krait_failure)]),
    "krait_model_work": (c_int, [c_void_p, POINTER(krait_work), POINTER(krait_failure)]),
    "krait_model_explain": (c_int, [c_void_p, c_int32, c_int, c_char_p, c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_warning": (c_char_p, [c_void_p, c_size_t]),
    "krait_perplexity_measure": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(krait_perplexity_options), POINTER(krait_perplexity), POINTER(krait_failure)]),
    "krait_profile_create": (c_int, [c_void_p, POINTER(krait_profile_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_profile_free": (None, [c_void_p]),
    "krait_profile_pause": (None, [c_void_p, c_int]),
    "krait_profile_device": (c_char_p, [c_void_p, c_size_t]),
    "krait_profile_phase": (c_int, [c_void_p, c_int, POINTER(krait_phase_sums), POINTER(krait_failure)]),
    "krait_profile_entry_count": (c_size_t, [c_void_p, c_int, c_int]),
    "krait_profile_entry_at": (c_int, [c_void_p, c_int, c_int, c_size_t, POINTER(krait_profile_entry), POINTER(krait_failure)]),
    "krait_profile_event_count": (c_size_t, [c_void_p]),
    "krait_profile_dropped_count": (c_uint64, [c_void_p]),
    "krait_profile_event_at": (c_int, [c_void_p, c_size_t, POINTER(krait_profile_event), POINTER(krait_failure)]),
    "krait_sampler_create": (c_int, [POINTER(krait_sampler_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_sampler_free": (None, [c_void_p]),
    "krait_sampler_needs": (c_int, [c_void_p, POINTER(c_int32), POINTER(krait_failure)]),
    "krait_session_sample": (c_int, [c_void_p, c_size_t, c_void_p, POINTER(c_int32), POINTER(krait_failure)]),
    "krait_sampler_sample": (c_int, [c_void_p, POINTER(c_float), c_size_t, POINTER(c_int32), POINTER(krait_failure)]),
    "krait_sampler_accept": (c_int, [c_void_p, POINTER(c_int32), c_size_t, POINTER(krait_failure)]),
    "krait_sampler_reset": (None, [c_void_p]),
    "krait_sampler_clone": (c_int, [c_void_p, POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_session_create": (c_int, [c_void_p, POINTER(krait_session_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_session_free": (None, [c_void_p]),
    "krait_session_decode": (c_int, [c_void_p, POINTER(krait_batch_item), c_size_t, POINTER(krait_decode_options), POINTER(krait_failure)]),
    "krait_session_logits": (c_int, [c_void_p, c_size_t, c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_hidden": (c_int, [c_void_p, c_size_t, c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_logprobs": (c_int, [c_void_p, c_size_t, c_size_t, POINTER(c_int32), c_size_t, POINTER(c_double), POINTER(krait_failure)]),
    "krait_session_candidates": (c_int, [c_void_p, c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_chain": (c_int, [c_void_p, c_int32, c_int32, c_size_t, POINTER(c_int32), c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_length": (c_int, [c_void_p, c_int32, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_room": (c_int, [c_void_p, c_int32, POINTER(c_uint64), POINTER(krait_failure)]),
    "krait_session_reset": (c_int, [c_void_p, c_int32, POINTER(krait_failure)]),
    "krait_session_fork": (c_int, [c_void_p, c_int32, c_int32, POINTER(krait_failure)]),
    "krait_session_keep": (c_int, [c_void_p, c_int32, POINTER(krait_failure)]),
    "krait_session_snapshot": (c_int, [c_void_p, c_int32, POINTER(krait_failure)]),
    "krait_session_rollback": (c_int, [c_void_p, c_int32, c_size_t, POINTER(krait_failure)]),
    "krait_session_snapshot_drop": (c_int, [c_void_p, c_int32, c_size_t, POINTER(krait_failure)]),
    "krait_session_snapshots": (c_int, [c_void_p, c_int32, POINTER(c_size_t), c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_position": (c_int, [c_void_p, c_int32, POINTER(c_int64), POINTER(krait_failure)]),
    "krait_session_positions_add": (c_int, [c_void_p, c_int32, c_int64, c_int64, c_int64, POINTER(krait_failure)]),
    "krait_session_positions_divide": (c_int, [c_void_p, c_int32, c_int64, c_int64, c_int64, POINTER(krait_failure)]),
    "krait_session_remove": (c_int, [c_void_p, c_int32, c_int64, c_int64, POINTER(krait_failure)]),
    "krait_session_save": (c_int, [c_void_p, c_int32, c_void_p, c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_session_restore": (c_int, [c_void_p, c_int32, c_void_p, c_size_t, POINTER(krait_failure)]),
    "krait_session_move": (c_int, [c_void_p, c_void_p, POINTER(krait_failure)]),
    "krait_session_measure": (c_int, [c_void_p, POINTER(krait_session_figures), POINTER(krait_failure)]),
    "krait_model_tokenize": (c_int, [c_void_p, c_char_p, c_size_t, c_uint32, POINTER(c_int32), c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_detokenize": (c_int, [c_void_p, POINTER(c_int32), c_size_t, c_uint32, c_char_p, c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_token": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_int32), POINTER(krait_failure)]),
    "krait_model_ends": (c_int, [c_void_p, POINTER(c_int32), c_size_t, POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_is_end": (c_int, [c_void_p, c_int32]),
    "krait_model_bos": (c_int32, [c_void_p]),
    "krait_model_eos": (c_int32, [c_void_p]),
    "krait_model_token_text": (c_int, [c_void_p, c_int32, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_model_is_control": (c_int, [c_void_p, c_int32]),
    "krait_detokenizer_create": (c_int, [c_void_p, POINTER(krait_detokenizer_options), POINTER(c_void_p), POINTER(krait_failure)]),
    "krait_detokenizer_free": (None, [c_void_p]),
    "krait_detokenizer_push": (c_int, [c_void_p, c_int32, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_detokenizer_prompt": (c_int, [c_void_p, POINTER(c_int32), c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_detokenizer_finish": (c_int, [c_void_p, POINTER(c_void_p), POINTER(c_size_t), POINTER(krait_failure)]),
    "krait_detokenizer_is_stopped": (c_int, [c_void_p]),
}


class Functions:
    """A loaded library; its functions have the types above."""

    krait_version: Callable[..., bytes | None]
    krait_log_set: Callable[..., int]
    krait_chat_template_create: Callable[..., int]
    krait_chat_template_free: Callable[..., None]
    krait_chat_render: Callable[..., int]
    krait_chat_prompt_free: Callable[..., None]
    krait_chat_prompt_text: Callable[..., int | None]
    krait_chat_prompt_user_part: Callable[..., int]
    krait_chat_prompt_tokenize: Callable[..., int]
    krait_backend_folder_add: Callable[..., int]
    krait_device_list_create: Callable[..., int]
    krait_device_list_free: Callable[..., None]
    krait_device_list_size: Callable[..., int]
    krait_device_name: Callable[..., bytes | None]
    krait_device_product: Callable[..., bytes | None]
    krait_device_features: Callable[..., bytes | None]
    krait_device_error: Callable[..., bytes | None]
    krait_device_memory_total: Callable[..., int]
    krait_device_memory_free: Callable[..., int]
    krait_device_is_auto: Callable[..., int]
    krait_engine_create: Callable[..., int]
    krait_engine_free: Callable[..., None]
    krait_engine_submit: Callable[..., int]
    krait_request_free: Callable[..., None]
    krait_request_next: Callable[..., int]
    krait_request_cancel: Callable[..., int]
    krait_request_pause: Callable[..., int]
    krait_request_continue: Callable[..., int]
    krait_request_measure: Callable[..., int]
    krait_request_reuse_text: Callable[..., int]
    krait_request_error: Callable[..., int]
    krait_engine_measure: Callable[..., int]
    krait_grammar_create: Callable[..., int]
    krait_grammar_free: Callable[..., None]
    krait_grammar_warning: Callable[..., int]
    krait_grammar_match: Callable[..., int]
    krait_grammar_state_create: Callable[..., int]
    krait_grammar_state_free: Callable[..., None]
    krait_grammar_state_accept: Callable[..., int]
    krait_grammar_state_rollback: Callable[..., int]
    krait_grammar_state_reset: Callable[..., None]
    krait_grammar_state_clone: Callable[..., int]
    krait_grammar_state_mask: Callable[..., int]
    krait_grammar_state_apply: Callable[..., int]
    krait_grammar_state_is_finished: Callable[..., int]
    krait_grammar_state_is_accepting: Callable[..., int]
    krait_model_format_version: Callable[..., int]
    krait_model_file_bytes: Callable[..., int]
    krait_model_file_count: Callable[..., int]
    krait_model_file_name: Callable[..., bytes | None]
    krait_model_metadata_count: Callable[..., int]
    krait_model_metadata: Callable[..., int]
    krait_model_metadata_find: Callable[..., int]
    krait_model_metadata_text: Callable[..., int]
    krait_model_tensor_count: Callable[..., int]
    krait_model_tensor: Callable[..., int]
    krait_model_load: Callable[..., int]
    krait_model_free: Callable[..., None]
    krait_model_check: Callable[..., int]
    krait_model_name: Callable[..., bytes | None]
    krait_model_architecture: Callable[..., bytes | None]
    krait_model_device: Callable[..., bytes | None]
    krait_model_hardware: Callable[..., bytes | None]
    krait_model_n_vocab: Callable[..., int]
    krait_model_n_token: Callable[..., int]
    krait_model_n_layer: Callable[..., int]
    krait_model_d_model: Callable[..., int]
    krait_model_is_tied: Callable[..., int]
    krait_model_state_bytes: Callable[..., int]
    krait_model_token_bytes: Callable[..., int]
    krait_model_weight_bytes: Callable[..., int]
    krait_model_device_bytes: Callable[..., int]
    krait_model_hash: Callable[..., int]
    krait_model_has_top_k: Callable[..., int]
    krait_model_chain_length: Callable[..., int]
    krait_model_size: Callable[..., int]
    krait_model_device_at: Callable[..., int]
    krait_model_work: Callable[..., int]
    krait_model_explain: Callable[..., int]
    krait_model_warning: Callable[..., bytes | None]
    krait_perplexity_measure: Callable[..., int]
    krait_profile_create: Callable[..., int]
    krait_profile_free: Callable[..., None]
    krait_profile_pause: Callable[..., None]
    krait_profile_device: Callable[..., bytes | None]
    krait_profile_phase: Callable[..., int]
    krait_profile_entry_count: Callable[..., int]
    krait_profile_entry_at: Callable[..., int]
    krait_profile_event_count: Callable[..., int]
    krait_profile_dropped_count: Callable[..., int]
    krait_profile_event_at: Callable[..., int]
    krait_sampler_create: Callable[..., int]
    krait_sampler_free: Callable[..., None]
    krait_sampler_needs: Callable[..., int]
    krait_session_sample: Callable[..., int]
    krait_sampler_sample: Callable[..., int]
    krait_sampler_accept: Callable[..., int]
    krait_sampler_reset: Callable[..., None]
    krait_sampler_clone: Callable[..., int]
    krait_session_create: Callable[..., int]
    krait_session_free: Callable[..., None]
    krait_session_decode: Callable[..., int]
    krait_session_logits: Callable[..., int]
    krait_session_hidden: Callable[..., int]
    krait_session_logprobs: Callable[..., int]
    krait_session_candidates: Callable[..., int]
    krait_session_chain: Callable[..., int]
    krait_session_length: Callable[..., int]
    krait_session_room: Callable[..., int]
    krait_session_reset: Callable[..., int]
    krait_session_fork: Callable[..., int]
    krait_session_keep: Callable[..., int]
    krait_session_snapshot: Callable[..., int]
    krait_session_rollback: Callable[..., int]
    krait_session_snapshot_drop: Callable[..., int]
    krait_session_snapshots: Callable[..., int]
    krait_session_position: Callable[..., int]
    krait_session_positions_add: Callable[..., int]
    krait_session_positions_divide: Callable[..., int]
    krait_session_remove: Callable[..., int]
    krait_session_save: Callable[..., int]
    krait_session_restore: Callable[..., int]
    krait_session_move: Callable[..., int]
    krait_session_measure: Callable[..., int]
    krait_model_tokenize: Callable[..., int]
    krait_model_detokenize: Callable[..., int]
    krait_model_token: Callable[..., int]
    krait_model_ends: Callable[..., int]
    krait_model_is_end: Callable[..., int]
    krait_model_bos: Callable[..., int]
    krait_model_eos: Callable[..., int]
    krait_model_token_text: Callable[..., int]
    krait_model_is_control: Callable[..., int]
    krait_detokenizer_create: Callable[..., int]
    krait_detokenizer_free: Callable[..., None]
    krait_detokenizer_push: Callable[..., int]
    krait_detokenizer_prompt: Callable[..., int]
    krait_detokenizer_finish: Callable[..., int]
    krait_detokenizer_is_stopped: Callable[..., int]
