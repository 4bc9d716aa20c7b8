// SPDX-License-Identifier: Apache-2.0
#include "tools/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/format_bytes.hpp"

namespace krait::tools {

using namespace std::chrono_literals;

ProgressBar::ProgressBar(std::string label, Unit unit)
    : label_(std::move(label)),
      unit_(unit),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

ProgressBar::~ProgressBar() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::update(uint64_t done, uint64_t total, std::string_view note) {
    if (!is_terminal_ || total == 0) return;
    const auto now = std::chrono::steady_clock::now();
    // What ends within a blink shows no bar, and twenty frames a second are enough.
    if (now - start_ < 200ms || (now - last_ < 50ms && done < total)) return;
    last_ = now;
    drawn_ = true;
    constexpr uint64_t kWidth = 32;
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const auto filled = static_cast<size_t>(share * kWidth);
    const auto amount = [&](uint64_t n) {
        return unit_ == Unit::bytes ? format_bytes(static_cast<double>(n)) : fmt::format("{}", n);
    };
    fmt::print(stderr, "\r{} [{:#<{}}{:.<{}}] {:3.0f}%  {} of {}{}{}\033[K", label_, "", filled, "",
               kWidth - std::min<size_t>(filled, kWidth), 100.0 * share, amount(done), amount(total), note.empty() ? "" : "  ",
               note);
    std::fflush(stderr);
}

}  // namespace krait::tools
