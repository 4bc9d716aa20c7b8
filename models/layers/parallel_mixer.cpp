// SPDX-License-Identifier: Apache-2.0
#include "models/layers/parallel_mixer.hpp"

namespace krait {

std::vector<WeightSpec> ParallelMixer::weights() const {
    std::vector<WeightSpec> specs;
    for (const auto& mixer : mixers_)
        for (WeightSpec& spec : mixer->weights()) specs.push_back(std::move(spec));
    return specs;
}

std::vector<MemorySpec> ParallelMixer::memories() const {
    std::vector<MemorySpec> specs;
    for (const auto& mixer : mixers_)
        for (MemorySpec& spec : mixer->memories()) specs.push_back(std::move(spec));
    return specs;
}

// Each one adds to the sum of those before it.
graph::TensorId ParallelMixer::build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const {
    for (const auto& mixer : mixers_) residual = mixer->build(layer, x, residual);
    return residual;
}

}  // namespace krait
