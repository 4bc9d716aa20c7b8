// SPDX-License-Identifier: Apache-2.0
#include "models/debug/expected_run.hpp"

#include "models/architectures/forward.hpp"
#include "models/session/placed_forward.hpp"

namespace krait {

using graph::Graph;
using graph::kNoTensor;
using graph::Node;
using graph::TensorId;
using graph::TensorRole;

namespace {

Bytes bytes_of(std::span<const int32_t> values) {
    const auto bytes = std::as_bytes(values);
    return {bytes.begin(), bytes.end()};
}

}  // namespace

Result<Expected> Expected::create(const Model& model) {
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model.devices()));
    KRAIT_TRY(StatePool states, StatePool::create(model.architecture(), model.devices(), model.placement(), 1));
    return Expected(model, std::move(executor), std::move(states));
}

Result<graph::Compiled*> Expected::prepare(int64_t n_tok) {
    const RunShape shape{.n_tok = n_tok, .n_seq = 1, .n_out = 1};
    return executor_.prepare(RunKey(shape).text(), [&]() -> Result<graph::PlacedGraph> {
        KRAIT_TRY(Graph whole, build_forward(model_.architecture(), model_.weights().descs(), 1, shape, model_.n_token()));
        for (const Node& node : whole.nodes)
            for (const TensorId id : node.out)
                if (id != kNoTensor) whole[whole.memory_of(id)].role = TensorRole::output;
        return build_placed(model_, states_, std::move(whole));
    });
}

Result<ExpectedRun> Expected::run(std::span<const int32_t> tokens) {
    const auto n_tok = static_cast<int64_t>(tokens.size());
    KRAIT_TRY(graph::Compiled * compiled, prepare(n_tok));
    ExpectedRun run{.graph = compiled->graph(), .bytes = {}, .states = {}};
    run.bytes.resize(run.graph.tensors.size());
    const RunTensors tensors = run_tensors(run.graph);
    const int32_t begin_and_end[] = {0, static_cast<int32_t>(n_tok)};
    const int32_t from = is_fresh_ ? -1 : 0, to = 0, last = static_cast<int32_t>(n_tok - 1);
    is_fresh_ = false;
    std::vector<graph::InputBytes> inputs;
    const auto set = [&](TensorId id, std::span<const int32_t> values) {
        if (id == kNoTensor) return;
        Bytes& bytes = run.bytes[static_cast<size_t>(id)] = bytes_of(values);
        inputs.push_back({id, bytes});
    };
    set(tensors.ids, tokens);
    set(tensors.seq_start, begin_and_end);
    set(tensors.src_slot, {&from, 1});
    set(tensors.dst_slot, {&to, 1});
    set(tensors.out_rows, {&last, 1});
    KRAIT_CHECK(executor_.run(*compiled, inputs));
    for (const Node& node : run.graph.nodes) {
        for (const TensorId id : node.out) {
            if (id == kNoTensor) continue;
            Bytes& bytes = run.bytes[static_cast<size_t>(id)];
            bytes.resize(static_cast<size_t>(span_bytes(run.graph[id].desc)));
            KRAIT_CHECK(executor_.read(*compiled, id, bytes));
        }
        KRAIT_TRY(Bytes state, state_of(run.graph, node));
        run.states.push_back(std::move(state));
    }
    return run;
}

Result<Bytes> Expected::state_of(const Graph& graph, const Node& node) {
    for (const TensorId id : node.in) {
        if (id == kNoTensor || graph[id].role != TensorRole::memory) continue;
        Bytes bytes(static_cast<size_t>(span_bytes(graph[id].desc)));
        const auto device = static_cast<size_t>(model_.placement().device_of(node.name));
        KRAIT_CHECK(executor_.queue(device).export_memory(*graph[id].storage, 0, bytes));
        return bytes;
    }
    return Bytes();
}

}  // namespace krait
