// SPDX-License-Identifier: Apache-2.0
//
// A progress bar on stderr, where that is a terminal; silent elsewhere. Gone when the object goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace krait::tools {

class ProgressBar {
  public:
    enum class Unit { bytes, count };
    explicit ProgressBar(std::string label, Unit unit = Unit::count);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    // note: what is known so far, shown behind the bar.
    void update(uint64_t done, uint64_t total, std::string_view note = {});

  private:
    std::string label_;
    Unit unit_;
    bool is_terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace krait::tools
