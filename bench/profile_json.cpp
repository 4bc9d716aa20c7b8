// SPDX-License-Identifier: Apache-2.0
#include "bench/profile_json.hpp"

#include <nlohmann/json.hpp>

#include "bench/profile_figures.hpp"
#include "bench/profile_report.hpp"

namespace krait::bench {
namespace {

using Json = nlohmann::ordered_json;

void add_totals(Json& json, const krait_profile_entry& entry) {
    json["calls"] = entry.n_call;
    json["seconds"] = entry.seconds;
    json["mean_seconds"] = mean_seconds(entry);
    json["min_seconds"] = entry.min_seconds;
    json["bytes_read"] = entry.bytes_read;
    json["bytes_written"] = entry.bytes_written;
    json["gb_per_second"] = bytes_per_second(entry) * 1e-9;
    if (entry.operations == 0) return;
    json["operations"] = entry.operations;
    json["gflop_per_second"] = operations_per_second(entry) * 1e-9;
}

// A number, or the part of the model that is no layer.
Json layer_json(int32_t layer) {
    if (layer == KRAIT_LAYER_EMBEDDING) return "embedding";
    if (layer == KRAIT_LAYER_HEAD) return "head";
    return layer;
}

Json phase_json(const api::Profile& profile, krait_phase phase) {
    const krait_phase_sums sums = profile.phase(phase);
    const std::vector<std::string> devices = profile.devices();
    Json json{{"phase", phase_name(phase)},
              {"runs", sums.n_run},
              {"tokens", sums.n_tok},
              {"node_seconds", sums.node_seconds},
              {"run_seconds", sums.run_seconds},
              {"plain_runs", sums.n_plain_run},
              {"plain_seconds", sums.plain_seconds},
              {"operators", Json::array()},
              {"nodes", Json::array()}};
    for (const krait_profile_entry& group : profile.entries(phase, KRAIT_GROUP_OPERATOR)) {
        Json entry{{"operator", group.op}, {"device", devices[group.device]}};
        entry["share"] = share_of(group, sums);
        add_totals(entry, group);
        json["operators"].push_back(std::move(entry));
    }
    for (const krait_profile_entry& node : profile.entries(phase, KRAIT_GROUP_NODE)) {
        Json entry{{"node", name_of(node)},
                   {"operator", node.op},
                   {"layer", layer_json(node.layer)},
                   {"device", devices[node.device]}};
        add_totals(entry, node);
        json["nodes"].push_back(std::move(entry));
    }
    return json;
}

}  // namespace

Json profile_json(const api::Profile& profile) {
    Json json{{"note", kProfileNote}, {"phases", Json::array()}};
    for (const krait_phase phase : kPhases)
        if (profile.phase(phase).n_run > 0) json["phases"].push_back(phase_json(profile, phase));
    return json;
}

}  // namespace krait::bench
