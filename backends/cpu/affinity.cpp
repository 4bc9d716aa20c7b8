// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/affinity.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <tuple>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace krait::cpu {

namespace {

constexpr int kMaxProcessors = 1 << 16;

#if defined(__linux__)
// A set for `count` processors: cpu_set_t itself ends at 1024.
struct FreeSet {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};
using ProcessorSet = std::unique_ptr<cpu_set_t, FreeSet>;

ProcessorSet make_set(int count) noexcept {
    ProcessorSet set(CPU_ALLOC(static_cast<size_t>(count)));
    if (set) CPU_ZERO_S(CPU_ALLOC_SIZE(count), set.get());
    return set;
}
#endif

int topology_number(int processor, const char* what, int otherwise) {
    const std::string path = fmt::format("/sys/devices/system/cpu/cpu{}/topology/{}", processor, what);
    int number = otherwise;
    if (std::FILE* file = std::fopen(path.c_str(), "re")) {
        if (std::fscanf(file, "%d", &number) != 1 || number < 0) number = otherwise;
        std::fclose(file);
    }
    return number;
}

// "0-1,4" of ascending numbers.
std::string describe(std::span<const int> processors) {
    std::string text;
    for (size_t i = 0; i < processors.size();) {
        size_t last = i;
        while (last + 1 < processors.size() && processors[last + 1] == processors[last] + 1) ++last;
        text += fmt::format("{}{}", text.empty() ? "" : ",", processors[i]);
        if (last > i) text += fmt::format("-{}", processors[last]);
        i = last + 1;
    }
    return text.empty() ? "none that are known" : text;
}

Result<int> parse_number(std::string_view text, std::string_view all) {
    int number = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end || number < 0 || number >= kMaxProcessors)
        return fail(ErrorCode::invalid_argument,
                    "affinity={}: '{}' is no processor; lists look like 0-1 or 0,2-3 (or 0+2-3), and 'none' and 'spread' exist",
                    all, text);
    return number;
}

}  // namespace

std::vector<Processor> allowed_topology() {
    std::vector<Processor> processors;
    for (const int id : allowed_processors())
        processors.push_back({id, topology_number(id, "physical_package_id", 0), topology_number(id, "core_id", id)});
    return processors;
}

Result<std::vector<int>> parse_processor_list(std::string_view text, std::span<const int> allowed) {
    std::vector<int> processors;
    for (std::string_view rest = text;;) {
        const size_t end = std::min(rest.find_first_of(",+"), rest.size());
        const std::string_view word = rest.substr(0, end);
        const size_t dash = word.find('-');
        KRAIT_TRY(const int first, parse_number(word.substr(0, dash), text));
        int last = first;
        if (dash != std::string_view::npos) {
            KRAIT_TRY(last, parse_number(word.substr(dash + 1), text));
            if (last < first) return fail(ErrorCode::invalid_argument, "affinity={}: '{}' counts downwards", text, word);
        }
        for (int id = first; id <= last; ++id) {
            if (std::find(processors.begin(), processors.end(), id) != processors.end())
                return fail(ErrorCode::invalid_argument, "affinity={}: processor {} is named twice", text, id);
            if (std::find(allowed.begin(), allowed.end(), id) == allowed.end())
                return fail(ErrorCode::invalid_argument,
                            "affinity={}: this process may not run on processor {}, or the machine has none of that number; it "
                            "may run on {}",
                            text, id, describe(allowed));
            processors.push_back(id);
        }
        if (end == rest.size()) return processors;
        rest.remove_prefix(end + 1);
    }
}

std::vector<int> spread_over_cores(std::span<const Processor> processors) {
    // (how many threads of its core came before it, how many cores of its package before that core, package, id)
    std::vector<std::tuple<int, int, int, int>> order;
    for (const Processor& p : processors) {
        int threads_before = 0;
        std::vector<int> cores_before;
        for (const Processor& q : processors) {
            if (&q == &p) break;
            if (q.package != p.package) continue;
            if (q.core == p.core) ++threads_before;
            else if (threads_before == 0 && std::find(cores_before.begin(), cores_before.end(), q.core) == cores_before.end())
                cores_before.push_back(q.core);
        }
        order.emplace_back(threads_before, static_cast<int>(cores_before.size()), p.package, p.id);
    }
    std::sort(order.begin(), order.end());
    std::vector<int> ids;
    ids.reserve(order.size());
    for (const auto& entry : order) ids.push_back(std::get<3>(entry));
    return ids;
}

bool pin_this_thread([[maybe_unused]] int processor) noexcept {
#if defined(__linux__)
    const ProcessorSet set = make_set(processor + 1);
    if (!set) return false;
    const size_t bytes = CPU_ALLOC_SIZE(processor + 1);
    CPU_SET_S(static_cast<size_t>(processor), bytes, set.get());
    return pthread_setaffinity_np(pthread_self(), bytes, set.get()) == 0;
#else
    return false;
#endif
}

}  // namespace krait::cpu
