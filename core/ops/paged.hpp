// SPDX-License-Identifier: Apache-2.0
//
// Pages: a cache of n_pages pages, each of rows_per_page rows of the same width, in which a sequence has as many pages as it is
// long, in any order. Rows are counted through all of them: row = page * rows_per_page + row in the page. So where a row lies
// does not depend on the sequence, and an index operand that names rows to be written says
//   rows [T] i32   where row t goes, 0 .. n_pages * rows_per_page - 1; -1 = nowhere. The rows of one run are distinct: then any
//                  order of them gives the same result
#pragma once

#include <vector>

#include "core/ops/op_spec.hpp"

namespace krait::ops {

// The number of rows of a cache [n_pages, rows_per_page, ...].
inline int64_t rows_of_pages(const TensorDesc& cache) { return cache.extent[0] * cache.extent[1]; }

// The values: called by the host before a run that writes them. index, of: the operands' names, for the message. scratch:
// memory that may be used again.
Result<void> check_rows_written(std::string_view index, std::span<const int32_t> values, std::string_view of, int64_t n_rows,
                                std::vector<int32_t>&& scratch = {});

}  // namespace krait::ops
