// SPDX-License-Identifier: Apache-2.0
#include "models/placement/placement.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <set>

#include "core/base/format_bytes.hpp"
#include "graph/lower.hpp"
#include "models/architectures/forward.hpp"
#include "models/placement/auto_placement.hpp"

namespace krait {
namespace {

Result<std::vector<int32_t>> by_layers(std::vector<int64_t> counts, int64_t n_layer, size_t n_device) {
    const std::string said = fmt::format("{}", fmt::join(counts, ","));
    for (const int64_t n : counts)
        if (n < 0 || n > n_layer)
            return fail(ErrorCode::invalid_argument, "--layers {}: a device cannot have {} layers; the model has {}", said, n,
                        n_layer);
    const int64_t sum = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    if (counts.size() + 1 == n_device && sum <= n_layer) counts.push_back(n_layer - sum);
    if (counts.size() != n_device || std::accumulate(counts.begin(), counts.end(), int64_t{0}) != n_layer)
        return fail(ErrorCode::invalid_argument,
                    "--layers {}: {} layers on {} device{}; the model has {} layers and there {} {} device{}", said, sum,
                    counts.size(), counts.size() == 1 ? "" : "s", n_layer, n_device == 1 ? "is" : "are", n_device,
                    n_device == 1 ? "" : "s");
    std::vector<int32_t> layer;
    for (size_t d = 0; d < counts.size(); ++d)
        layer.insert(layer.end(), static_cast<size_t>(counts[d]), static_cast<int32_t>(d));
    return layer;
}

Result<std::vector<int32_t>> by_shares(std::span<const double> shares, int64_t n_layer, size_t n_device) {
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    const bool sound = std::all_of(shares.begin(), shares.end(), [](double s) { return s >= 0 && s <= 1e9; });
    if (shares.size() != n_device || !sound || !(sum > 0))
        return fail(ErrorCode::invalid_argument, "--split {}: one number from 0 on for each of {} devices is needed, not all 0",
                    fmt::join(shares, ","), n_device);
    std::vector<int32_t> layer;
    double before = 0;
    for (size_t d = 0; d < n_device; ++d) {
        before += shares[d];
        const auto end =
            d + 1 == n_device ? n_layer : std::min<int64_t>(n_layer, std::llround(before / sum * static_cast<double>(n_layer)));
        while (static_cast<int64_t>(layer.size()) < end) layer.push_back(static_cast<int32_t>(d));
    }
    return layer;
}

Result<int32_t> index_of(std::span<const std::string> labels, const std::string& name, std::string_view asked_by) {
    const auto found = std::find(labels.begin(), labels.end(), name);
    if (found == labels.end())
        return fail(ErrorCode::invalid_argument, "{}: no device of this model is called '{}'; there {} '{}'", asked_by, name,
                    labels.size() == 1 ? "is" : "are", fmt::join(labels, "', '"));
    return static_cast<int32_t>(found - labels.begin());
}

Result<bool> any_supports_top_k(const Architecture& architecture, const WeightDescs& weights,
                                std::span<const std::shared_ptr<const Device>> devices) {
    KRAIT_TRY(const graph::Graph token,
              build_forward(architecture, weights, {.n_slots = 1}, {.n_tok = 1, .n_seq = 1, .n_out = 1, .top_k = 1}));
    const graph::LoweredGraph lowered(token);
    const auto last = static_cast<uint32_t>(token.nodes.size() - 1);
    return std::any_of(devices.begin(), devices.end(),
                       [&](const auto& device) { return !device->declines(lowered.get(), last); });
}

}  // namespace

const Placement::Place& Placement::find(std::string_view node) const {
    const auto found = nodes_.find(node);
    assert(found != nodes_.end());
    return found->second;
}

Result<std::vector<int32_t>> Placement::devices_of(const graph::Graph& graph) const {
    std::vector<int32_t> devices;
    devices.reserve(graph.nodes.size());
    for (const graph::Node& node : graph.nodes) {
        const auto found = nodes_.find(node.name);
        if (found == nodes_.end())
            return fail(ErrorCode::internal, "node '{}' was given to no device: placement knows the nodes of a model's runs",
                        node.name);
        devices.push_back(found->second.device);
    }
    return devices;
}

void Placement::add(const graph::Graph& graph, graph::Assignment assignment) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
        const graph::Node& node = graph.nodes[n];
        const int32_t device = assignment.device[n];
        nodes_[node.name] = {device, std::move(assignment.why[n])};
        used_[static_cast<size_t>(device)] = true;
        for (uint32_t i = 0; i < KRAIT_MAX_INPUTS; ++i) {
            if (node.in[i] == graph::kNoTensor) continue;
            const graph::Tensor& tensor = graph[node.in[i]];
            if (tensor.role == graph::TensorRole::memory) memories_[static_cast<size_t>(tensor.source)] = device;
            if (tensor.role != graph::TensorRole::constant) continue;
            std::vector<WeightLocation>& locations = weight_locations_[static_cast<size_t>(tensor.source)];
            auto location =
                std::find_if(locations.begin(), locations.end(), [&](const WeightLocation& h) { return h.device == device; });
            if (location == locations.end()) location = locations.insert(locations.end(), {device, {}});
            const krait_use use{static_cast<uint32_t>(node.op), i};
            const bool known = std::any_of(location->uses.begin(), location->uses.end(),
                                           [&](const krait_use& u) { return u.op == use.op && u.operand == use.operand; });
            if (!known) location->uses.push_back(use);
        }
    }
}

