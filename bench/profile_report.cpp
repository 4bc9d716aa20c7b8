// SPDX-License-Identifier: Apache-2.0
#include "bench/profile_report.hpp"

#include <fmt/format.h>

#include "bench/profile_figures.hpp"
#include "bench/report_text.hpp"

namespace krait::bench {
namespace {

double per(double sum, uint64_t n) { return n > 0 ? sum / static_cast<double>(n) : 0; }

// "prompt: 2 runs, 24 tokens; a run takes 41.02 ms, and its nodes one at a time 45.13 ms (1.10 x)"
std::string headline(krait_phase phase, const krait_phase_sums& sums) {
    std::string text = fmt::format("{}: {} run{}, {} token{}; ", phase_name(phase), sums.n_run, sums.n_run == 1 ? "" : "s",
                                   sums.n_tok, sums.n_tok == 1 ? "" : "s");
    const double nodes = per(sums.node_seconds, sums.n_run), plain = per(sums.plain_seconds, sums.n_plain_run);
    if (plain > 0)
        text += fmt::format("a plain run takes {:.3f} ms, the sum of its nodes is {:.3f} ms ({:.2f} x)\n", plain * 1e3,
                            nodes * 1e3, nodes / plain);
    else text += fmt::format("the sum of the nodes of a run is {:.3f} ms\n", nodes * 1e3);
    return text;
}

std::string groups_text(const api::Profile& profile, krait_phase phase, krait_profile_group by, const krait_phase_sums& sums) {
    const bool names_differ = by == KRAIT_GROUP_NAME;  // from that of the operator
    const std::vector<std::string> devices = profile.devices();
    std::vector<std::vector<std::string>> rows{{names_differ ? "node" : "operator"}};
    if (names_differ) rows[0].emplace_back("operator");
    const size_t n_left = rows[0].size() + 1;
    for (const char* column : {"device", "calls", "ms/run", "share", "us/call", "min us", "bytes/run", "GB/s", "GFLOP/s"})
        rows[0].emplace_back(column);
    for (const krait_profile_entry& group : profile.entries(phase, by)) {
        std::vector<std::string>& row = rows.emplace_back();
        row.push_back(name_of(group));
        if (names_differ) row.emplace_back(group.op);
        row.push_back(devices[group.device]);
        row.push_back(fmt::format("{}", group.n_call));
        row.push_back(fmt::format("{:.3f}", per(group.seconds, sums.n_run) * 1e3));
        row.push_back(fmt::format("{:.1f}%", share_of(group, sums) * 100));
        row.push_back(fmt::format("{:.2f}", mean_seconds(group) * 1e6));
        row.push_back(fmt::format("{:.2f}", group.min_seconds * 1e6));
        row.push_back(format_bytes(per(bytes_of(group), sums.n_run)));
        row.push_back(fmt::format("{:.2f}", bytes_per_second(group) * 1e-9));
        row.push_back(group.operations > 0 ? fmt::format("{:.1f}", operations_per_second(group) * 1e-9) : "-");
    }
    return aligned(rows, n_left);
}

}  // namespace

std::string profile_text(const api::Profile& profile, ProfileForm form) {
    std::string text = fmt::format("profile: {}\n", kProfileNote);
    for (const krait_phase phase : kPhases) {
        const krait_phase_sums sums = profile.phase(phase);
        if (sums.n_run == 0) continue;
        text += '\n' + headline(phase, sums);
        text += groups_text(profile, phase, KRAIT_GROUP_OPERATOR, sums);
        if (form == ProfileForm::nodes) text += '\n' + groups_text(profile, phase, KRAIT_GROUP_NAME, sums);
    }
    return text;
}

}  // namespace krait::bench
