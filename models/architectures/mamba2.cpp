// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/mamba2.hpp"

#include "formats/gguf/gguf_value.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {

Architecture make_mamba2(ModelShape shape, const Mamba2Sizes& sizes) {
    LayerPlan plan;  // of every layer
    add_residual_block(plan, {"norm", "attn_norm.weight", std::make_shared<Mamba2Mixer>(sizes)}, shape.d_model);
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer), plan);
    return {std::move(shape),
            std::move(layers),
            {{"d_inner", sizes.d_inner}, {"d_state", sizes.d_state}, {"d_conv", sizes.d_conv}}};
}

Result<Architecture> create_mamba2(const ModelSource& file, ModelShape shape) {
    constexpr const char* kHeads = "mamba2.ssm.time_step_rank";
    constexpr const char* kGroups = "mamba2.ssm.group_count";
    Mamba2Sizes sizes{.d_model = shape.d_model};
    KRAIT_TRY(sizes.d_inner, read_size(file, "mamba2.ssm.inner_size"));
    KRAIT_TRY(sizes.d_state, read_size(file, "mamba2.ssm.state_size"));
    KRAIT_TRY(sizes.d_conv, read_size(file, "mamba2.ssm.conv_kernel"));
    KRAIT_TRY(sizes.n_head, read_size(file, kHeads));
    KRAIT_TRY(sizes.n_group, read_size(file, kGroups));
    if (sizes.d_inner % sizes.n_head != 0)
        return fail(ErrorCode::corrupt_file, "{}: '{}' at byte {} is {}: heads must divide the inner size, {}", file.name(),
                    kHeads, file.find(kHeads)->offset, sizes.n_head, sizes.d_inner);
    if (sizes.n_head % sizes.n_group != 0)
        return fail(ErrorCode::corrupt_file, "{}: '{}' at byte {} is {}: groups must divide the {} heads", file.name(), kGroups,
                    file.find(kGroups)->offset, sizes.n_group, sizes.n_head);
    return make_mamba2(std::move(shape), sizes);
}

}  // namespace krait
