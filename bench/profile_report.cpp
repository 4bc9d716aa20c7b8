// SPDX-License-Identifier: Apache-2.0
#include "bench/profile_report.hpp"

#include <fmt/format.h>

#include "bench/report_text.hpp"

namespace krait::bench {
namespace {

double per(double sum, int64_t n) { return n > 0 ? sum / static_cast<double>(n) : 0; }

// "prompt: 2 runs, 24 tokens; a run takes 41.02 ms, and its nodes one at a time 45.13 ms (1.10 x)"
std::string headline(Phase phase, const PhaseProfile& sums, const NodeTotals& all) {
    std::string text = fmt::format("{}: {} run{}, {} token{}; ", phase_name(phase), sums.n_runs, sums.n_runs == 1 ? "" : "s",
                                   sums.n_rows, sums.n_rows == 1 ? "" : "s");
    const double nodes = per(all.seconds, sums.n_runs), plain = per(sums.plain_seconds, sums.n_plain_runs);
    if (plain > 0)
        text += fmt::format("a plain run takes {:.3f} ms, the sum of its nodes is {:.3f} ms ({:.2f} x)\n", plain * 1e3,
                            nodes * 1e3, nodes / plain);
    else text += fmt::format("the sum of the nodes of a run is {:.3f} ms\n", nodes * 1e3);
    return text;
}

std::string groups_text(const char* title, const std::vector<NodeGroup>& groups, bool names_differ, const Profile& profile,
                        const PhaseProfile& sums, const NodeTotals& all) {
    std::vector<std::vector<std::string>> rows{{title}};
    if (names_differ) rows[0].emplace_back("operator");
    const size_t n_left = rows[0].size() + 1;
    for (const char* column : {"device", "calls", "ms/run", "share", "us/call", "min us", "bytes/run", "GB/s", "GFLOP/s"})
        rows[0].emplace_back(column);
    for (const NodeGroup& group : groups) {
        const NodeTotals& totals = group.totals;
        std::vector<std::string>& row = rows.emplace_back();
        row.push_back(group.name);
        if (names_differ) row.emplace_back(op_name(group.op));
        row.push_back(profile.devices()[group.device]);
        row.push_back(fmt::format("{}", totals.calls));
        row.push_back(fmt::format("{:.3f}", per(totals.seconds, sums.n_runs) * 1e3));
        row.push_back(fmt::format("{:.1f}%", all.seconds > 0 ? totals.seconds / all.seconds * 100 : 0));
        row.push_back(fmt::format("{:.2f}", totals.mean_seconds() * 1e6));
        row.push_back(fmt::format("{:.2f}", totals.min_seconds * 1e6));
        row.push_back(format_bytes(per(totals.bytes(), sums.n_runs)));
        row.push_back(fmt::format("{:.2f}", totals.bytes_per_second() * 1e-9));
        row.push_back(totals.operations > 0 ? fmt::format("{:.1f}", totals.operations_per_second() * 1e-9) : "-");
    }
    return aligned(rows, n_left);
}

}  // namespace

std::string profile_text(const Profile& profile, ProfileForm form) {
    std::string text = fmt::format("profile: {}\n", kProfileNote);
    for (const Phase phase : kPhases) {
        const PhaseProfile& sums = profile.phase(phase);
        if (sums.is_empty()) continue;
        const NodeTotals all = sums.sum();
        text += '\n' + headline(phase, sums, all);
        text += groups_text("operator", sums.by_operator(), false, profile, sums, all);
        if (form == ProfileForm::nodes) text += '\n' + groups_text("node", sums.by_name(), true, profile, sums, all);
    }
    return text;
}

}  // namespace krait::bench
