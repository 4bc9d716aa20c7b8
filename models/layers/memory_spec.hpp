// SPDX-License-Identifier: Apache-2.0
//
// A memory as data: what a sequence has in a layer for the operators that read and update it. There are two layouts, as the
// operators' contracts say: slots, one a sequence, of fixed size (the state of a scan); pages, of which a sequence has as many
// as it is long, a row for each token (keys and values).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/abi/backend_abi.h"
#include "core/ops/op_id.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait {

// Rows of a page. A sequence takes whole pages: up to 31 rows more than it has tokens.
inline constexpr int64_t kRowsPerPage = 32;
constexpr int64_t pages_of_rows(int64_t n_rows) { return (n_rows + kRowsPerPage - 1) / kRowsPerPage; }

// Tokens that a session has pages for unless it says otherwise, where a model has memories of pages.
inline constexpr int64_t kDefaultCachedTokens = 4096;
inline constexpr size_t kMaxMemoryName = 31;

// How many units the memories of a model have: each memory of slots n_slots, each one of pages n_pages. At least 1.
struct MemorySizes {
    int64_t n_slots = 1, n_pages = 1;
    int64_t sequence_pages = 1;  // that one sequence may have, at most n_pages
};

// A layer may have several memories of one operator, each with a name of its own; two operators may use one memory.
struct MemorySpec {
    std::string name;       // "conv", "scan"; 1 to kMaxMemoryName bytes
    std::vector<OpId> ops;  // that use it, at least one; all with slots, or all with pages
    // The shape of a slot, in the canonical layout of the operator's contract, or of a row. Extents behind `rank` are 1.
    std::array<int64_t, 3> extent{1, 1, 1};
    int64_t rank = 0;
    DType dtype = DType::F32;  // of pages F16 and Q8_0 too

    bool has_pages() const;
    std::vector<krait_use> uses() const;
    // The shape of its tensor in a graph: [n_slots, extents] or [n_pages, rows, extents].
    TensorDesc desc(const MemorySizes& sizes) const;
    int64_t count() const { return extent[0] * extent[1] * extent[2]; }                    // elements of a slot or row
    int64_t row_bytes() const;                                                             // of a slot or row
    int64_t unit_bytes() const { return row_bytes() * (has_pages() ? kRowsPerPage : 1); }  // of a slot or page
    // The bytes of one sequence that has so many tokens.
    int64_t sequence_bytes(int64_t n_tok) const { return unit_bytes() * (has_pages() ? pages_of_rows(n_tok) : 1); }
};

}  // namespace krait
