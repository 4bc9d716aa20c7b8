// SPDX-License-Identifier: Apache-2.0
//
// Times as clients of Ollama read them.
#pragma once

#include <fmt/chrono.h>

#include <ctime>
#include <string>

namespace krait::server::ollama {

// "2026-01-31T12:00:00Z", of seconds since 1970.
inline std::string time_text(int64_t seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace krait::server::ollama
