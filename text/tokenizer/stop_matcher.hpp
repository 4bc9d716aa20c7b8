// SPDX-License-Identifier: Apache-2.0
//
// Ends a text before the first of several stop texts, as it comes piece by piece.
//
//   KRAIT_TRY(StopMatcher stops, StopMatcher::create({"User:", "###"}));
//   while (!stops.found()) print(stops.push(next_piece()));
//   if (!stops.found()) print(stops.flush());
//
// A stop text may lie across any number of pieces. The end of a piece that may become a stop text is held back until it is
// known; no more than that. How a text is cut into pieces does not change what comes out of all of them together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

class StopMatcher {
  public:
    // Without stop texts: it passes everything on at once. Fails on an empty one, which would end every text before it begins.
    [[nodiscard]] static Result<StopMatcher> create(std::vector<std::string> stops);

    // The text that certainly comes before a stop text; often empty. Nothing after a stop text was found.
    [[nodiscard]] std::string push(std::string_view piece);

    // The text that was held back, where a text follows in which stop texts do not count: it can no longer become one.
    [[nodiscard]] std::string pass_on() { return std::exchange(held_, {}); }

    // The end of the text: what was held back and is no stop text after all. Ready for the next text then.
    [[nodiscard]] std::string flush();

    // The stop text that was found: of several the one that is complete first, of those that end together the longest.
    [[nodiscard]] const std::optional<std::string>& found() const { return found_; }

  private:
    explicit StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}

    std::vector<std::string> stops_;
    std::string held_;  // the longest end of the text so far that a stop text begins with
    std::optional<std::string> found_;
};

}  // namespace krait
