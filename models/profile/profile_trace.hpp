// SPDX-License-Identifier: Apache-2.0
//
// Executions of nodes, for a timeline. At most `max_events` are kept, by default 262,144 in about 12 MiB; those that come later
// are counted, not kept.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/run_observer.hpp"

namespace krait {

struct TraceEvent {
    graph::Clock::time_point start, end;
    uint64_t bytes = 0;      // read and written
    uint32_t run = 0;        // counted from 0
    uint32_t node = 0;       // into ProfileTrace::nodes()
    uint32_t device = 0;     // into the profile's devices
    bool is_decode = false;  // Phase::decode
};

class ProfileTrace {
  public:
    static constexpr size_t kMaxEvents = size_t{1} << 18;
    struct Node {
        std::string name;
        OpId op{};
        int32_t layer = 0;  // as graph::Node::layer
    };

    explicit ProfileTrace(size_t max_events = kMaxEvents) : max_events_(max_events) {}

    void begin_run() { ++n_runs_; }
    void add(const graph::Node& node, TraceEvent event) {  // of the latest run; event.run and event.node are filled in
        if (events_.size() >= max_events_) {
            ++n_dropped_;
            return;
        }
        const auto [found, is_new] = index_.try_emplace(node.name, static_cast<uint32_t>(nodes_.size()));
        if (is_new) nodes_.push_back({node.name, node.op, node.layer});
        event.node = found->second;
        event.run = n_runs_ - 1;
        events_.push_back(event);
    }

    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<TraceEvent>& events() const { return events_; }
    uint64_t n_dropped() const { return n_dropped_; }

  private:
    size_t max_events_;
    uint64_t n_dropped_ = 0;
    uint32_t n_runs_ = 0;
    std::map<std::string, uint32_t> index_;  // into nodes_, by name
    std::vector<Node> nodes_;
    std::vector<TraceEvent> events_;
};

}  // namespace krait
