// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/assign_devices.hpp"

#include <algorithm>

#include "graph/pattern.hpp"

namespace krait::graph {
namespace {

class Rules {
  public:
    explicit Rules(std::span<const PlaceRule> rules) : rules_(rules) {}

    Result<void> compile() {
        for (const PlaceRule& rule : rules_) {
            KRAIT_TRY(Pattern pattern, Pattern::compile(rule.pattern));
            patterns_.push_back(std::move(pattern));
        }
        used_.assign(rules_.size(), false);
        return {};
    }

    // The first that matches, or nullptr.
    Result<const PlaceRule*> find(const Graph& graph, const Node& node) {
        const PlaceRule* first = nullptr;
        for (size_t i = 0; i < rules_.size(); ++i) {
            KRAIT_TRY(const bool found, matches(patterns_[i], graph, node));
            if (!found) continue;
            used_[i] = true;
            if (!first) first = &rules_[i];
        }
        return first;
    }

    // names: of the candidates.
    Result<void> expect_all_used(const Graph& graph, std::span<const std::string> names) const {
        const auto unused = std::find(used_.begin(), used_.end(), false);
        if (unused == used_.end()) return {};
        const PlaceRule& rule = rules_[static_cast<size_t>(unused - used_.begin())];
        return fail(ErrorCode::invalid_argument,
                    "no node and no weight matches '{}', which should go to {}; nodes are called '{}' to '{}'", rule.pattern,
                    names[static_cast<size_t>(rule.device)], graph.nodes.empty() ? "" : graph.nodes.front().name,
                    graph.nodes.empty() ? "" : graph.nodes.back().name);
    }

  private:
    static Result<bool> matches(const Pattern& pattern, const Graph& graph, const Node& node) {
        KRAIT_TRY(bool found, pattern.occurs_in(node.name));
        for (const TensorId id : node.in) {
            if (found) break;
            if (id == kNoTensor || graph[id].role != TensorRole::constant) continue;
            KRAIT_TRY(found, pattern.occurs_in(graph[id].name));
        }
        return found;
    }

    std::span<const PlaceRule> rules_;
    std::vector<Pattern> patterns_;
    std::vector<bool> used_;
};

int32_t device_of_layer(const PlacementPolicy& policy, int32_t layer) {
    if (layer == kEmbedding) return policy.embedding;
    if (layer == kHead || policy.layer.empty()) return policy.head;
    return policy.layer[std::min(static_cast<size_t>(layer), policy.layer.size() - 1)];
}

std::string place_name(int32_t layer) {
    return layer == kEmbedding ? "embedding" : layer == kHead ? "head" : fmt::format("layer {}", layer);
}

// How a node came to its device.
struct Choice {
    const PlaceRule* rule = nullptr;
    bool was_passed_on = false;
};

class SharedMemories {
  public:
    SharedMemories(const Graph& graph, std::span<const CandidateDevice> candidates, std::span<const Choice> choices)
        : graph_(graph), candidates_(candidates), choices_(choices), nodes_(graph.tensors.size()) {
        for (uint32_t n = 0; n < graph.nodes.size(); ++n)
            for (const TensorId id : graph.nodes[n].in)
                if (id != kNoTensor && graph[id].role == TensorRole::memory) nodes_[static_cast<size_t>(id)].push_back(n);
    }

    Result<void> unite(Assignment& assignment) const {
        for (size_t id = 0; id < nodes_.size(); ++id) {
            const auto device_of = [&](uint32_t n) { return assignment.device[n]; };
            const std::vector<uint32_t>& nodes = nodes_[id];
            if (nodes.empty() || std::ranges::all_of(nodes, [&](uint32_t n) { return device_of(n) == device_of(nodes[0]); }))
                continue;
            KRAIT_TRY(const uint32_t leader, choose(graph_.tensors[id].name, nodes, assignment));
            for (const uint32_t n : nodes) {
                if (device_of(n) == device_of(leader)) continue;
                assignment.device[n] = device_of(leader);
                assignment.why[n] += fmt::format(", but '{}' uses the same memory", graph_.nodes[leader].name);
            }
        }
        return {};
    }

  private:
    bool takes_all(int32_t device, std::span<const uint32_t> nodes) const {
        return std::ranges::none_of(
            nodes, [&](uint32_t n) { return candidates_[static_cast<size_t>(device)].declines(n).has_value(); });
    }

