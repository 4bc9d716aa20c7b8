// SPDX-License-Identifier: Apache-2.0
#include "models/session/run_shapes.hpp"

#include <algorithm>
#include <bit>

namespace krait {
namespace {

constexpr int64_t kMaxReservedRows = 2048;
constexpr int64_t kFewRows = 64;  // up to here powers of two, and a head as large as the run

int64_t power_of_two(int64_t n) { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(n))); }

}  // namespace

int64_t RunShapes::rows(int64_t n) const {
    if (n <= kFewRows) return std::min(power_of_two(n), max_rows_);
    const auto half_of_power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(n - 1)) / 2);
    const int64_t step = max_rows_ <= 512 ? kFewRows : std::max<int64_t>(half_of_power, 128);
    return std::min((n + step - 1) / step * step, max_rows_);
}

int64_t RunShapes::sequences(int64_t n, int64_t rows) const {
    int64_t room = kFewRows;
    while (room < n) room *= 4;
    return std::min({room + 1, max_sequences_ + 1, rows});
}

int64_t RunShapes::outputs(int64_t n, int64_t rows) const {
    const int64_t one_each = power_of_two(std::min(max_sequences_, kFewRows));
    if (rows <= kFewRows && max_sequences_ > 1) return rows;
    if (n == 0) return rows <= kFewRows ? 1 : 0;
    return std::min(n <= one_each ? one_each : this->rows(n), rows);
}

int64_t RunShapes::snapshots(int64_t n) const {
    if (max_snapshots_ == 0 && n == 0) return 0;
    int64_t room = 8;
    while (room < n) room *= 8;
    return room;
}

RunShape RunShapes::padded(const RunShape& exact) const {
    RunShape shape;
    shape.n_tok = rows(exact.n_tok);
    shape.n_seq = sequences(exact.n_seq, shape.n_tok);
    shape.n_out = outputs(exact.n_out, shape.n_tok);
    shape.top_k = shape.n_out > 0 ? exact.top_k : 0;
    shape.n_snapshot = snapshots(exact.n_snapshot);
    return shape;
}

RunShape RunShapes::largest() const {
    const int64_t rows = std::min(max_rows_, kMaxReservedRows);
    return padded({.n_tok = rows, .n_seq = std::min(max_sequences_, rows), .n_out = 1});
}

}  // namespace krait
