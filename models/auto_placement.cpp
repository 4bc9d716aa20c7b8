// SPDX-License-Identifier: Apache-2.0
#include "models/auto_placement.hpp"

#include <algorithm>

#include "models/architectures/architecture.hpp"
#include "models/device_rates.hpp"

namespace krait {
namespace {

// Of a device's free memory: the rest is for values, programs and what others take meanwhile.
constexpr double kUsable = 0.9;

double bytes_of(const TensorDesc& desc) { return static_cast<double>(span_bytes(desc)); }

double room_on(const Device& device, const std::string& label, const PlacementOptions& options) {
    double room = device.info().memory_free > 0 ? kUsable * static_cast<double>(device.info().memory_free) : 1e18;
    for (const PlacementOptions::Limit& limit : options.max_memory)
        if (limit.device == label) room = std::min(room, static_cast<double>(limit.bytes));
    return room;
}

}  // namespace

Result<graph::Wanted> place_by_cost(const Architecture& architecture, const WeightDescs& weights,
                                    std::span<const std::shared_ptr<const Device>> devices, std::span<const std::string> labels,
                                    const PlacementOptions& options) {
    const ModelShape& shape = architecture.shape();
    CostModel model;
    model.tied = shape.tied_head;
    model.row_bytes = static_cast<double>(shape.d_model) * sizeof(float);
    model.embedding_bytes = bytes_of(weights.find("token_embd.weight")->second);
    model.head_bytes = model.tied ? model.embedding_bytes : bytes_of(weights.find("output.weight")->second);
    for (int64_t layer = 0; layer < shape.n_layer; ++layer) {
        double operations = 0, bytes = static_cast<double>(architecture.state_bytes()) / static_cast<double>(shape.n_layer);
        const std::string prefix = layer_name(layer, "");
        for (auto it = weights.lower_bound(prefix); it != weights.end() && it->first.starts_with(prefix); ++it) {
            bytes += bytes_of(it->second);
            operations += 2 * static_cast<double>(element_count(it->second));
        }
        model.layer_bytes.push_back(bytes);
        model.layer_operations.push_back(operations);
    }
    for (size_t d = 0; d < devices.size(); ++d) {
        KRAIT_TRY(const DeviceRates rates, rates_of(devices[d]));
        model.devices.push_back({labels[d], rates, room_on(*devices[d], labels[d], options)});
    }
    KRAIT_TRY(CheapestPlacement cheapest, cheapest_placement(model));
    return graph::Wanted{.layer = std::move(cheapest.layer),
                         .embedding = cheapest.embedding,
                         .head = cheapest.head,
                         .why = fmt::format("auto, {:.2g} ms a token", cheapest.token_seconds * 1e3),
                         .rules = {}};
}

}  // namespace krait
