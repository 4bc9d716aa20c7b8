// SPDX-License-Identifier: Apache-2.0
#include "bench/profile_json.hpp"

#include <nlohmann/json.hpp>

#include "bench/profile_report.hpp"

namespace krait::bench {
namespace {

using Json = nlohmann::ordered_json;

void add_totals(Json& json, const NodeTotals& totals) {
    json["calls"] = totals.calls;
    json["seconds"] = totals.seconds;
    json["mean_seconds"] = totals.mean_seconds();
    json["min_seconds"] = totals.min_seconds;
    json["bytes_read"] = totals.bytes_read;
    json["bytes_written"] = totals.bytes_written;
    json["gb_per_second"] = totals.bytes_per_second() * 1e-9;
    if (totals.operations == 0) return;
    json["operations"] = totals.operations;
    json["gflop_per_second"] = totals.operations_per_second() * 1e-9;
}

// A number, or the part of the model that is no layer.
Json layer_json(int32_t layer) {
    if (layer == graph::kEmbedding) return "embedding";
    if (layer == graph::kHead) return "head";
    return layer;
}

Json phase_json(const Profile& profile, Phase phase) {
    const PhaseProfile& sums = profile.phase(phase);
    const NodeTotals all = sums.sum();
    Json json{{"phase", phase_name(phase)},
              {"runs", sums.n_runs},
              {"tokens", sums.n_rows},
              {"node_seconds", all.seconds},
              {"run_seconds", sums.run_seconds},
              {"plain_runs", sums.n_plain_runs},
              {"plain_seconds", sums.plain_seconds},
              {"operators", Json::array()},
              {"nodes", Json::array()}};
    for (const NodeGroup& group : sums.by_operator()) {
        Json entry{{"operator", group.name}, {"device", profile.devices()[group.device]}};
        entry["share"] = all.seconds > 0 ? group.totals.seconds / all.seconds : 0;
        add_totals(entry, group.totals);
        json["operators"].push_back(std::move(entry));
    }
    for (const NodeProfile& node : sums.nodes) {
        Json entry{{"node", node.name},
                   {"operator", op_name(node.op)},
                   {"layer", layer_json(node.layer)},
                   {"device", profile.devices()[node.device]}};
        add_totals(entry, node.totals);
        json["nodes"].push_back(std::move(entry));
    }
    return json;
}

}  // namespace

Json profile_json(const Profile& profile) {
    Json json{{"note", kProfileNote}, {"phases", Json::array()}};
    for (const Phase phase : kPhases)
        if (!profile.phase(phase).is_empty()) json["phases"].push_back(phase_json(profile, phase));
    return json;
}

}  // namespace krait::bench
