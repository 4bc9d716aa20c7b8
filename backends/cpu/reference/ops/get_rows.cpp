// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backends/cpu/reference/kernels.hpp"
#include "core/ops/get_rows.hpp"

namespace krait::reference {

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out, Context&) {
    const std::span<const int32_t> ids = in.ids.index();
    plugin::value_or_throw(ops::check_rows("ids", ids, "table", in.table.extent(0)));
    for (size_t t = 0; t < ids.size(); ++t)
        std::ranges::copy(read_row(in.table, ids[t]), out.y.row<float>(static_cast<int64_t>(t)));
}

}  // namespace krait::reference
