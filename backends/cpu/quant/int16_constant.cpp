// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/quant/int16_constant.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "backends/common/constant_uses.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

int64_t groups_of_matrix(const TensorDesc& desc) { return (desc.extent[desc.rank - 2] + kPanelRows - 1) / kPanelRows; }

// [N, K] is one matrix, [E, N, K] are E.
int64_t group_count(const TensorDesc& desc) { return (desc.rank == 3 ? desc.extent[0] : 1) * groups_of_matrix(desc); }

uint64_t bytes_of_panels(const TensorDesc& desc) {
    return static_cast<uint64_t>(group_count(desc) * int16_group_bytes(last_extent(desc)));
}

// Rows n0 .. of w as one group; false where a weight is not finite.
template <DType F>
bool pack(const std::byte* w, int64_t n_out, int64_t d_in, int64_t n0, Int16Cell* cells) {
    const int64_t n_units = int16_units(d_in), n_rows = std::min<int64_t>(kPanelRows, n_out - n0);
    if (n_rows < kPanelRows) std::memset(cells, 0, static_cast<size_t>(int16_group_bytes(d_in)));
    bool finite = true;
    for (int64_t unit = 0; unit < n_units; ++unit)
        for (int64_t lane = 0; lane < n_rows; ++lane) {
            const int64_t k0 = unit * kInt16Unit, count = std::min<int64_t>(kInt16Unit, d_in - k0);
            float values[kInt16Unit];
            int16_t q[kInt16Unit];
            unpack_row<F>(w + (n0 + lane) * row_bytes(F, d_in), k0, count, values);
            Int16Cell& cell = cells[unit];
            cell.scale[lane] = round_unit(values, count, q);
            finite = finite && std::isfinite(cell.scale[lane]);
            for (int i = 0; i < int16_pairs_of(d_in, unit); ++i) std::memcpy(cell.pairs[i][lane], q + 2 * i, 2 * sizeof *q);
        }
    return finite;
}

}  // namespace

Int16Constant::Int16Constant(plugin::Device& device, const plugin::ConstantUpload& upload, ThreadPool& pool)
    : Constant(device, upload, bytes_of_panels(upload.desc), plugin::used_as(upload, OperandKind::table)),
      group_bytes_(int16_group_bytes(last_extent(upload.desc))) {
    const int64_t n_out = upload.desc.extent[upload.desc.rank - 2], d_in = last_extent(upload.desc);
    const int64_t of_matrix = groups_of_matrix(upload.desc), matrix_bytes = n_out * row_bytes(dtype_of(upload.desc), d_in);
    std::atomic<bool> finite = true;
    std::byte* groups = memory().data();
    // About 256 KiB a piece, as for quantized weights.
    const int64_t grain = std::max<int64_t>(1, (int64_t{1} << 18) / std::max<int64_t>(1, group_bytes_));
    pool.parallel_for(group_count(upload.desc), grain, [&](int64_t begin, int64_t end, int) {
        for (int64_t group = begin; group < end; ++group) {
            const auto pack_one = dtype_of(upload.desc) == DType::F16 ? pack<DType::F16> : pack<DType::BF16>;
            if (!pack_one(upload.bytes.data() + group / of_matrix * matrix_bytes, n_out, d_in, group % of_matrix * kPanelRows,
                          reinterpret_cast<Int16Cell*>(groups + group * group_bytes_)))
                finite.store(false, std::memory_order_relaxed);
        }
    });
    finite_ = finite;
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
