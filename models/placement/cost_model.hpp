// SPDX-License-Identifier: Apache-2.0
//
// The placement with the shortest time for a token, from the measured rates of the devices and their memory budgets.
//   time of a token = bytes of layers and head / the device's rate of reading weights + copies between devices
// Layers keep their order, and so do devices: each device gets one contiguous range of layers, or none; embedding and head go
// anywhere. Among the placements that take at most kSlack longer than the fastest, the one with the fastest bottleneck stage is
// chosen (the largest of the devices' operations for a row of a prompt / their rate): the micro-batches of a prompt go through
// the devices as a pipeline, which is as fast as its slowest stage. So two equal devices divide a model equally, and a slow
// device beside a fast one gets the layers that do not fit on the fast one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

struct DeviceRates {
    double bytes_per_second = 0;       // of weights, in a product with one row
    double operations_per_second = 0;  // of a product with many rows; a multiply-add counts two
    double copy_seconds = 0;           // a few bytes to the device or from it, and the wait for them
    double copy_bytes_per_second = 0;
};

// Rows of a micro-batch of a prompt where nothing was measured. Fewer rows would make too many graphs, and runs with too little
// work.
inline constexpr size_t kMinChunkRows = 32;

// The number of rows from which a product of Q8_0 weights is bound by computation, not by reading its weights: a multiple of
// kMinChunkRows, at most 128, so that prompts of a few hundred tokens are still cut into several micro-batches.
size_t min_chunk_rows_of(const DeviceRates& rates);

struct CostDevice {
    std::string name;
    DeviceRates rates;
    double budget = 0;  // memory budget in bytes for weights and states; the values of a run are not in it
};

struct CostModel {
    static constexpr double kSlack = 0.05;

    std::vector<double> layer_bytes;       // weights that a token reads, and states
    std::vector<double> layer_operations;  // of a row
    double embedding_bytes = 0, head_bytes = 0;
    bool tied = false;     // head and embedding are one weight: on one device it takes its memory once
    double row_bytes = 0;  // copied between two devices for a token
    std::vector<CostDevice> devices;
};

struct CheapestPlacement {
    std::vector<int32_t> layer;
    int32_t embedding = 0, head = 0;
    double token_seconds = 0;
    double bottleneck_seconds = 0;  // for a row of a prompt, on the slowest stage
};

// Fails where the model does not fit, with how much is needed and what there is.
Result<CheapestPlacement> cheapest_placement(const CostModel& model);

}  // namespace krait
