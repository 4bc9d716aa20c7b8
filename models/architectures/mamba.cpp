// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/mamba.hpp"

#include "models/layers/residual_block.hpp"

namespace krait {

Architecture make_mamba(ModelShape shape, const MambaSizes& sizes) {
    LayerPlan plan;  // of every layer
    add_residual_block(plan, {"norm", "attn_norm.weight", std::make_shared<MambaMixer>(sizes)}, shape.d_model);
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer), plan);
    return {std::move(shape),
            std::move(layers),
            {{"d_inner", sizes.d_inner}, {"d_state", sizes.d_state}, {"d_conv", sizes.d_conv}}};
}

Result<Architecture> create_mamba(const ModelSource& file, ModelShape shape) {
    MambaSizes sizes{.d_model = shape.d_model};
    KRAIT_TRY(sizes.d_inner, read_size(file, "mamba.ssm.inner_size"));
    KRAIT_TRY(sizes.d_state, read_size(file, "mamba.ssm.state_size"));
    KRAIT_TRY(sizes.d_conv, read_size(file, "mamba.ssm.conv_kernel"));
    KRAIT_TRY(sizes.dt_rank, read_size(file, "mamba.ssm.time_step_rank"));
    KRAIT_TRY(const bool has_inner_norms, file.get_bool("mamba.ssm.dt_b_c_rms", false));
    if (has_inner_norms) sizes.inner_norms = InnerNorms::plain;
    // A key of Krait's own: transformers' Falcon-Mamba has an epsilon for these norms, and other writers of GGUF lose it.
    constexpr const char* kEps = "mamba.ssm.dt_b_c_rms_epsilon";
    if (file.has(kEps)) {
        KRAIT_TRY(sizes.inner_norm_eps, read_eps(file, kEps, 0));
    }
    return make_mamba(std::move(shape), sizes);
}

}  // namespace krait
