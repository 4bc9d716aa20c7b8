// SPDX-License-Identifier: Apache-2.0
#include "models/debug/compare_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>

#include "models/architectures/forward.hpp"
#include "models/session/placed_forward.hpp"

namespace krait {
namespace {

using graph::Graph;
using graph::kNoTensor;
using graph::Node;
using graph::Tensor;
using graph::TensorId;
using graph::TensorRole;

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::span<const int32_t> values) {
    const auto bytes = std::as_bytes(values);
    return {bytes.begin(), bytes.end()};
}

// A run of the expected model: its graph, and the bytes of every input and of every node's result.
struct ExpectedRun {
    Graph graph;
    std::vector<Bytes> bytes;   // by tensor; empty for constants, states and views
    std::vector<Bytes> states;  // by node: what it left in its slot; empty where it has none
};

class Expected {
  public:
    static Result<Expected> create(const Model& model) {
        KRAIT_TRY(graph::Executor executor, graph::Executor::create(model.devices()));
        KRAIT_TRY(StatePool states, StatePool::create(model.architecture(), model.devices(), model.placement(), 1));
        return Expected(model, std::move(executor), std::move(states));
    }

    // The next tokens of the one sequence.
    Result<ExpectedRun> run(std::span<const int32_t> tokens) {
        const auto n_tok = static_cast<int64_t>(tokens.size());
        const RunShape shape{.n_tok = n_tok, .n_seq = 1, .n_out = 1};
        KRAIT_TRY(graph::Compiled * compiled, executor_.prepare(RunKey(shape).text(), [&]() -> Result<graph::PlacedGraph> {
            KRAIT_TRY(Graph whole, build_forward(model_.architecture(), model_.weights().descs(), 1, shape, model_.n_token()));
            for (const Node& node : whole.nodes)
                for (const TensorId id : node.out)
                    if (id != kNoTensor) whole[whole.memory_of(id)].role = TensorRole::output;
            return build_placed(model_, states_, std::move(whole));
        }));
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

  private:
    Expected(const Model& model, graph::Executor executor, StatePool states)
        : model_(model), executor_(std::move(executor)), states_(std::move(states)) {}

    Result<Bytes> state_of(const Graph& graph, const Node& node) {
        for (const TensorId id : node.in) {
            if (id == kNoTensor || graph[id].role != TensorRole::state) continue;
            Bytes bytes(static_cast<size_t>(span_bytes(graph[id].desc)));
            const auto device = static_cast<size_t>(model_.placement().device_of(node.name));
            KRAIT_CHECK(executor_.queue(device).export_state(*graph[id].storage, 0, bytes));
            return bytes;
        }
        return Bytes();
    }

    const Model& model_;
    graph::Executor executor_;
    StatePool states_;
    bool is_fresh_ = true;
};

// One node on the tested model's device.
class TestedNode {
  public:
    TestedNode(const Model& model, const Node& node) : model_(model), device_(model.placement().device_of(node.name)) {}
    int32_t device() const { return device_; }

    struct Results {
        std::vector<Bytes> outputs;  // as node.out, absent ones left out
        Bytes state;
    };
    // before: the state that the expected node had, empty for none.
    Result<Results> run(const ExpectedRun& expected, const Node& node, std::span<const std::byte> before) {
        const std::shared_ptr<const Device>& device = model_.devices()[static_cast<size_t>(device_)];
        KRAIT_TRY(graph::Executor executor, graph::Executor::create(device));
        Graph one;
        one.dim_max = expected.graph.dim_max;
        Node alone = node;
        std::map<TensorId, TensorId> known;  // from the whole graph to this one
        std::vector<graph::InputBytes> inputs;
        const auto add = [&](Tensor tensor) {
            one.tensors.push_back(std::move(tensor));
            return static_cast<TensorId>(one.tensors.size() - 1);
        };
        for (TensorId& id : alone.in) {
            if (id == kNoTensor) continue;
            const Tensor& tensor = expected.graph[id];
            const TensorId base = expected.graph.memory_of(id);
            if (!known.contains(base)) {
                Tensor copy = expected.graph[base];
                if (copy.role == TensorRole::constant) {
                    copy.storage = model_.weights().find(static_cast<size_t>(copy.source), device_);
                    if (!copy.storage) return fail(ErrorCode::internal, "'{}' is not on {}", copy.name, device->name());
                } else if (copy.role == TensorRole::state) {
                    KRAIT_CHECK(make_state(*device, node.op, copy.desc));
                    copy.storage = state_;
                } else {
                    copy.role = TensorRole::input;
                }
                const bool is_input = copy.role == TensorRole::input;
                known[base] = add(std::move(copy));
                if (is_input) inputs.push_back({known[base], expected.bytes[static_cast<size_t>(base)]});
            }
            id = tensor.role == TensorRole::view
                     ? add({tensor.name, tensor.desc, TensorRole::view, known[base], tensor.offset, nullptr})
                     : known[base];
        }
        for (TensorId& id : alone.out)
            if (id != kNoTensor)
                id = add({expected.graph[id].name, expected.graph[id].desc, TensorRole::output, kNoTensor, 0, nullptr});
        one.nodes.push_back(alone);

        if (state_ && !before.empty()) KRAIT_CHECK(executor.queue().import_state(*state_, 0, before));
        KRAIT_TRY(graph::Compiled * compiled, executor.prepare("node", [&]() -> Result<Graph> { return one; }));
        KRAIT_CHECK(executor.run(*compiled, inputs));
        Results results;
        for (const TensorId id : alone.out) {
            if (id == kNoTensor) continue;
            Bytes bytes(static_cast<size_t>(span_bytes(one[id].desc)));
            KRAIT_CHECK(executor.read(*compiled, id, bytes));
            results.outputs.push_back(std::move(bytes));
        }
        if (state_) {
            results.state.resize(state_bytes_);
            KRAIT_CHECK(executor.queue().export_state(*state_, 0, results.state));
        }
        return results;
    }

  private:
    Result<void> make_state(const Device& device, OpId op, const TensorDesc& pool) {
        if (state_) return {};
        krait_state_desc desc{};
        desc.op = static_cast<uint32_t>(op);
        desc.n_slots = static_cast<int32_t>(pool.extent[0]);
        for (size_t i = 0; i < std::size(desc.extent); ++i) desc.extent[i] = i + 1 < pool.rank ? pool.extent[i + 1] : 1;
        KRAIT_TRY(Buffer buffer, device.create_state(desc));
        state_ = std::make_shared<const Buffer>(std::move(buffer));
        state_bytes_ = static_cast<size_t>(span_bytes(pool));
        return {};
    }

    const Model& model_;
    int32_t device_;
    std::shared_ptr<const Buffer> state_;
    size_t state_bytes_ = 0;
};

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
    auto results = tested.run(expected, node, before);
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
        compare_values<float>(results->state, expected.states[index], difference);
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
        return fail(ErrorCode::invalid_argument, "{} and {} are not the same model", expected.file().name(),
                    tested.file().name());
    for (const int32_t token : tokens)
        if (token < 0 || token >= expected.shape().n_vocab)
            return fail(ErrorCode::invalid_argument, "token {} is out of range: the vocabulary has {}", token,
                        expected.shape().n_vocab);
    KRAIT_TRY(Expected oracle, Expected::create(expected));
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
