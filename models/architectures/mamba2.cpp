// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/mamba2.hpp"

#include "models/architectures/layer_metadata.hpp"
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
    KRAIT_TRY(const Mamba2Sizes sizes, LayerMetadata(file, shape).mamba2());
    return make_mamba2(std::move(shape), sizes);
}

}  // namespace krait
