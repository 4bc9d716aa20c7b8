// SPDX-License-Identifier: Apache-2.0
//
// Runs one case on one device, with everything the harness adds to it:
//   plain     operands contiguous; results poisoned with NaN beforehand; no other byte may change; compared with the oracle
//   repeat    the same once more, states restored: bit for bit the same
//   views     operands as views at odd offsets with rows further apart; first a decoy through the same program; constants
//             from memory that persists; compared with the oracle
//   states    slots and rows of pages that are written are compared, all others keep their bits; slots that must not be read
//             hold NaN
//   ragged    ssm_conv, ssm_scan: any split into chunks, single steps, sequences in another order give the same (ragged_checks)
// An illegal case must be refused, in the words that it names, before any kernel runs.
#pragma once

#include "tests/harness/oracle.hpp"

namespace krait::harness {

enum class Status : uint8_t { passed, failed, unsupported, expected_failure };

struct Outcome {
    Status status = Status::passed;
    std::string text;  // what failed and how to rerun it; why it is unsupported or expected to fail
};

class Runner {
  public:
    // spec: the device as the user named it, for the rerun command. The oracle outlives the runner.
    Runner(std::shared_ptr<const Device> device, std::string spec, Oracle& oracle)
        : device_(std::move(device)), spec_(std::move(spec)), oracle_(&oracle) {}

    // Safe from several threads at once.
    Outcome run(const Case& of) const;
    const Device& device() const { return *device_; }

  private:
    // Nothing where all is well.
    std::optional<Error> check_legal(const Case& of) const;
    std::optional<Error> check_illegal(const Case& of) const;

    std::shared_ptr<const Device> device_;
    std::string spec_;
    Oracle* oracle_;
};

// Cases that --quick runs: none that is heavy, none that takes more than this many operations.
inline constexpr double kQuickFlops = 2e6;
inline bool is_quick(const Case& of) { return !of.heavy && of.flops <= kQuickFlops; }

// An error whose code is `unsupported` and which comes from supports().
Error unsupported(const Error& why);

// One observation against the expectation; an error names what differs.
Result<void> check_observed(const Case& of, const CaseData& data, const Expected& expected, const Observed& observed,
                            const Device& device);

// The device's pseudo-row of an output: what is judged together.
int64_t error_row(const Case& of, const TensorDesc& out);

}  // namespace krait::harness
