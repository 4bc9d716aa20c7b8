// SPDX-License-Identifier: Apache-2.0
//
// Pages: a cache of n_pages pages, each of rows_per_page rows of the same width, in which a sequence has as many pages as it is
// long, in any order. Rows are counted through all of them: row = page * rows_per_page + row in the page. So where a row lies
// does not depend on the sequence. The index operands that say where rows are written and read:
//   rows [T] i32           where row t goes, 0 .. n_pages * rows_per_page - 1; -1 = nowhere. The rows of one run are distinct:
//                          then any order of them gives the same result
//   page_table [B, W] i32  the pages of sequence b in their order, 0 .. n_pages - 1; -1 = none. Sequences may share pages
//   positions [T] i32      the place of row t in its sequence, from 0, for which page_table has a page; -1 = padding
#pragma once

#include <vector>

#include "core/ops/op_spec.hpp"

namespace krait::ops {

// Positions are below this: as float32 they are exact.
inline constexpr int32_t kMaxPositions = 1 << 24;

// The number of rows of a cache [n_pages, rows_per_page, ...].
inline int64_t rows_of_pages(const TensorDesc& cache) { return cache.extent[0] * cache.extent[1]; }

// Pages of keys and values: [n_pages, rows_per_page, width] of F32, F16 (width even) or Q8_0 (width a multiple of 64), with
// less than 2^31 rows.
Result<void> expect_pages(std::string_view operand, const TensorDesc& cache);

// The values: called by the host before a run that writes them. index, of: the operands' names, for the message. scratch:
// memory that may be used again.
Result<void> check_rows_written(std::string_view index, std::span<const int32_t> values, std::string_view of, int64_t n_rows,
                                std::vector<int32_t>&& scratch = {});

// Positions by themselves, and those of sequences beside the pages that they have.
Result<void> check_positions(std::string_view index, std::span<const int32_t> values);
struct PagesRead {
    std::span<const int32_t> page_table, positions, seq_start;
    int64_t n_pages = 0, rows_per_page = 0;
};
Result<void> check_pages_read(const PagesRead& read);

}  // namespace krait::ops
