// SPDX-License-Identifier: Apache-2.0
#include "core/ops/paged.hpp"

#include <algorithm>

#include "core/ops/page_columns.hpp"

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

Result<void> expect_pages(std::string_view operand, const TensorDesc& cache) {
    const DType dtype = dtype_of(cache);
    KRAIT_CHECK(expect((dtype == DType::F32 || dtype == DType::F16 || dtype == DType::Q8_0) && cache.rank == 3, operand, cache,
                       "F32, F16 or Q8_0 [n_pages, rows_per_page, width]"));
    const int64_t step = row_step(dtype);
    KRAIT_CHECK(expect(cache.extent[2] % step == 0, operand, cache,
                       fmt::format("of a multiple of {} columns, since it is {}", step, dtype_name(dtype))));
    return expect(rows_of_pages(cache) <= INT32_MAX, operand, cache, "of less than 2^31 rows");
}

Result<void> check_positions(std::string_view index, std::span<const int32_t> values) {
    for (size_t t = 0; t < values.size(); ++t)
        if (values[t] < -1 || values[t] >= kMaxPositions)
            return fail(ErrorCode::invalid_argument, "{}[{}] = {}: positions are -1 (padding) and 0 to {}", index, t, values[t],
                        kMaxPositions - 1);
    return {};
}

Result<void> check_pages_read(const PagesRead& read) {
    const auto bad = ErrorCode::invalid_argument;
    const auto n_tok = static_cast<int64_t>(read.positions.size());
    if (read.seq_start.empty()) return fail(bad, "seq_start is empty: it has one number more than there are sequences");
    const size_t n_seq = read.seq_start.size() - 1;
    if (read.seq_start[0] != 0 || read.seq_start[n_seq] != n_tok)
        return fail(bad, "seq_start runs from {} to {}; it must run from 0 to the number of rows, {}", read.seq_start[0],
                    read.seq_start[n_seq], n_tok);
    for (size_t b = 0; b < n_seq; ++b)
        if (read.seq_start[b] > read.seq_start[b + 1])
            return fail(bad, "seq_start[{}] = {} is larger than seq_start[{}] = {}", b, read.seq_start[b], b + 1,
                        read.seq_start[b + 1]);
    const size_t width = n_seq == 0 ? 0 : read.page_table.size() / n_seq;
    for (size_t i = 0; i < read.page_table.size(); ++i)
        if (read.page_table[i] < -1 || read.page_table[i] >= read.n_pages)
            return fail(bad, "page_table[{}, {}] = {}: pages are -1 (none) and 0 to {}", i / width, i % width,
                        read.page_table[i], read.n_pages - 1);
    for (size_t b = 0; b < n_seq; ++b) {
        const std::span<const int32_t> pages = read.page_table.subspan(b * width, width);
        const auto first = static_cast<size_t>(read.seq_start[b]), end = static_cast<size_t>(read.seq_start[b + 1]);
        size_t last = first;
        for (size_t t = first; t < end; ++t) {
            const int32_t position = read.positions[t];
            if (position < -1 || position >= static_cast<int64_t>(width) * read.rows_per_page)
                return fail(bad, "positions[{}] = {}: {} pages of {} rows have -1 (padding) and 0 to {}", t, position, width,
                            read.rows_per_page, static_cast<int64_t>(width) * read.rows_per_page - 1);
            if (position > read.positions[last]) last = t;
        }
        for (int64_t i = 0; first < end && i * read.rows_per_page <= read.positions[last]; ++i)
            if (pages[static_cast<size_t>(i)] < 0)
                return fail(bad, "page_table[{}, {}] = -1, but positions[{}] = {} needs it", b, i, last, read.positions[last]);
    }
    return {};
}

}  // namespace krait::ops
