// SPDX-License-Identifier: Apache-2.0
//
// One tensor of a new file, its rows made by several threads and written in order, a few MiB at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/parallel_for.hpp"
#include "core/base/result.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait {

struct WriteRowsOptions {
    int threads = 0;                             // 0 = all
    const std::atomic<bool>* cancel = nullptr;   // asked between rows; the result is then `cancelled`
    std::function<void(int64_t rows)> progress;  // that many more are written
};

// fill(row, bytes of the row) is called once for every row, by several threads at once. desc is what the writer was told.
// Writer: GgufWriter or SafetensorsWriter.
template <class Writer, class Fill>
Result<void> write_rows(Writer& writer, std::string_view name, const TensorDesc& desc, const WriteRowsOptions& options,
                        const Fill& fill) {
    // A second's work of the slowest encoder: enough for all threads, and soon enough for a progress bar.
    constexpr int64_t kPartBytes = int64_t{2} << 20;
    const int64_t width = last_extent(desc), row_size = row_bytes(dtype_of(desc), width), n_row = row_count(desc);
    const int64_t part_rows = std::clamp<int64_t>(kPartBytes / std::max<int64_t>(row_size, 1), 1, std::max<int64_t>(n_row, 1));
    const int64_t grain = std::max<int64_t>(4096 / std::max<int64_t>(width, 1), 1);
    const auto cancelled = [&] { return options.cancel && *options.cancel; };
    std::vector<std::byte> bytes(static_cast<size_t>(part_rows * row_size));
    for (int64_t first = 0; first < n_row; first += part_rows) {
        const int64_t count = std::min(part_rows, n_row - first);
        parallel_for(options.threads, count, grain, [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end && !cancelled(); ++row)
                fill(first + row, std::span(bytes).subspan(static_cast<size_t>(row * row_size), static_cast<size_t>(row_size)));
        });
        if (cancelled()) return fail(ErrorCode::cancelled, "interrupted");
        KRAIT_CHECK(writer.write_part(name, std::span(bytes).first(static_cast<size_t>(count * row_size))));
        if (options.progress) options.progress(count);
    }
    return {};
}

}  // namespace krait
