// SPDX-License-Identifier: Apache-2.0
#include "tools/log.hpp"

#include <mutex>
#include <optional>
#include <set>

#include "core/base/environment.hpp"
#include "krait/base.h"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

constexpr const char* kLevelNames[] = {"debug", "info", "warning", "error", "none"};  // krait_severity, and nothing at all

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
    static int lowest = KRAIT_SEVERITY_WARNING;
    if (const auto name = environment::log_level()) {
        if (const auto level = level_named(*name)) lowest = *level;
        else print_warning(fmt::format("KRAIT_LOG is '{}', and can be debug, info, warning, error or none", *name));
    }
    const auto print_message = [](void*, krait_severity severity, const char* message) {
        if (severity >= lowest) print_once(severity, message);
    };
    (void)krait_log_set(print_message, nullptr, nullptr);  // without memory there are no messages
}

void print_warning(std::string_view message) { print_once(KRAIT_SEVERITY_WARNING, message); }

}  // namespace krait::tools
