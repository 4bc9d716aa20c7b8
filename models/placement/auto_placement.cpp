// SPDX-License-Identifier: Apache-2.0
#include "models/placement/auto_placement.hpp"

#include <algorithm>

#include "models/architectures/architecture.hpp"
#include "models/placement/device_rates.hpp"
#include "models/placement/memory_need.hpp"

namespace krait {
namespace {

// A share of a device's free memory: the rest is for programs and what others take meanwhile.
constexpr double kUsable = 0.9;

// Devices hold weights in layouts of their own: up to a hundredth more was seen (the demo model on cpu), twice that is left for
// it.
constexpr double kInTheFile = 0.98;

// At most, on a device: small weights may be there twice (models/loading/weights.hpp).
double bytes_of(const TensorDesc& desc) {
    const auto bytes = static_cast<double>(span_bytes(desc));
    return bytes < static_cast<double>(kMinBytesInPlace) ? 2 * bytes : bytes;
}

// "0.087 ms", "8.73 ms", "873 ms"
std::string milliseconds(double seconds) {
    const double ms = seconds * 1e3;
    return fmt::format("{:.{}f} ms", ms, ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

bool is_in_host_memory(const Device& device) {
    const uint32_t kind = device.info().kind;
    return kind == KRAIT_DEVICE_CPU || kind == KRAIT_DEVICE_INTEGRATED_GPU || kind == KRAIT_DEVICE_EMULATED;
}

bool share_memory(const Device& a, const Device& b) {
    return a.name() == b.name() || (is_in_host_memory(a) && is_in_host_memory(b));
}

}  // namespace

std::vector<double> memory_budgets(std::span<const std::shared_ptr<const Device>> devices, std::span<const std::string> labels,
                                   const PlacementOptions& options) {
    std::vector<double> budgets;
    for (size_t d = 0; d < devices.size(); ++d) {
        const auto n_sharing =
            std::count_if(devices.begin(), devices.end(), [&](const auto& other) { return share_memory(*devices[d], *other); });
        const auto free = static_cast<double>(devices[d]->info().memory_free);
        double budget = free > 0 ? kUsable * free / static_cast<double>(n_sharing) : 1e18;
        for (const PlacementOptions::Limit& limit : options.max_memory)
            if (limit.device == labels[d]) budget = std::min(budget, static_cast<double>(limit.bytes));
        budgets.push_back(budget);
    }
    return budgets;
}

Result<MeasuredPlacement> place_by_cost(const Architecture& architecture, const WeightDescs& weights,
                                        std::span<const std::shared_ptr<const Device>> devices,
                                        std::span<const std::string> labels, const PlacementOptions& options) {
    const ModelShape& shape = architecture.shape();
    CostModel model;
    model.tied = shape.tied_head;
    model.row_bytes = static_cast<double>(shape.d_model) * sizeof(float);
    model.embedding_bytes = bytes_of(*weights.front());
    model.head_bytes = bytes_of(*(model.tied ? weights.front() : weights.back()));
    for (int64_t layer = 0; layer < shape.n_layer; ++layer) {
        double operations = 0, bytes = 0;
        for (const MemorySpec& memory : architecture.layer(layer).memories)
            bytes += static_cast<double>(memory.sequence_bytes(kDefaultCachedTokens));
        for (size_t i = architecture.first_weight(layer); i < architecture.first_weight(layer + 1); ++i) {
            if (!weights[i]) continue;
            bytes += bytes_of(*weights[i]);
            operations += 2 * static_cast<double>(element_count(*weights[i]));
        }
        model.layer_bytes.push_back(bytes);
        model.layer_operations.push_back(operations);
    }
    const std::vector<double> budgets = memory_budgets(devices, labels, options);
    std::vector<int32_t> measured;  // indices of devices with rates: those of the cost model
    std::vector<size_t> min_chunk_rows(devices.size(), kMinChunkRows);
    std::string unmeasured;
    for (size_t d = 0; d < devices.size(); ++d) {
        const Result<DeviceRates> rates = rates_of(devices[d]);
        if (!rates) {
            // Nothing is given to it here; what others decline may still go there.
            unmeasured += fmt::format("; {} gets no layers, as it could not be measured: {}", labels[d], rates.error().message);
            continue;
        }
        measured.push_back(static_cast<int32_t>(d));
        min_chunk_rows[d] = min_chunk_rows_of(*rates);
        KRAIT_TRY(const uint64_t values, largest_values(architecture, weights, *devices[d]));
        model.devices.push_back({labels[d], *rates, std::max(budgets[d] - static_cast<double>(values), 0.0) * kInTheFile});
    }
    if (measured.empty())
        return fail(ErrorCode::unavailable, "no device could be measured{}; say with --layers what goes where", unmeasured);
    auto cheapest = cheapest_placement(model);
    if (!cheapest) return fail(cheapest.error().code, "{}{}", cheapest.error().message, unmeasured);
    const auto device = [&](int32_t index) { return measured[static_cast<size_t>(index)]; };
    for (int32_t& layer : cheapest->layer) layer = device(layer);
    return MeasuredPlacement{
        .policy = {.layer = std::move(cheapest->layer),
                   .embedding = device(cheapest->embedding),
                   .head = device(cheapest->head),
                   .why = fmt::format("auto, {} a token{}", milliseconds(cheapest->token_seconds), unmeasured),
                   .rules = {}},
        .min_chunk_rows = std::move(min_chunk_rows)};
}

}  // namespace krait
