// SPDX-License-Identifier: Apache-2.0
#include "models/debug/expected_run.hpp"

#include <numeric>

#include "core/ops/op_list.hpp"
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

Result<Expected> Expected::create(const Model& model, size_t n_tok) {
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model.devices()));
    const int64_t n_pages = pages_of_rows(static_cast<int64_t>(n_tok));
    const MemorySizes sizes{.n_slots = 1, .n_pages = n_pages, .sequence_pages = n_pages};
    KRAIT_TRY(SequenceMemory memory, SequenceMemory::create(model.architecture(), model.devices(), model.placement(), sizes));
    return Expected(model, std::move(executor), std::move(memory));
}

Result<graph::Compiled*> Expected::prepare(int64_t n_tok) {
    const RunShape shape{.n_tok = n_tok, .n_seq = 1, .n_out = 1};
    return executor_.prepare(RunKey(shape).text(), [&]() -> Result<graph::PlacedGraph> {
        KRAIT_TRY(Graph whole,
                  build_forward(model_.architecture(), model_.weights().descs(), memory_.sizes(), shape, model_.n_token()));
        for (const Node& node : whole.nodes)
            for (const TensorId id : node.out)
                if (id != kNoTensor) whole[whole.memory_of(id)].role = TensorRole::output;
        return build_placed(model_, memory_, std::move(whole));
    });
}

Result<ExpectedRun> Expected::run(std::span<const int32_t> tokens) {
    const auto n_tok = static_cast<int64_t>(tokens.size());
    KRAIT_TRY(graph::Compiled * compiled, prepare(n_tok));
    ExpectedRun run{.graph = compiled->graph(), .bytes = {}, .states = {}};
    run.bytes.resize(run.graph.tensors.size());
    const RunTensors tensors = run_tensors(run.graph);
    const int32_t begin_and_end[] = {0, static_cast<int32_t>(n_tok)};
    const int32_t from = n_tok_ == 0 ? -1 : 0, to = 0, last = static_cast<int32_t>(n_tok - 1);
    std::vector<int32_t> rows(tokens.size());  // the pages in their order
    std::iota(rows.begin(), rows.end(), static_cast<int32_t>(n_tok_));
    n_tok_ += n_tok;
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
    set(tensors.cache_rows, rows);
    set(tensors.positions, rows);
    std::vector<int32_t> pages(static_cast<size_t>(memory_.sizes().n_pages));
    std::iota(pages.begin(), pages.end(), 0);
    set(tensors.page_table, pages);
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
    const int operand = find_memory(op_spec(node.op).inputs);
    if (operand < 0) return Bytes();
    const graph::Tensor& memory = graph[node.in[static_cast<size_t>(operand)]];
    const auto device = static_cast<size_t>(model_.placement().device_of(node.name));
    KRAIT_TRY(Bytes bytes, read_units(executor_.queue(device), memory));
    if (op_spec(node.op).inputs[static_cast<size_t>(operand)].kind == OperandKind::pages) {
        const size_t n_rows = static_cast<size_t>(ops::rows_of_pages(memory.desc));
        bytes.resize(bytes.size() / n_rows * static_cast<size_t>(n_tok_));
    }
    return bytes;
}

Result<Bytes> read_units(Queue& queue, const graph::Tensor& memory) {
    Bytes bytes(static_cast<size_t>(span_bytes(memory.desc)));
    const size_t unit_bytes = bytes.size() / static_cast<size_t>(memory.desc.extent[0]);
    Result<void> read;
    for (size_t first = 0; read && first < bytes.size(); first += unit_bytes)
        read = queue.export_memory(*memory.storage, static_cast<int64_t>(first / unit_bytes),
                                   std::span(bytes).subspan(first, unit_bytes));
    const Result<void> done = queue.sync();  // after an error too: nothing may still write to bytes that are gone
    KRAIT_CHECK(read);
    KRAIT_CHECK(done);
    return bytes;
}

}  // namespace krait
