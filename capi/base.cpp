// SPDX-License-Identifier: Apache-2.0
//
// The version and the log of include/krait/base.h.
#include "capi/api.hpp"

using namespace krait;
using namespace krait::capi;

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
