// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "backends/cpu/reference/kernels.hpp"
#include "core/ops/copy.hpp"

namespace krait::reference {

void copy(const ops::Copy::In<Tensor>& in, const ops::Copy::Params&, const ops::Copy::Out<Tensor>& out, Context&) {
    const auto bytes = static_cast<size_t>(row_bytes(in.x.dtype(), in.x.inner_count()));
    for (int64_t t = 0; t < in.x.extent(0); ++t) std::memcpy(out.y.row<std::byte>(t), in.x.row<const std::byte>(t), bytes);
}

}  // namespace krait::reference
