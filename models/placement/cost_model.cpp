// SPDX-License-Identifier: Apache-2.0
#include "models/placement/cost_model.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "core/base/format_bytes.hpp"

namespace krait {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// The best contiguous ranges of layers for given devices of embedding and head, where no stage may take longer than a limit.
class ContiguousRanges {
  public:
    ContiguousRanges(const CostModel& model, size_t embedding, size_t head)
        : model_(model),
          embedding_(embedding),
          head_(head),
          n_layer_(model.layer_bytes.size()),
          bytes_(n_layer_ + 1, 0),
          operations_(n_layer_ + 1, 0) {
        std::partial_sum(model.layer_bytes.begin(), model.layer_bytes.end(), bytes_.begin() + 1);
        std::partial_sum(model.layer_operations.begin(), model.layer_operations.end(), operations_.begin() + 1);
    }

    std::optional<CheapestPlacement> best(double bottleneck) const {
        const size_t n_device = model_.devices.size();
        struct State {
            double seconds = kNever;
            size_t first = 0;     // layer with which the device begins
            size_t previous = 0;  // device before it
        };
        // states[l][d]: the first l layers are placed, and device d has the last of them.
        std::vector<std::vector<State>> states(n_layer_ + 1, std::vector<State>(n_device));
        for (size_t end = 1; end <= n_layer_; ++end)
            for (size_t d = 0; d < n_device; ++d)
                for (size_t first = 0; first < end; ++first) {
                    const double bytes = bytes_[end] - bytes_[first];
                    const double seconds = bytes / model_.devices[d].rates.bytes_per_second;
                    if (fixed_bytes(d) + bytes > model_.devices[d].budget || row_seconds(d, first, end) > bottleneck) continue;
                    if (first == 0) {
                        const double all = seconds + crossing(embedding_, d);
                        if (all < states[end][d].seconds) states[end][d] = {all, 0, d};
                    }
                    for (size_t p = 0; first > 0 && p < d; ++p) {
                        const double all = states[first][p].seconds + crossing(p, d) + seconds;
                        if (all < states[end][d].seconds) states[end][d] = {all, first, p};
                    }
                }
        if (fixed_bytes(embedding_) > model_.devices[embedding_].budget || fixed_bytes(head_) > model_.devices[head_].budget)
            return std::nullopt;
        size_t last = 0;
        double min_seconds = kNever;
        for (size_t d = 0; d < n_device; ++d) {
            const double all = states[n_layer_][d].seconds + crossing(d, head_) +
                               model_.head_bytes / model_.devices[head_].rates.bytes_per_second;
            if (all < min_seconds) {
                min_seconds = all;
                last = d;
            }
        }
        if (min_seconds == kNever) return std::nullopt;
        CheapestPlacement placement{std::vector<int32_t>(n_layer_), static_cast<int32_t>(embedding_),
                                    static_cast<int32_t>(head_), min_seconds, 0};
        for (size_t end = n_layer_; end > 0;) {
            const State& state = states[end][last];
            std::fill(placement.layer.begin() + static_cast<ptrdiff_t>(state.first),
                      placement.layer.begin() + static_cast<ptrdiff_t>(end), static_cast<int32_t>(last));
            placement.bottleneck_seconds = std::max(placement.bottleneck_seconds, row_seconds(last, state.first, end));
            end = state.first;
            last = state.previous;
        }
        return placement;
    }

  private:
    double crossing(size_t from, size_t to) const {
        if (from == to) return 0;
        const DeviceRates &a = model_.devices[from].rates, &b = model_.devices[to].rates;
        return a.copy_seconds + b.copy_seconds + model_.row_bytes * (1 / a.copy_bytes_per_second + 1 / b.copy_bytes_per_second);
    }
    double row_seconds(size_t d, size_t first, size_t end) const {
        return (operations_[end] - operations_[first]) / model_.devices[d].rates.operations_per_second;
    }
    double fixed_bytes(size_t d) const {
        const bool shares = model_.tied && embedding_ == head_;
        return (d == embedding_ && !shares ? model_.embedding_bytes : 0) + (d == head_ ? model_.head_bytes : 0);
    }

    const CostModel& model_;
    size_t embedding_, head_, n_layer_;
    std::vector<double> bytes_, operations_;  // of the layers before each
};

std::optional<CheapestPlacement> best_of_all(const CostModel& model, double bottleneck) {
    std::optional<CheapestPlacement> best;
    for (size_t e = 0; e < model.devices.size(); ++e)
        for (size_t h = 0; h < model.devices.size(); ++h) {
            auto placement = ContiguousRanges(model, e, h).best(bottleneck);
            if (placement && (!best || placement->token_seconds < best->token_seconds)) best = std::move(placement);
        }
    return best;
}

}  // namespace

size_t min_chunk_rows_of(const DeviceRates& rates) {
    constexpr double kBytesPerWeight = 34.0 / 32, kOperationsPerWeight = 2;
    const double rows = rates.operations_per_second / kOperationsPerWeight * kBytesPerWeight / rates.bytes_per_second;
    return kMinChunkRows * static_cast<size_t>(std::ceil(std::clamp(rows, 1.0, 128.0) / kMinChunkRows));
}

Result<CheapestPlacement> cheapest_placement(const CostModel& model) {
    auto fastest = best_of_all(model, kNever);
    if (!fastest) {
        const double needed = std::accumulate(model.layer_bytes.begin(), model.layer_bytes.end(), 0.0) + model.head_bytes +
                              (model.tied ? 0 : model.embedding_bytes);
        std::vector<std::string> budgets;
        for (const CostDevice& device : model.devices)
            budgets.push_back(fmt::format("{} on {}", format_bytes(device.budget), device.name));
        return fail(ErrorCode::out_of_memory,
                    "weights and states take up to {}; beside the values of a run there is room for {}; name one more device",
                    format_bytes(needed), fmt::join(budgets, ", "));
    }
    const double limit = fastest->token_seconds * (1 + CostModel::kSlack);
    // The least busy device that is still fast enough: by bisection, to one part in a thousand.
    double low = 0, high = fastest->bottleneck_seconds;
    while (high - low > 1e-3 * high) {
        const double middle = (low + high) / 2;
        auto placement = best_of_all(model, middle);
        if (placement && placement->token_seconds <= limit) {
            high = std::min(middle, placement->bottleneck_seconds);
            fastest = std::move(placement);
        } else {
            low = middle;
        }
    }
    return std::move(*fastest);
}

}  // namespace krait
