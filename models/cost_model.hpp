// SPDX-License-Identifier: Apache-2.0
//
// The placement that takes least time for a token, from what devices were measured to do and what they have room for.
//   time of a token = layers and head: bytes / the device's rate of reading weights; + what crosses between devices
// Layers are taken in their order by devices in theirs, each device one stretch or none; embedding and head go anywhere. Of the
// placements that take at most kSlack longer than the fastest, the one whose busiest device has least to do for a row of a prompt
// counts (layers: operations / the device's rate): pieces of prompts go through the devices as a pipeline, which is as fast as
// its slowest stage. So two equal devices share a model, and a slow one beside a fast one gets what the fast one has no room for.
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

// Rows of a piece of a prompt where nothing was measured: fewer make too many graphs and runs of too little work.
inline constexpr size_t kLeastPiece = 32;

// Rows from which on a product of Q8_0 weights takes longer to compute than its weights take to read, as a multiple of kLeastPiece;
// from that to 128, so that prompts of a few hundred tokens still make several pieces.
size_t least_piece_of(const DeviceRates& rates);

struct CostDevice {
    std::string name;
    DeviceRates rates;
    double room = 0;  // bytes for weights and states, beside the values of a run
};

struct CostModel {
    static constexpr double kSlack = 0.05;

    std::vector<double> layer_bytes;       // weights that a token reads, and states
    std::vector<double> layer_operations;  // of a row
    double embedding_bytes = 0, head_bytes = 0;
    bool tied = false;     // head and embedding are one weight: on one device it takes room once
    double row_bytes = 0;  // what crosses for a token
    std::vector<CostDevice> devices;
};

struct CheapestPlacement {
    std::vector<int32_t> layer;
    int32_t embedding = 0, head = 0;
    double token_seconds = 0;
    double busiest_seconds = 0;  // of a row of a prompt, on the device that has most to do
};

// Fails where the model does not fit, with how much is needed and what there is.
Result<CheapestPlacement> cheapest_placement(const CostModel& model);

}  // namespace krait
