// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/quant/packed_constant.hpp"

#include <algorithm>

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

PanelLayout layout_of_matrix(const TensorDesc& desc) {
    return PanelLayout::of(dtype_of(desc), desc.extent[desc.rank - 2], last_extent(desc));
}

// All but the last two extents.
int64_t matrix_count(const TensorDesc& desc) { return desc.rank == 3 ? desc.extent[0] : 1; }

}  // namespace

PackedConstant::PackedConstant(plugin::Device& device, const plugin::ConstantUpload& upload, ThreadPool& pool)
    : Constant(device, upload,
               static_cast<uint64_t>(matrix_count(upload.desc) * layout_of_matrix(upload.desc).n_groups()) *
                   layout_of_matrix(upload.desc).group_bytes,
               false),
      layout_(layout_of_matrix(upload.desc)) {
    const DType dtype = dtype_of(upload.desc);
    const int64_t of_matrix = layout_.n_groups(), n_groups = matrix_count(upload.desc) * of_matrix;
    const int64_t matrix_bytes = layout_.n_out * row_bytes(dtype, layout_.d_in);
    // Two threads in one huge page would both clear one; but a small weight is shared by all threads, too.
    const int64_t bytes = std::max<int64_t>(1, static_cast<int64_t>(layout_.group_bytes));
    const int64_t piece = std::clamp<int64_t>(n_groups * bytes / (4 * pool.size()), int64_t{1} << 16, int64_t{1} << 21);
    const int64_t grain = std::max<int64_t>(1, piece / bytes);
    pool.parallel_for(n_groups, grain, [&](int64_t begin, int64_t end, int) {
        for (int64_t group = begin; group < end; ++group)
            pack_group(dtype, layout_, upload.bytes.data() + group / of_matrix * matrix_bytes, group % of_matrix * kPanelRows,
                       memory().data() + static_cast<uint64_t>(group) * layout_.group_bytes);
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
