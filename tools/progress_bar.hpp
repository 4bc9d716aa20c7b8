// SPDX-License-Identifier: Apache-2.0
//
// A progress bar on stderr, where that is a terminal that can draw; silent elsewhere. Never wider than the terminal, which may
// be resized. Gone when the object goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace krait::tools {

class ProgressBar {
  public:
    enum class Unit { bytes, count };
    explicit ProgressBar(std::string_view label, Unit unit = Unit::count);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    // note: what is known so far, shown behind the bar where there is room.
    void update(uint64_t done, uint64_t total, std::string_view note = {});

  private:
    std::string frame(uint64_t done, uint64_t total, std::string_view note) const;

    std::string label_;
    Unit unit_;
    bool draws_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace krait::tools
