// SPDX-License-Identifier: Apache-2.0
#include "core/ops/paged.hpp"

#include <algorithm>

namespace krait::ops {

Result<void> check_rows_written(std::string_view index, std::span<const int32_t> values, std::string_view of, int64_t n_rows,
                                std::vector<int32_t>&& scratch) {
    scratch.clear();
    for (size_t t = 0; t < values.size(); ++t) {
        if (values[t] < -1 || values[t] >= n_rows)
            return fail(ErrorCode::invalid_argument, "{}[{}] = {}: rows of {} are -1 (nowhere) and 0 to {}", index, t,
                        values[t], of, n_rows - 1);
        if (values[t] >= 0) scratch.push_back(values[t]);
    }
    std::sort(scratch.begin(), scratch.end());
    if (const auto twice = std::adjacent_find(scratch.begin(), scratch.end()); twice != scratch.end())
        return fail(ErrorCode::invalid_argument, "{}: row {} of {} is written twice in one run", index, *twice, of);
    return {};
}

}  // namespace krait::ops
