// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/falcon_mamba.hpp"

namespace krait {

Result<bool> FalconMamba::is_meant_by(const GgufFile& file) { return file.get_bool("mamba.ssm.dt_b_c_rms", false); }

Result<std::unique_ptr<Architecture>> FalconMamba::create(const GgufFile& file, ModelShape shape) {
    KRAIT_TRY(const int64_t dt_rank, read_dt_rank(file));
    return std::unique_ptr<Architecture>(new FalconMamba(std::move(shape), dt_rank));
}

graph::TensorId FalconMamba::between(LayerContext& context, std::string_view what, graph::TensorId part) const {
    return context.builder().op<ops::RmsNorm>(context.name(what), {.x = part}, {.eps = shape_.norm_eps, .groups = 1}).y;
}

}  // namespace krait
