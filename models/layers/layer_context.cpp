// SPDX-License-Identifier: Apache-2.0
#include "models/layers/layer_context.hpp"

#include <algorithm>

namespace krait {
namespace {

using graph::kNoTensor;
using graph::TensorId;

// The place of a name in a list of the plan; the list's size where it has none.
template <class Spec>
size_t index_of(const std::vector<Spec>& specs, std::string_view name) {
    const auto found = std::find_if(specs.begin(), specs.end(), [&](const Spec& spec) { return spec.name == name; });
    return static_cast<size_t>(found - specs.begin());
}

}  // namespace

LayerContext::LayerContext(const ForwardContext& forward, const LayerPlan& plan, std::string prefix, size_t first_weight,
                           size_t first_memory)
    : forward_(forward),
      plan_(plan),
      prefix_(std::move(prefix)),
      first_weight_(first_weight),
      first_memory_(first_memory),
      known_weights_(plan.weights.size(), kNoTensor),
      known_memories_(plan.memories.size(), kNoTensor) {}

std::string LayerContext::name(std::string_view what) const { return fmt::format("{}{}", prefix_, what); }

TensorId LayerContext::weight(std::string_view name) {
    const size_t i = index_of(plan_.weights, name);
    if (i == plan_.weights.size()) {
        builder().record_error({ErrorCode::internal, fmt::format("'{}' is no weight in its layer's plan", this->name(name))});
        return kNoTensor;
    }
    const size_t index = first_weight_ + i;
    if (const auto& desc = forward_.weights[index]; desc && known_weights_[i] == kNoTensor)
        known_weights_[i] = builder().constant(this->name(name), *desc, nullptr, static_cast<int32_t>(index));
    return known_weights_[i];
}

TensorId LayerContext::memory(std::string_view name) {
    const size_t i = index_of(plan_.memories, name);
    if (i == plan_.memories.size()) {
        builder().record_error({ErrorCode::internal, fmt::format("'{}' is no memory in its layer's plan", this->name(name))});
        return kNoTensor;
    }
    const MemorySpec& spec = plan_.memories[i];
    if (known_memories_[i] == kNoTensor)
        known_memories_[i] =
            builder().memory(fmt::format("{}{}{}", prefix_, name, spec.has_pages() ? "" : ".state"),
                             spec.desc(forward_.memory_sizes), nullptr, static_cast<int32_t>(first_memory_ + i));
    return known_memories_[i];
}

}  // namespace krait
