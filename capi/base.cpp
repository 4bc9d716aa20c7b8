// SPDX-License-Identifier: Apache-2.0
//
// The version and the log of include/krait/base.h.
#include <krait/krait.h>

#include <cstddef>

#include "capi/api.hpp"

using namespace krait;
using namespace krait::capi;

namespace {

// A struct that ends in padding could get one more field without another size: an older caller's would be read as that field.
template <class Struct, class Field>
constexpr bool ends_with(size_t offset, Field Struct::*) {
    return offset + sizeof(Field) == sizeof(Struct);
}
#define KRAIT_ENDS_WITH(Struct, field) static_assert(ends_with(offsetof(Struct, field), &Struct::field))
KRAIT_ENDS_WITH(krait_executor, parallel);
KRAIT_ENDS_WITH(krait_model_options, cache_type);
KRAIT_ENDS_WITH(krait_model_device_info, reserved);
KRAIT_ENDS_WITH(krait_work, type);
KRAIT_ENDS_WITH(krait_metadata, n_element);
KRAIT_ENDS_WITH(krait_tensor, file);
KRAIT_ENDS_WITH(krait_detokenizer_options, n_stop);
KRAIT_ENDS_WITH(krait_session_options, max_sequence_tokens);
KRAIT_ENDS_WITH(krait_batch_item, hidden);
KRAIT_ENDS_WITH(krait_decode_options, user);
KRAIT_ENDS_WITH(krait_session_figures, n_bound_again);
KRAIT_ENDS_WITH(krait_sampler_options, user);
KRAIT_ENDS_WITH(krait_perplexity_options, user);
KRAIT_ENDS_WITH(krait_perplexity, perplexity_ratio_standard_error);
KRAIT_ENDS_WITH(krait_profile_options, max_events);
KRAIT_ENDS_WITH(krait_phase_sums, plain_seconds);
KRAIT_ENDS_WITH(krait_profile_entry, operations);
KRAIT_ENDS_WITH(krait_profile_event, bytes);
KRAIT_ENDS_WITH(krait_engine_options, max_folder_bytes);
KRAIT_ENDS_WITH(krait_request_options, user);
KRAIT_ENDS_WITH(krait_event, finish);
KRAIT_ENDS_WITH(krait_request_figures, generation_seconds);
KRAIT_ENDS_WITH(krait_engine_figures, reserved);

}  // namespace

const char* krait_version(void) { return KRAIT_VERSION; }

krait_code krait_log_set(krait_log log, void* user, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        if (!log) {
            PluginRegistry::instance().set_log({});
            return {};
        }
        PluginRegistry::instance().set_log([log, user](krait_log_level level, const std::string& message) {
            // A level that a plugin made up is at least as grave as an error.
            const bool is_known = level >= KRAIT_LOG_DEBUG && level <= KRAIT_LOG_ERROR;
            log(user, is_known ? static_cast<krait_severity>(level) : KRAIT_SEVERITY_ERROR, message.c_str());
        });
        return {};
    });
}
