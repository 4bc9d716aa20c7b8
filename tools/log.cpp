// SPDX-License-Identifier: Apache-2.0
#include "tools/log.hpp"

#include <mutex>
#include <optional>
#include <set>

#include "core/base/environment.hpp"
#include "core/runtime/plugin_registry.hpp"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

constexpr const char* kLevelNames[] = {"debug", "info", "warning", "error", "none"};  // krait_log_level, and nothing at all

// A driver may say the same of every run, and a model may be run for days: what was printed is forgotten at some point.
void print_once(int level, std::string_view message) {
    constexpr size_t kMaxRemembered = 1024;
    static std::mutex mutex;
    static std::set<std::string, std::less<>> printed;
    const std::string line = fmt::format("krait: {}: {}", kLevelNames[level], message);
    const std::lock_guard lock(mutex);
    if (printed.size() >= kMaxRemembered) printed.clear();
    if (printed.insert(line).second) print_error("{}\n", line);
}

std::optional<int> level_named(std::string_view name) {
    for (int level = 0; level < static_cast<int>(std::size(kLevelNames)); ++level)
        if (name == kLevelNames[level]) return level;
    return std::nullopt;
}

}  // namespace

void print_log() {
    int lowest = KRAIT_LOG_WARN;
    if (const auto name = environment::log_level()) {
        if (const auto level = level_named(*name)) lowest = *level;
        else print_warning(fmt::format("KRAIT_LOG is '{}', and can be debug, info, warning, error or none", *name));
    }
    PluginRegistry::instance().set_log([lowest](krait_log_level level, const std::string& message) {
        // What a plugin made up is at least as grave as an error.
        const int known = level < KRAIT_LOG_DEBUG || level > KRAIT_LOG_ERROR ? KRAIT_LOG_ERROR : static_cast<int>(level);
        if (known >= lowest) print_once(known, message);
    });
}

void print_warning(std::string_view message) { print_once(KRAIT_LOG_WARN, message); }

}  // namespace krait::tools
