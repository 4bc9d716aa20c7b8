// SPDX-License-Identifier: Apache-2.0
#include "models/debug/compare_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>

#include "core/ops/op_list.hpp"
#include "core/quant/half.hpp"
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

// The bytes of F32 or F16 values as those of F32 ones.
Bytes as_floats(Bytes bytes, DType dtype) {
    if (dtype != DType::F16) return bytes;
    Bytes floats(2 * bytes.size());
    for (size_t i = 0; i < bytes.size() / 2; ++i) {
        uint16_t half = 0;
        std::memcpy(&half, bytes.data() + 2 * i, 2);
        const float value = f16_to_f32(half);
        std::memcpy(floats.data() + 4 * i, &value, 4);
    }
    return floats;
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
    auto results = tested.run(expected, index, before);
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
    if (!results->state.empty()) {
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