    // The node to whose device all go.
    Result<uint32_t> choose(const std::string& memory, std::span<const uint32_t> nodes, const Assignment& assignment) const {
        const auto name_of_device = [&](uint32_t n) { return candidates_[static_cast<size_t>(assignment.device[n])].name; };
        std::vector<uint32_t> order(nodes.begin(), nodes.end());
        const auto rank = [&](uint32_t n) { return choices_[n].rule ? 0 : choices_[n].was_passed_on ? 1 : 2; };
        std::ranges::stable_sort(order, {}, rank);
        for (const uint32_t n : order)
            if (choices_[n].rule && assignment.device[n] != assignment.device[order[0]])
                return fail(ErrorCode::invalid_argument,
                            "--place '{}' sends node '{}' to {}, and --place '{}' sends '{}' to {}; both use '{}': give them "
                            "one device",
                            choices_[order[0]].rule->pattern, graph_.nodes[order[0]].name, name_of_device(order[0]),
                            choices_[n].rule->pattern, graph_.nodes[n].name, name_of_device(n), memory);
        for (const uint32_t n : order) {
            if (takes_all(assignment.device[n], nodes)) return n;
            if (choices_[n].rule)
                return fail(ErrorCode::invalid_argument,
                            "--place '{}' sends node '{}' to {}, which does not take all nodes that use '{}'",
                            choices_[n].rule->pattern, graph_.nodes[n].name, name_of_device(n), memory);
        }
        return fail(ErrorCode::unsupported, "no device takes all nodes that use '{}'; name 'cpu' too, which takes every node",
                    memory);
    }

    const Graph& graph_;
    std::span<const CandidateDevice> candidates_;
    std::span<const Choice> choices_;
    std::vector<std::vector<uint32_t>> nodes_;  // by tensor: those that use it, where it is a memory
};

}  // namespace

Result<void> check_rules(const Graph& graph, std::span<const PlaceRule> rules, std::span<const std::string> names) {
    Rules patterns(rules);
    KRAIT_CHECK(patterns.compile());
    for (const Node& node : graph.nodes) KRAIT_CHECK(patterns.find(graph, node));
    return patterns.expect_all_used(graph, names);
}

Result<Assignment> assign_devices(const Graph& graph, std::span<const CandidateDevice> candidates,
                                  const PlacementPolicy& policy) {
    Rules rules(policy.rules);
    KRAIT_CHECK(rules.compile());
    Assignment assignment;
    std::vector<Choice> choices;
    for (uint32_t n = 0; n < graph.nodes.size(); ++n) {
        const Node& node = graph.nodes[n];
        KRAIT_TRY(const PlaceRule* rule, rules.find(graph, node));
        const auto first = static_cast<size_t>(rule ? rule->device : device_of_layer(policy, node.layer));
        std::string why =
            rule ? fmt::format("--place '{}'", rule->pattern) : fmt::format("{}: {}", place_name(node.layer), policy.why);
        std::string refusals;
        ErrorCode code = ErrorCode::unsupported;
        size_t tried = 0;
        for (; tried < candidates.size(); ++tried) {
            const CandidateDevice& candidate = candidates[(first + tried) % candidates.size()];
            const auto declined = candidate.declines(n);
            if (!declined) break;
            code = declined->code;
            refusals += fmt::format("{}{}", refusals.empty() ? "" : "; ", declined->message);
        }
        if (tried == candidates.size())
            return fail(code, "node {} '{}' ({}): {}{}", n, node.name, op_name(node.op), refusals,
                        candidates.size() == 1 ? "; name a second device that takes it, 'cpu' takes every node" : "");
        if (tried > 0) why = fmt::format("{}, but {}", why, refusals);
        assignment.device.push_back(static_cast<int32_t>((first + tried) % candidates.size()));
        assignment.why.push_back(std::move(why));
        choices.push_back({rule, tried > 0});
    }
    std::vector<std::string> names;
    for (const CandidateDevice& candidate : candidates) names.push_back(candidate.name);
    KRAIT_CHECK(rules.expect_all_used(graph, names));
    KRAIT_CHECK(SharedMemories(graph, candidates, choices).unite(assignment));
    return assignment;
}

}  // namespace krait::graph
