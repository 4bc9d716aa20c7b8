// SPDX-License-Identifier: Apache-2.0
//
// Limits of grammars and of matching. A grammar or a schema comes from a request, so it may be huge, ambiguous or endless. A
// limit that is reached is an error that names it; no text is let through because of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace krait::grammar {

inline constexpr size_t kMaxSourceBytes = size_t{4} << 20;  // of a grammar, a schema or a regular expression
inline constexpr uint32_t kMaxNodes = 1u << 20;             // of a program: 12 bytes each, and linear time
inline constexpr uint32_t kMaxRepeat = 1'000'000'000;       // m and n of {m,n}; a counter, so its size costs nothing
inline constexpr size_t kMaxTriggerBytes = 256;             // each needs an automaton with as many states
inline constexpr uint32_t kMaxSchemaNesting = 200;          // of brackets in the JSON of a schema

// Of one matcher.
struct MatchLimits {
    uint32_t items = 1u << 14;              // of a state: places of the grammar where a text may be
    uint32_t depth = 4096;                  // of rules inside each other, as brackets of a text demand them
    uint64_t steps = uint64_t{1} << 26;     // for one mask or one token: about half a second
    size_t state_bytes = size_t{64} << 20;  // of states; those that no rollback can come to are dropped first
    size_t mask_bytes = size_t{32} << 20;   // of masks that are kept; older ones are computed again
};

}  // namespace krait::grammar
