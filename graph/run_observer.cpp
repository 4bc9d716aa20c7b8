// SPDX-License-Identifier: Apache-2.0
#include "graph/run_observer.hpp"

namespace krait::graph {

void RunTimes::begin() {
    nodes_.clear();
    start_ = Clock::now();
}

Result<void> RunTimes::run_segment(const Compiled& compiled, uint32_t segment, DeviceContext& context,
                                   std::span<const int64_t> sizes) {
    if (!wants_nodes_) return context.queue.run(compiled.program(segment), sizes);
    const uint32_t node = compiled.first_node(segment);
    KRAIT_CHECK(context.queue.sync());  // inputs and copies are no part of a node's time
    NodeTime time{
        .node = node, .device = compiled.device_of(compiled.partitioned().segments[segment].subgraph), .start = {}, .end = {}};
    time.start = Clock::now();
    Result<void> done = context.queue.run(compiled.program(segment), sizes);
    if (done) done = context.queue.sync();
    time.end = Clock::now();
    if (!done) {
        const Node& failed = compiled.graph().nodes[node];
        return tl::unexpected<Error>(
            std::move(done).error().within(fmt::format("node {} '{}' ({})", node, failed.name, op_name(failed.op))));
    }
    nodes_.push_back(time);
    return {};
}

void RunTimes::end(const Compiled& compiled, std::span<const InputBytes> inputs) {
    observer_->ran({compiled.graph(), inputs, nodes_, start_, Clock::now()});
}

}  // namespace krait::graph
