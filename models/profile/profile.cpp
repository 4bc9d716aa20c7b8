// SPDX-License-Identifier: Apache-2.0
#include "models/profile/profile.hpp"

#include <algorithm>

#include "graph/node_work.hpp"
#include "models/architectures/forward.hpp"

namespace krait {
namespace {

double seconds_between(graph::Clock::time_point start, graph::Clock::time_point end) {
    return std::chrono::duration<double>(end - start).count();
}

// "blk.*.in": the name that a node has in every layer.
std::string name_over_layers(const NodeProfile& node) {
    if (node.layer < 0 || node.layer == graph::kHead) return node.name;
    const std::string prefix = layer_prefix(node.layer);
    return node.name.starts_with(prefix) ? "blk.*." + node.name.substr(prefix.size()) : node.name;
}

// Nodes for which `name_of` says the same, of one operator on one device.
template <class NameOf>
std::vector<NodeGroup> grouped(const std::vector<NodeProfile>& nodes, NameOf&& name_of) {
    std::vector<NodeGroup> groups;
    for (const NodeProfile& node : nodes) {
        const std::string name = name_of(node);
        auto group = std::find_if(groups.begin(), groups.end(), [&](const NodeGroup& g) {
            return g.op == node.op && g.device == node.device && g.name == name;
        });
        if (group == groups.end()) group = groups.insert(groups.end(), {name, node.op, node.device, {}});
        group->totals += node.totals;
    }
    std::stable_sort(groups.begin(), groups.end(),
                     [](const NodeGroup& a, const NodeGroup& b) { return a.totals.seconds > b.totals.seconds; });
    return groups;
}

}  // namespace

NodeTotals& NodeTotals::operator+=(const NodeTotals& other) {
    if (other.calls == 0) return *this;
    min_seconds = calls == 0 ? other.min_seconds : std::min(min_seconds, other.min_seconds);
    calls += other.calls;
    seconds += other.seconds;
    bytes_read += other.bytes_read;
    bytes_written += other.bytes_written;
    operations += other.operations;
    return *this;
}

NodeTotals PhaseProfile::sum() const {
    NodeTotals all;
    for (const NodeProfile& node : nodes) all += node.totals;
    return all;
}

std::vector<NodeGroup> PhaseProfile::by_operator() const {
    return grouped(nodes, [](const NodeProfile& node) { return std::string(op_name(node.op)); });
}

std::vector<NodeGroup> PhaseProfile::by_name() const { return grouped(nodes, name_over_layers); }

void ProfileRecorder::ran(const graph::ObservedRun& run) {
    if (profile_.is_paused_) return;
    const RunTensors tensors = run_tensors(run.graph);
    const int64_t n_row = run.graph[tensors.ids].desc.extent[0], n_seq = run.graph[tensors.seq_start].desc.extent[0] - 1;
    const Phase phase = n_row == n_seq ? Phase::decode : Phase::prompt;
    PhaseProfile& sums = profile_.phases_[static_cast<size_t>(phase)];
    if (runs_ == Runs::plain) {
        ++sums.n_plain_runs;
        sums.plain_seconds += seconds_between(run.start, run.end);
        return;
    }
    ++sums.n_runs;
    sums.n_rows += n_row;
    sums.run_seconds += seconds_between(run.start, run.end);
    if (trace_) trace_->begin_run();
    auto& index = profile_.index_[static_cast<size_t>(phase)];
    for (const graph::NodeTime& time : run.nodes) {
        const graph::Node& node = run.graph.nodes[time.node];
        const graph::NodeWork work = graph::node_work(run.graph, node, run.inputs);
        const auto [found, is_new] = index.try_emplace(node.name, sums.nodes.size());
        if (is_new) sums.nodes.push_back({node.name, node.op, node.layer, time.device, {}});
        const double seconds = seconds_between(time.start, time.end);
        sums.nodes[found->second].totals += {.calls = 1,
                                             .seconds = seconds,
                                             .min_seconds = seconds,
                                             .bytes_read = static_cast<double>(work.bytes_read()),
                                             .bytes_written = static_cast<double>(work.bytes_written()),
                                             .operations = static_cast<double>(work.operations)};
        if (trace_)
            trace_->add(node, {.start = time.start,
                               .end = time.end,
                               .bytes = work.bytes(),
                               .device = static_cast<uint32_t>(time.device),
                               .is_decode = phase == Phase::decode});
    }
}

}  // namespace krait
