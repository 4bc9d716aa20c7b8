// SPDX-License-Identifier: Apache-2.0
//
// Many cases on one device, by several threads, and what came of them.
#pragma once

#include <atomic>
#include <functional>

#include "tests/harness/runner.hpp"

namespace krait::harness {

struct Selection {
    std::string op = "*";     // glob
    std::string cases = "*";  // glob
    bool quick = false;       // no heavy cases, no long ones
};

std::vector<const Case*> select(const Selection& selection);

struct OpSummary {
    OpId op{};
    size_t n_cases = 0, n_passed = 0, n_failed = 0, n_unsupported = 0, n_expected_failure = 0;
    double seconds = 0;                     // all threads together
    std::map<std::string, size_t> reasons;  // why unsupported or expected to fail, with how often
};

struct Summary {
    std::vector<OpSummary> ops;  // those that had cases, in the order of op_list.def
    std::vector<std::string> failures;
    bool ok() const { return failures.empty(); }
};

// on_case: called after each, by one thread at a time. cancel: asked before each; those that were not run are in no count.
Summary run_suite(const Runner& runner, const std::vector<const Case*>& cases, unsigned jobs,
                  const std::function<void(const Case&, const Outcome&, double seconds)>& on_case = {},
                  const std::atomic<bool>* cancel = nullptr);

// Every device that the plugins of this process offer, as a user would name it: each variant of a family by itself, and those
// of a family with test options (test_options.hpp) once with each of these, for the conformance suite with those that change
// only how data travels. Devices of families that are not wanted are not opened. Emulated levels of the CPU are left out where
// the levels themselves are here (emulated_levels.hpp), but with full effort.
std::vector<std::string> all_device_specs(bool with_data_only = false,
                                          const std::function<bool(std::string_view family)>& wanted = {});

}  // namespace krait::harness
