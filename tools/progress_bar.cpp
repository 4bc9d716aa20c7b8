// SPDX-License-Identifier: Apache-2.0
#include "tools/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "tools/output.hpp"
#include "tools/terminal.hpp"

namespace krait::tools {

using namespace std::chrono_literals;

ProgressBar::ProgressBar(std::string_view label, Unit unit)
    : label_(printable(label)),
      unit_(unit),
      draws_(terminal_can_draw()),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

ProgressBar::~ProgressBar() {
    if (drawn_) draw("\r\033[K");
}

// Where all of it does not fit, first the note is left out, then the amounts, then the bar; the label is cut.
std::string ProgressBar::frame(uint64_t done, uint64_t total, std::string_view note) const {
    constexpr size_t kMinBar = 8, kMaxBar = 32;
    const size_t columns = terminal_columns() - 1;  // a character in the last one would begin a new line on some terminals
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const auto amount = [&](uint64_t n) {
        return unit_ == Unit::bytes ? format_bytes(static_cast<double>(n)) : fmt::format("{}", n);
    };
    const std::string percent = fmt::format("{:3.0f}%", 100.0 * share);
    const std::string amounts = fmt::format("{}  {} of {}", percent, amount(done), amount(total));
    const std::string all = note.empty() ? amounts : fmt::format("{}  {}", amounts, printable(note));
    for (const std::string& tail : {all, amounts, percent}) {
        const size_t others = display_width(label_) + display_width(tail) + std::string_view(" [] ").size();
        if (others + kMinBar > columns) continue;
        const size_t width = std::min(columns - others, kMaxBar);
        const size_t filled = std::min(static_cast<size_t>(share * static_cast<double>(width)), width);
        return fmt::format("{} [{:#<{}}{:.<{}}] {}", label_, "", filled, "", width - filled, tail);
    }
    if (columns <= percent.size()) return fit_columns(percent, columns);
    return fmt::format("{} {}", fit_columns(label_, columns - percent.size() - 1), percent);
}

void ProgressBar::update(uint64_t done, uint64_t total, std::string_view note) {
    if (!draws_ || total == 0) return;
    const auto now = std::chrono::steady_clock::now();
    // Work that ends within a blink shows no bar, and twenty frames a second are enough.
    if (now - start_ < 200ms || (now - last_ < 50ms && done < total)) return;
    last_ = now;
    drawn_ = true;
    draw("\r" + frame(done, total, note) + "\033[K");
}

}  // namespace krait::tools
