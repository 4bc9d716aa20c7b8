// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.hpp"

#include <fmt/format.h>

namespace krait::server {

constexpr double kFirstBucket = 0.001;

void Histogram::observe(double seconds) {
    size_t bucket = 0;
    for (double limit = kFirstBucket; bucket < kBuckets && seconds > limit; limit *= 2) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(seconds, std::memory_order_relaxed);
}

void Histogram::write(std::string& text, std::string_view name, std::string_view help) const {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} histogram\n", name, help);
    uint64_t count = 0;
    double limit = kFirstBucket;
    for (size_t i = 0; i < kBuckets; ++i, limit *= 2) {
        count += counts_[i].load(std::memory_order_relaxed);
        text += fmt::format("{}_bucket{{le=\"{:g}\"}} {}\n", name, limit, count);
    }
    count += counts_[kBuckets].load(std::memory_order_relaxed);
    text += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, count,
                        sum_.load(std::memory_order_relaxed));
}

void write_metric(std::string& text, std::string_view name, std::string_view type, std::string_view help, double value) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

}  // namespace krait::server
