// SPDX-License-Identifier: Apache-2.0
//
// The services that a plugin has from its host: the log, and a folder.
#include <atomic>

#include "backends/common/plugin_shim.hpp"

namespace krait::plugin {

static std::atomic<const krait_host*> g_host{nullptr};  // the same for every plugin of a process; outlives them

void log(krait_log_level level, const std::string& message) noexcept {
    const krait_host* host = g_host.load(std::memory_order_acquire);
    if (host && host->log) host->log(host->context, level, message.c_str());
}

std::string host_cache_directory() {
    const krait_host* host = g_host.load(std::memory_order_acquire);
    if (!host || !host->cache_directory) return {};
    const char* folder = host->cache_directory(host->context);
    return folder ? folder : "";
}

bool detail::accept_host(uint32_t host_abi_version, const krait_host* host) noexcept {
    if (host_abi_version >> 16 != KRAIT_ABI_MAJOR || (host && host->struct_size < KRAIT_HOST_SIZE_2_0)) return false;
    if (host) g_host.store(host, std::memory_order_release);
    return true;
}

}  // namespace krait::plugin
