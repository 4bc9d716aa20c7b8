// SPDX-License-Identifier: Apache-2.0
//
// Mamba (Gu and Dao 2023), and Falcon-Mamba, which is Mamba with norms on dt, B and C: every layer is h = h +
// mixer(rms_norm(h)).
#pragma once

#include "models/architectures/metadata.hpp"
#include "models/layers/mamba_mixer.hpp"

namespace krait {

// sizes.d_model is shape.d_model.
Architecture make_mamba(ModelShape shape, const MambaSizes& sizes);
// From the keys "mamba.ssm.*".
Result<Architecture> create_mamba(const ModelSource& file, ModelShape shape);

}  // namespace krait
