// SPDX-License-Identifier: Apache-2.0
#include "tests/models/gated_conv/gated_conv.hpp"

#include "models/layers/residual_block.hpp"

namespace krait {

Result<Architecture> create_gated_conv(const ModelSource& file, ModelShape shape) {
    GatedConvSizes sizes{.d_model = shape.d_model};
    KRAIT_TRY(sizes.d_inner, read_size(file, "gated_conv.inner_size"));
    KRAIT_TRY(const int64_t d_conv, read_size(file, "gated_conv.conv_kernel"));
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        sizes.d_conv = d_conv + static_cast<int64_t>(i);
        add_residual_block(layers[i], {"norm", "attn_norm.weight", std::make_shared<GatedConvMixer>(sizes)}, shape.d_model);
    }
    return Architecture(std::move(shape), std::move(layers), {{"d_inner", sizes.d_inner}, {"d_conv", d_conv}});
}

}  // namespace krait
