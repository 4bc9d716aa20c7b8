// SPDX-License-Identifier: Apache-2.0
//
// A model of gated convolutions: every layer is h = h + mixer(rms_norm(h)). Deeper layers look further back: layer i has
// d_conv + i taps.
#pragma once

#include "models/architectures/metadata.hpp"
#include "tests/models/gated_conv/gated_conv_mixer.hpp"

namespace krait {

// From the keys "gated_conv.inner_size" and "gated_conv.conv_kernel".
Result<Architecture> create_gated_conv(const ModelSource& file, ModelShape shape);

}  // namespace krait
