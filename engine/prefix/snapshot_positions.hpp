// SPDX-License-Identifier: Apache-2.0
//
// Where snapshots are taken while a prompt is read. A snapshot at its end comes by itself; before it:
//   the end of the common prefix   where this prompt leaves earlier ones, a third one may leave them too
//   ends of messages               the next prompt of a conversation has the same messages, and another end
//   64, 128, 256, ...              whatever a later prompt has in common with this one, half of it at least is there
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace krait::engine {

inline constexpr size_t kFirstPosition = 64;
inline constexpr size_t kMaxMessageEnds = 16;  // of a prompt, the last ones

// Ascending, behind n_read and before n_prompt. n_common: tokens that the prompt has in common with kept prefixes.
inline std::vector<size_t> snapshot_positions(size_t n_prompt, size_t n_read, size_t n_common,
                                              std::span<const size_t> message_ends) {
    std::vector<size_t> positions{n_common};
    if (message_ends.size() > kMaxMessageEnds) message_ends = message_ends.last(kMaxMessageEnds);
    positions.insert(positions.end(), message_ends.begin(), message_ends.end());
    for (size_t position = kFirstPosition; position < n_prompt; position *= 2) positions.push_back(position);
    std::sort(positions.begin(), positions.end());
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    std::erase_if(positions, [&](size_t position) { return position <= n_read || position >= n_prompt; });
    return positions;
}

}  // namespace krait::engine