Result<std::vector<MemoryNeed>> Placement::memory_needs(const Architecture& architecture, const WeightDescs& weights,
                                                        std::span<const std::shared_ptr<const Device>> devices) const {
    std::vector<MemoryNeed> needs(devices.size());
    for (size_t i = 0; i < weight_locations_.size(); ++i)
        for (const WeightLocation& location : weight_locations_[i])
            needs[static_cast<size_t>(location.device)].weights += static_cast<uint64_t>(span_bytes(*weights[i]));
    for (size_t i = 0; i < memories_.size(); ++i)
        needs[static_cast<size_t>(memories_[i])].states +=
            static_cast<uint64_t>(architecture.memories()[i].spec.sequence_bytes(kDefaultCachedTokens));
    KRAIT_TRY(const graph::Graph run, largest_run(architecture, weights));
    KRAIT_TRY(const std::vector<int32_t> device_of_node, devices_of(run));
    std::vector<uint64_t> alignments;
    for (const auto& device : devices) alignments.push_back(graph::arena_alignment(*device));
    const graph::CompilePlan plan = graph::plan_graph(run, device_of_node, alignments);
    for (size_t i = 0; i < plan.memory.size(); ++i)
        needs[static_cast<size_t>(plan.partitioned.subgraphs[i].device)].values = plan.memory[i].peak_bytes;
    return needs;
}

Result<void> Placement::check_limits(const PlacementOptions& options, std::span<const uint64_t> held_weights) const {
    for (const PlacementOptions::Limit& limit : options.max_memory) {
        KRAIT_TRY(const int32_t device, index_of(labels_, limit.device, "--max-memory"));
        MemoryNeed need = needs_[static_cast<size_t>(device)];
        if (!held_weights.empty()) need.weights = std::max(need.weights, held_weights[static_cast<size_t>(device)]);
        if (need.total() > limit.bytes)
            return fail(
                ErrorCode::out_of_memory,
                "--max-memory {}={}: {} are needed there ({}): weights {}, one sequence's states {}, values of a run {}; {}",
                limit.device, format_bytes(limit.bytes), format_bytes(need.total()), summary_, format_bytes(need.weights),
                format_bytes(need.states), format_bytes(need.values),
                labels_.size() == 1 ? "allow it more, or name one more device for a part of the layers"
                                    : "allow it more, or give it fewer layers (--layers)");
    }
    return {};
}

std::vector<std::string> device_labels(std::span<const std::shared_ptr<const Device>> devices) {
    std::vector<std::string> labels;
    for (size_t i = 0; i < devices.size(); ++i) {
        size_t n_before = 0;
        for (size_t j = 0; j < i; ++j) n_before += devices[j]->name() == devices[i]->name();
        labels.push_back(n_before == 0 ? devices[i]->name() : fmt::format("{}#{}", devices[i]->name(), n_before + 1));
    }
    return labels;
}

