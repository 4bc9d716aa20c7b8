// SPDX-License-Identifier: Apache-2.0
#include "models/debug/compare_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>

#include "core/ops/op_list.hpp"
#include "core/quant/codec.hpp"
#include "models/debug/tested_node.hpp"

namespace krait {
namespace {

using graph::Graph;
using graph::kNoTensor;
using graph::Node;
using graph::Tensor;
using graph::TensorId;
using graph::TensorRole;

template <class T>
void compare_values(std::span<const std::byte> got_bytes, std::span<const std::byte> expected_bytes,
                    NodeDifference& difference) {
    const size_t n = difference.n_values = expected_bytes.size() / sizeof(T);
    double error = 0, power = 0;
    int64_t n_different = 0;
    for (size_t i = 0; i < n; ++i) {
        T got, expected;
        std::memcpy(&got, got_bytes.data() + i * sizeof(T), sizeof(T));
        std::memcpy(&expected, expected_bytes.data() + i * sizeof(T), sizeof(T));
        const auto g = static_cast<double>(got), e = static_cast<double>(expected);
        n_different += got != expected;
        if (!std::isfinite(g) || !std::isfinite(e)) {
            difference.n_not_finite += !(g == e || (std::isnan(g) && std::isnan(e)));
            continue;
        }
        error += (g - e) * (g - e);
        power += e * e;
        difference.max_difference = std::max(difference.max_difference, std::abs(g - e));
    }
    if constexpr (std::is_integral_v<T>)
        difference.error = n > 0 ? static_cast<double>(n_different) / static_cast<double>(n) : 0;
    else difference.error = error == 0 ? 0 : power == 0 ? std::numeric_limits<double>::infinity() : error / power;
}

void compare_results(const TensorDesc& desc, std::span<const std::byte> got, std::span<const std::byte> expected,
                     NodeDifference& difference) {
    if (dtype_of(desc) == DType::I32) compare_values<int32_t>(got, expected, difference);
    else compare_values<float>(got, expected, difference);
}

// Rows of a memory as F32 values.
Bytes as_floats(const Bytes& bytes, DType dtype) {
    if (dtype == DType::F32) return bytes;
    const auto n_value = bytes.size() / static_cast<size_t>(row_bytes(dtype, dtype_info(dtype).block_elems)) *
                         static_cast<size_t>(dtype_info(dtype).block_elems);
    std::vector<float> floats(n_value);
    decode_row(dtype, bytes.data(), floats);
    const auto values = std::as_bytes(std::span(floats));
    return {values.begin(), values.end()};
}

// Whether it writes a memory: attention only reads pages.
bool writes_memory(std::span<const OperandSpec> inputs) {
    const int memory = find_memory(inputs);
    return memory >= 0 && (inputs[static_cast<size_t>(memory)].kind == OperandKind::state ||
                           find_operand(inputs, IndexMeaning::rows_written) >= 0);
}

// The contents of a node's memory before it runs alone: a slot as it was before the run, and pages as they are after it, since
// other nodes write columns of the same rows. What this node is to write there has no bit of the result, and is NaN in each
// element type.
Bytes memory_before(const ExpectedRun& run, size_t index, std::span<const std::byte> slot_before) {
    const Node& node = run.graph.nodes[index];
    const auto inputs = op_spec(node.op).inputs;
    const int operand = find_memory(inputs);
    if (operand < 0 || inputs[static_cast<size_t>(operand)].kind != OperandKind::pages)
        return {slot_before.begin(), slot_before.end()};
    Bytes pages = run.states[index];
    if (!writes_memory(inputs)) return pages;
    ops::KvWriteParams params;
    std::memcpy(&params, node.params.data(), sizeof params);
    const auto [x, cache, written] = std::array{node.in[0], node.in[1], node.in[2]};
    const DType dtype = dtype_of(run.graph[cache].desc);
    const auto column = static_cast<size_t>(row_bytes(dtype, params.column));
    const auto size = static_cast<size_t>(row_bytes(dtype, last_extent(run.graph[x].desc)));
    const auto stride = static_cast<size_t>(row_bytes(dtype, last_extent(run.graph[cache].desc)));
    const Bytes& rows = run.bytes[static_cast<size_t>(written)];
    for (size_t i = 0; i < rows.size(); i += sizeof(int32_t)) {
        int32_t row = 0;
        std::memcpy(&row, rows.data() + i, sizeof row);
        if (row >= 0) std::memset(pages.data() + static_cast<size_t>(row) * stride + column, 0xff, size);
    }
    return pages;
}

DType weights_of(const Graph& graph, const Node& node) {
    for (const TensorId id : node.in)
        if (id != kNoTensor && graph[id].role == TensorRole::constant && dtype_of(graph[id].desc) != DType::F32)
            return dtype_of(graph[id].desc);
    return DType::F32;
}

// False where the observer stops.
Result<bool> compare_node(TestedNode& tested, const ExpectedRun& expected, size_t index, std::span<const std::byte> before,
                          bool is_token, const NodeObserver& observe) {
    const Node& node = expected.graph.nodes[index];
    auto results = tested.run(expected, index, memory_before(expected, index, before));
    if (!results) return tl::unexpected<Error>(std::move(results).error().within(fmt::format("node '{}'", node.name)));
    NodeDifference facts{.node = node.name,
                         .op = node.op,
                         .device = tested.device(),
                         .is_token = is_token,
                         .result = {},
                         .weights = weights_of(expected.graph, node)};
    const Tensor& operand = expected.graph[node.in[0]];
    const Bytes& memory = expected.bytes[static_cast<size_t>(expected.graph.memory_of(node.in[0]))];
    if (!memory.empty()) {
        facts.operand = operand.desc;
        facts.operand_bytes = std::span(memory).subspan(operand.offset);
    }
    const auto& spec = op_spec(node.op);
    size_t next = 0;
    for (size_t i = 0; i < node.out.size(); ++i) {
        const TensorId id = node.out[i];
        if (id == kNoTensor) continue;
        NodeDifference difference = facts;
        difference.result = fmt::format("{} {}", spec.outputs[i].name, to_string(expected.graph[id].desc));
        compare_results(expected.graph[id].desc, results->outputs[next++], expected.bytes[static_cast<size_t>(id)], difference);
        if (!observe(difference)) return false;
    }
    if (!results->state.empty() && writes_memory(spec.inputs)) {
        NodeDifference difference = facts;
        difference.is_state = true;
        difference.result = "state";
        const auto operand_of_memory = static_cast<size_t>(find_memory(spec.inputs));
        const DType dtype = dtype_of(expected.graph[node.in[operand_of_memory]].desc);
        compare_values<float>(as_floats(results->state, dtype), as_floats(expected.states[index], dtype), difference);
        if (!observe(difference)) return false;
    }
    return true;
}

}  // namespace

Result<void> compare_nodes(const Model& expected, const Model& tested, std::span<const int32_t> tokens,
                           const NodeObserver& observe, const std::atomic<bool>* cancel) {
    const auto check_cancel = [&]() -> Result<void> {
        if (cancel && *cancel) return fail(ErrorCode::cancelled, "cancelled");
        return {};
    };
    if (tokens.size() < 2)
        return fail(ErrorCode::invalid_argument, "{} tokens: at least 2 are needed, a prompt and a token after it",
                    tokens.size());
    if (expected.hash() != tested.hash())
        return fail(ErrorCode::invalid_argument, "{} and {} are not the same model", expected.source().name(),
                    tested.source().name());
    for (const int32_t token : tokens)
        if (token < 0 || token >= expected.shape().n_vocab)
            return fail(ErrorCode::invalid_argument, "token {} is out of range: the vocabulary has {}", token,
                        expected.shape().n_vocab);
    KRAIT_TRY(Expected oracle, Expected::create(expected, tokens.size()));
    KRAIT_TRY(const ExpectedRun prompt, oracle.run(tokens.first(tokens.size() - 1)));
    KRAIT_CHECK(check_cancel());
    KRAIT_TRY(const ExpectedRun token, oracle.run(tokens.last(1)));
    std::map<std::string, size_t> index_in_token;
    for (size_t i = 0; i < token.graph.nodes.size(); ++i) index_in_token[token.graph.nodes[i].name] = i;
    for (size_t i = 0; i < prompt.graph.nodes.size(); ++i) {
        KRAIT_CHECK(check_cancel());
        TestedNode node(tested, prompt.graph.nodes[i]);
        KRAIT_TRY(bool goes_on, compare_node(node, prompt, i, {}, false, observe));
        const auto same = index_in_token.find(prompt.graph.nodes[i].name);
        if (goes_on && same != index_in_token.end()) {
            KRAIT_TRY(goes_on, compare_node(node, token, same->second, prompt.states[i], true, observe));
        }
        if (!goes_on) break;
    }
    return {};
}

}  // namespace krait
