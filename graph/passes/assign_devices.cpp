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
    }
    std::vector<std::string> names;
    for (const CandidateDevice& candidate : candidates) names.push_back(candidate.name);
    KRAIT_CHECK(rules.expect_all_used(graph, names));
    return assignment;
}

}  // namespace krait::graph
