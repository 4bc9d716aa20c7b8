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

inline constexpr size_t kFirstPlace = 64;
inline constexpr size_t kMaxMessageEnds = 16;  // of a prompt, the last ones

// Ascending, behind n_read and before n_prompt. n_common: tokens that the prompt has in common with kept prefixes.
inline std::vector<size_t> snapshot_places(size_t n_prompt, size_t n_read, size_t n_common,
                                           std::span<const size_t> message_ends) {
    std::vector<size_t> places{n_common};
    if (message_ends.size() > kMaxMessageEnds) message_ends = message_ends.last(kMaxMessageEnds);
    places.insert(places.end(), message_ends.begin(), message_ends.end());
    for (size_t place = kFirstPlace; place < n_prompt; place *= 2) places.push_back(place);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    std::erase_if(places, [&](size_t place) { return place <= n_read || place >= n_prompt; });
    return places;
}

}  // namespace krait::engine
