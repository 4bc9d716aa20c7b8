// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/quant/packed_constant.hpp"

#include <algorithm>

namespace krait::cpu::KRAIT_CPU_VARIANT {

PackedConstant::PackedConstant(plugin::Device& device, const plugin::ConstantUpload& upload, ThreadPool& pool)
    : Constant(
          device, upload,
          [&] {
              const auto layout = PanelLayout::of(dtype_of(upload.desc), upload.desc.extent[0], upload.desc.extent[1]);
              return static_cast<uint64_t>(layout.n_groups()) * layout.group_bytes;
          }(),
          false),
      layout_(PanelLayout::of(dtype_of(upload.desc), upload.desc.extent[0], upload.desc.extent[1])) {
    // Two threads in one huge page would both clear one; but a small weight is shared by all threads, too.
    const int64_t bytes = std::max<int64_t>(1, static_cast<int64_t>(layout_.group_bytes));
    const int64_t piece =
        std::clamp<int64_t>(layout_.n_groups() * bytes / (4 * pool.size()), int64_t{1} << 16, int64_t{1} << 21);
    const int64_t grain = std::max<int64_t>(1, piece / bytes);
    pool.parallel_for(layout_.n_groups(), grain, [&](int64_t begin, int64_t end, int) {
        for (int64_t group = begin; group < end; ++group)
            pack_group(dtype_of(upload.desc), layout_, upload.bytes.data(), group * kPanelRows,
                       memory().data() + static_cast<uint64_t>(group) * layout_.group_bytes);
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