Result<Placement> Placement::decide(const Architecture& architecture, const WeightDescs& weights,
                                    std::span<const std::shared_ptr<const Device>> devices, const PlacementOptions& options) {
    // The prompt's nodes are those of every run; the token's tell whether a device takes them in its shape too.
    RunShape shape_of_prompt{.n_tok = 512, .n_seq = 2, .n_out = 2, .n_hidden = 2};
    RunShape shape_of_token{.n_tok = 1, .n_seq = 1, .n_out = 1, .n_hidden = 1};
    // Sessions do without top_k where no device has it.
    KRAIT_TRY(const bool supports_top_k, any_supports_top_k(architecture, weights, devices));
    if (supports_top_k)
        for (RunShape* shape : {&shape_of_prompt, &shape_of_token}) shape->top_k = 1;
    KRAIT_TRY(const graph::Graph prompt, build_forward(architecture, weights, {.n_slots = 4}, shape_of_prompt));
    KRAIT_TRY(const graph::Graph token, build_forward(architecture, weights, {.n_slots = 4}, shape_of_token));
    const graph::LoweredGraph lowered_prompt(prompt), lowered_token(token);
    std::map<std::string_view, uint32_t> index_in_token;
    for (uint32_t n = 0; n < token.nodes.size(); ++n) index_in_token[token.nodes[n].name] = n;

    Placement placement;
    placement.supports_top_k_ = supports_top_k;
    placement.labels_ = device_labels(devices);
    placement.used_.assign(devices.size(), false);
    placement.memories_.assign(architecture.memories().size(), 0);
    placement.weight_locations_.resize(architecture.weights().size());
    // Before anything is measured: names and patterns that are wrong are told at once.
    decltype(graph::PlacementPolicy::rules) rules;
    for (const PlacementOptions::Rule& rule : options.rules) {
        KRAIT_TRY(const int32_t device,
                  index_of(placement.labels_, rule.device, fmt::format("--place '{}={}'", rule.pattern, rule.device)));
        rules.push_back({rule.pattern, device});
    }
    std::set<int32_t> limited;
    for (const PlacementOptions::Limit& limit : options.max_memory) {
        KRAIT_TRY(const int32_t device,
                  index_of(placement.labels_, limit.device, fmt::format("--max-memory {}", limit.device)));
        if (!limited.insert(device).second)
            return fail(ErrorCode::invalid_argument, "--max-memory {}: this device has two limits; give it one", limit.device);
    }
    KRAIT_CHECK(graph::check_rules(prompt, rules, placement.labels_));
    graph::PlacementPolicy policy;
    std::vector<size_t> min_chunk_rows(devices.size(), kMinChunkRows);
    const int64_t n_layer = architecture.shape().n_layer;
    if (!options.layers.empty() && !options.split.empty())
        return fail(ErrorCode::invalid_argument, "--layers and --split say the same thing in two ways: give one of them");
    if (!options.layers.empty()) {
        KRAIT_TRY(policy.layer, by_layers(options.layers, n_layer, devices.size()));
        policy.why = fmt::format("--layers {}", fmt::join(options.layers, ","));
    } else if (!options.split.empty()) {
        KRAIT_TRY(policy.layer, by_shares(options.split, n_layer, devices.size()));
        policy.why = fmt::format("--split {}", fmt::join(options.split, ","));
    } else if (devices.size() == 1) {
        policy.layer.assign(static_cast<size_t>(n_layer), 0);
        policy.why = "the only device";
    } else {
        KRAIT_TRY(MeasuredPlacement measured, place_by_cost(architecture, weights, devices, placement.labels_, options));
        policy = std::move(measured.policy);
        min_chunk_rows = std::move(measured.min_chunk_rows);
    }
    if (!options.layers.empty() || !options.split.empty()) {
        policy.embedding = policy.layer.front();
        policy.head = policy.layer.back();
    }
    placement.summary_ = policy.why;
    policy.rules = std::move(rules);

    std::vector<graph::CandidateDevice> candidates;
    for (size_t d = 0; d < devices.size(); ++d)
        candidates.push_back({placement.labels_[d], [&, d](uint32_t n) -> std::optional<Error> {
                                  if (auto why = devices[d]->declines(lowered_prompt.get(), n)) return why;
                                  const auto in_token = index_in_token.find(prompt.nodes[n].name);
                                  if (in_token == index_in_token.end()) return std::nullopt;
                                  return devices[d]->declines(lowered_token.get(), in_token->second);
                              }});
    KRAIT_TRY(graph::Assignment assignment, graph::assign_devices(prompt, candidates, policy));
    placement.add(prompt, std::move(assignment));
    for (size_t d = 0; d < devices.size(); ++d)
        if (placement.used_[d]) placement.min_chunk_rows_ = std::max(placement.min_chunk_rows_, min_chunk_rows[d]);
    if (!options.max_memory.empty()) {
        KRAIT_TRY(placement.needs_, placement.memory_needs(architecture, weights, devices));
        KRAIT_CHECK(placement.check_limits(options, {}));
    }
    return placement;
}

}  // namespace krait
