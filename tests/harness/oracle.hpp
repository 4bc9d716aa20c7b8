// SPDX-License-Identifier: Apache-2.0
//
// The results that a case must give: for the reference by the case's own formula, for every other device by the reference; for
// one that rounds activations by the formula with operands rounded likewise (rounded_operands.hpp), and by the reference too.
// Kept for the process, so that several devices are compared with one computation.
#pragma once

#include <mutex>

#include "tests/harness/device_run.hpp"

namespace krait::harness {

class Oracle {
  public:
    // An error where the reference backend is missing or fails.
    Result<std::shared_ptr<const Expected>> expected(const Device& tested, const Case& of, const CaseData& data);

  private:
    static constexpr size_t kCacheElements = size_t{32} << 20;  // 256 MiB of doubles
    Result<std::shared_ptr<const Expected>> exact(const Case& of, const CaseData& data);
    Result<std::shared_ptr<const Expected>> rounded(const Case& of, const CaseData& data);
    template <class Make>
    Result<std::shared_ptr<const Expected>> cached(const std::string& name, const Case& of, Make&& make);
    Result<Expected> ask_reference(const Case& of, const CaseData& data);

    std::mutex mutex_;
    std::shared_ptr<const Device> reference_;
    std::map<std::string, std::shared_ptr<const Expected>> cache_;
    size_t cached_elements_ = 0;
};

}  // namespace krait::harness
