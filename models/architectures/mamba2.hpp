// SPDX-License-Identifier: Apache-2.0
//
// Mamba-2 (Dao and Gu 2024): every layer is h = h + mixer(rms_norm(h)).
#pragma once

#include "models/architectures/metadata.hpp"
#include "models/layers/mamba2_mixer.hpp"

namespace krait {

// sizes.d_model is shape.d_model.
Architecture make_mamba2(ModelShape shape, const Mamba2Sizes& sizes);
// From the keys "mamba2.ssm.*".
Result<Architecture> create_mamba2(const ModelSource& file, ModelShape shape);

}  // namespace krait
