// SPDX-License-Identifier: Apache-2.0
//
// The options of the device "cpu", all of them about its threads: threads=N and affinity=none|spread|LIST.
#include "backends/common/plugin_shim.hpp"
#include "backends/cpu/affinity.hpp"
#include "backends/cpu/cpu_info.hpp"
#include "backends/cpu/thread_pool.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

std::vector<int> processors_of(std::string_view affinity) {
    const std::vector<int> allowed = allowed_processors();
    if (allowed.empty())
        plugin::throw_error(ErrorCode::unsupported,
                            "affinity={}: this system does not say which processors there are; leave the option out", affinity);
    if (affinity == "spread") return spread_over_cores(allowed_topology());
    return plugin::value_or_throw(parse_processor_list(affinity, allowed));
}

}  // namespace

ThreadPool::Options pool_options(const plugin::OpenParams& params) {
    static constexpr plugin::OptionSpec kKnown[] = {
        {"threads", "number of threads; as many as there are processors that this process may use"},
        {"affinity", "processors that threads are tied to: 'none', 'spread', or a list like 0-1 or 0+2-3; none"}};
    const plugin::Options parsed(params.options, kKnown);
    const std::optional<int64_t> n_threads = parsed.integer("threads", 1, 1024);
    const std::string_view affinity = parsed.text("affinity").value_or("none");

    ThreadPool::Options options;
    options.executor = params.executor;
    if (options.executor) {
        if (n_threads || affinity != "none")
            plugin::throw_error(ErrorCode::invalid_argument,
                                "the application runs the loops on {} threads of its own: leave the option '{}' out",
                                options.executor->n_threads, n_threads ? "threads" : "affinity");
        return options;
    }
    options.n_threads = static_cast<int>(n_threads.value_or(usable_processors()));
    if (affinity == "none") return options;
    options.processors = processors_of(affinity);
    const auto n_processors = static_cast<int>(options.processors.size());
    if (!n_threads) options.n_threads = affinity == "spread" ? std::min(options.n_threads, n_processors) : n_processors;
    if (options.n_threads > n_processors)
        plugin::throw_error(ErrorCode::invalid_argument,
                            "threads={}:affinity={}: {} threads need as many processors, and these are {}", options.n_threads,
                            affinity, options.n_threads, n_processors);
    return options;
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
