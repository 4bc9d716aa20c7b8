// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/suite.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/harness/effort.hpp"
#include "tests/harness/emulated_levels.hpp"
#include "tests/harness/test_options.hpp"

namespace krait::harness {

std::vector<const Case*> select(const Selection& selection) {
    std::vector<const Case*> chosen;
    for (const OpSpec& spec : kOps) {
        if (!matches(selection.op, spec.name)) continue;
        for (const auto& of : cases_of(spec.id).all())
            if (matches(selection.cases, of->name) && (!selection.quick || is_quick(*of))) chosen.push_back(of.get());
    }
    return chosen;
}

Summary run_suite(const Runner& runner, const std::vector<const Case*>& cases, unsigned jobs,
                  const std::function<void(const Case&, const Outcome&, double)>& on_case, const std::atomic<bool>* cancel) {
    std::array<OpSummary, std::size(kOps)> by_op{};
    Summary summary;
    std::mutex mutex;
    std::atomic<size_t> next{0};
    const auto work = [&] {
        for (size_t i = next++; i < cases.size() && !(cancel && *cancel); i = next++) {
            const auto start = std::chrono::steady_clock::now();
            const Outcome outcome = runner.run(*cases[i]);
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            const std::lock_guard lock(mutex);
            OpSummary& op = by_op[static_cast<size_t>(cases[i]->op)];
            op.op = cases[i]->op;
            ++op.n_cases;
            op.seconds += seconds;
            switch (outcome.status) {
                case Status::passed: ++op.n_passed; break;
                case Status::failed: ++op.n_failed, summary.failures.push_back(outcome.text); break;
                case Status::unsupported: ++op.n_unsupported, ++op.reasons["unsupported: " + outcome.text]; break;
                case Status::expected_failure:
                    ++op.n_expected_failure, ++op.reasons["expected failure: " + outcome.text];
                    break;
            }
            if (on_case) on_case(*cases[i], outcome, seconds);
        }
    };
    std::vector<std::thread> helpers;
    for (unsigned j = 1; j < jobs; ++j) helpers.emplace_back(work);
    work();
    for (std::thread& helper : helpers) helper.join();
    for (OpSummary& op : by_op)
        if (op.n_cases > 0) summary.ops.push_back(std::move(op));
    return summary;
}

std::vector<std::string> all_device_specs(bool with_data_only, const std::function<bool(std::string_view family)>& wanted) {
    std::vector<std::string> specs;
    for (const PluginReport& report : PluginRegistry::instance().reports()) {
        if (report.score == 0 || (wanted && !wanted(report.family))) continue;
        if (report.family == "cpu" && is_stand_in(report.variant) && Effort::current().sampled) continue;
        const auto plugin = PluginRegistry::instance().find(report.family, report.variant);
        if (!plugin) continue;
        const uint32_t count = (*plugin)->api().device_count();
        for (uint32_t i = 0; i < count; ++i) {
            std::string spec = report.family + (count > 1 ? fmt::format("{}", i) : "");
            if (!report.variant.empty()) spec += ":" + report.variant;
            for (std::string& with_options : with_test_options(report.family, spec, with_data_only))
                specs.push_back(std::move(with_options));
        }
    }
    return specs;
}

}  // namespace krait::harness
