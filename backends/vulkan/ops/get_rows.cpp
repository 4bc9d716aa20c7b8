// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/ops/get_rows_params.h"
#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out,
              Recorder& recorder) {
    const int64_t n_row = in.ids.extent(0), n_col = in.table.extent(1);
    if (n_col == 0) return;
    if (n_col > INT32_MAX) plugin::throw_error(ErrorCode::unsupported, "rows of {} elements: at most {}", n_col, INT32_MAX);
    const DTypeInfo& format = dtype_info(in.table.dtype());
    const GetRowsParams params{.table = rows(in.table),
                               .y = rows(out.y),
                               .ids = address(in.ids),
                               .n_row = static_cast<uint64_t>(n_row),
                               .n_col = static_cast<uint32_t>(n_col)};
    recorder.dispatch({shaders::get_rows,
                       {lanes_for(n_col, recorder), 1, static_cast<uint32_t>(format.dtype),
                        static_cast<uint32_t>(format.block_elems), static_cast<uint32_t>(format.block_bytes)}},
                      params, recorder.groups(params.n_row), {in.table, in.ids}, {out.y});
}

}  // namespace krait::vulkan
