// SPDX-License-Identifier: Apache-2.0
#include "models/memory_need.hpp"

#include "models/session.hpp"

namespace krait {

static Result<graph::Graph> largest_run(const Architecture& architecture, const WeightDescs& weights) {
    return build_forward(architecture, weights, 1, {.n_tok = SessionOptions().max_batch_tokens, .n_seq = 1, .n_out = 1});
}

Result<std::vector<MemoryNeed>> memory_needs(const Architecture& architecture, const WeightDescs& weights,
                                             std::span<const std::shared_ptr<const Device>> devices,
                                             const Placement& placement) {
    std::vector<MemoryNeed> needs(devices.size());
    for (const auto& [name, homes] : placement.weight_homes())
        for (const WeightHome& home : homes)
            needs[static_cast<size_t>(home.device)].weights += static_cast<uint64_t>(span_bytes(weights.find(name)->second));
    for (int64_t layer = 0; layer < architecture.shape().n_layer; ++layer)
        for (const LayerState& state : architecture.layer_states())
            needs[static_cast<size_t>(placement.device_of_state(layer, state.op))].states +=
                static_cast<uint64_t>(state.count()) * sizeof(float);
    KRAIT_TRY(const graph::Graph run, largest_run(architecture, weights));
    for (const graph::Share& share : graph::insert_copies(run, graph::partition(run, placement.devices_of(run))).shares) {
        const auto device = static_cast<size_t>(share.device);
        needs[device].values =
            graph::plan_memory(share.graph, graph::arena_alignment(*devices[device]), share.stays).peak_bytes;
    }
    return needs;
}

Result<uint64_t> largest_values(const Architecture& architecture, const WeightDescs& weights, const Device& device) {
    KRAIT_TRY(const graph::Graph run, largest_run(architecture, weights));
    const std::vector<int32_t> alone(run.nodes.size(), 0);
    const graph::DividedGraph whole = graph::insert_copies(run, graph::partition(run, alone));
    return graph::plan_memory(whole.shares[0].graph, graph::arena_alignment(device), whole.shares[0].stays).peak_bytes;
}

}  // namespace krait
