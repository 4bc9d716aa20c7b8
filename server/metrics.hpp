// SPDX-License-Identifier: Apache-2.0
//
// Counters and histograms of a server, in Prometheus' text format. They are counted on any thread and never wait.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>

namespace krait::server {

class Counter {
  public:
    void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
    int64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<int64_t> value_{0};
};

// Seconds, in buckets of a factor of two from 1 ms to 131 s.
class Histogram {
  public:
    static constexpr size_t kBuckets = 18;
    void observe(double seconds);
    // Lines of the format: name_bucket{le="..."}, name_sum, name_count.
    void write(std::string& text, std::string_view name, std::string_view help) const;

  private:
    std::array<std::atomic<uint64_t>, kBuckets + 1> counts_{};  // the last one is of all that is longer
    std::atomic<double> sum_{0};
};

struct Metrics {
    Counter requests, active_generations, refused_generations, failed_generations, cancelled_generations;
    Counter prompt_tokens, cached_tokens, generated_tokens;
    Histogram time_to_first_token, inter_token_latency, queue_time, end_to_end_time;
};

// A counter or a gauge with its lines of help and type.
void write_metric(std::string& text, std::string_view name, std::string_view type, std::string_view help, double value);

}  // namespace krait::server
