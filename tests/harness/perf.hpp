// SPDX-License-Identifier: Apache-2.0
//
// How long a case takes on a device: one node run again and again, on the same memory or going round.
#pragma once

#include "tests/harness/device_run.hpp"

namespace krait::harness {

// A case on a device, run once already: the first run is no run like the others.
class TimedCase {
  public:
    // cold_bytes > 0: all of the case is there as often as it takes for runs to touch that many bytes (1024 times at most), and
    // runs go round among the copies. With more than the caches hold, each reads its weights and states from memory, as a layer
    // of a model does. `of` must outlive this. An error whose code is `unsupported` where the device declines.
    static Result<TimedCase> create(const std::shared_ptr<const Device>& device, const Case& of, uint64_t cold_bytes = 0);

    Result<void> run(int times);
    // Every copy, as the nodes of one program: what a step is to a device. A device may let them overlap. For several copies
    // only.
    Result<void> run_copies(int times);

    double bytes() const { return bytes_; }  // of a run: operands read once, results written once, states read and written
    double flops() const { return flops_; }
    size_t copies() const { return copies_.size(); }

  private:
    struct Copy;
    struct Delete {
        void operator()(Copy* copy) const;
    };
    TimedCase() = default;
    Result<void> add_copy(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data);

    std::vector<std::unique_ptr<Copy, Delete>> copies_;
    Queue queue_;
    Program all_;  // of run_copies
    size_t next_ = 0;
    double bytes_ = 0, flops_ = 0;
};

struct Timing {
    double seconds = 0;  // one run: the best of several timed batches
    double bytes = 0;    // as TimedCase's
    double flops = 0;
};

// cold_bytes as TimedCase's: 0 is from caches where the operands fit; else copies run as the nodes of one program.
Result<Timing> measure(const std::shared_ptr<const Device>& device, const Case& of, uint64_t cold_bytes = 0);

}  // namespace krait::harness
