// SPDX-License-Identifier: Apache-2.0
//
// Where a model's layers, weights and states live when it has several devices. Decided once, when the model is loaded, over the
// graphs of a prompt and of a single token: a node of either goes to the same device, so weights and states are on one device.
//   PlacementOptions options{.layers = {20, 4}};
//   KRAIT_TRY(Placement placement, Placement::decide(architecture, weights, devices, options));
#pragma once

#include <map>

#include "graph/passes/assign_devices.hpp"
#include "models/loading/weights.hpp"
#include "models/placement/cost_model.hpp"
#include "models/placement/memory_need.hpp"
#include "models/placement/placement_options.hpp"

namespace krait {

class Architecture;

// The names of devices as a user tells them apart: those that are there twice get "#2", "#3" behind.
std::vector<std::string> device_labels(std::span<const std::shared_ptr<const Device>> devices);

class Placement {
  public:
    static Result<Placement> decide(const Architecture& architecture, const WeightDescs& weights,
                                    std::span<const std::shared_ptr<const Device>> devices, const PlacementOptions& options);

    const std::vector<std::string>& labels() const { return labels_; }  // of the devices
    // By node, for a graph of this model; a node that no run of the model has is an error.
    Result<std::vector<int32_t>> devices_of(const graph::Graph& graph) const;
    // The device of a node that devices_of takes, and why it is that one.
    int32_t device_of(std::string_view node) const { return find(node).device; }
    const std::string& why(std::string_view node) const { return find(node).why; }
    // The device of a memory, by its index in Architecture::memories().
    int32_t device_of_memory(size_t memory) const { return memories_[memory]; }
    const std::string& summary() const { return summary_; }  // how it came about: "--layers 20,4"

    // For every weight of Architecture::weights() the devices where it is read, and as what.
    const WeightLocations& weight_locations() const { return weight_locations_; }
    // Whether a device finds the most likely tokens (top_k); where none does, sessions give logits alone.
    bool supports_top_k() const { return supports_top_k_; }
    // Whether anything runs on a device.
    bool uses(int32_t device) const { return used_[static_cast<size_t>(device)]; }
    // The smallest number of rows of a micro-batch of a prompt on several devices: every device that is used is bound by
    // computation from that on, where placement measured them; else kMinChunkRows.
    size_t min_chunk_rows() const { return min_chunk_rows_; }

    // By device. How many bytes devices make of the weights is not known before they are loaded (check_limits).
    Result<std::vector<MemoryNeed>> memory_needs(const Architecture& architecture, const WeightDescs& weights,
                                                 std::span<const std::shared_ptr<const Device>> devices) const;
    // Fails where a device holds more than options.max_memory says. held_weights: by device, what it made of its weights; empty
    // before they are loaded.
    Result<void> check_limits(const PlacementOptions& options, std::span<const uint64_t> held_weights) const;

  private:
    struct Place {
        int32_t device = 0;
        std::string why;
    };
    const Place& find(std::string_view node) const;
    void add(const graph::Graph& graph, graph::Assignment assignment);

    std::vector<std::string> labels_;
    std::string summary_;
    std::map<std::string, Place, std::less<>> nodes_;
    std::vector<int32_t> memories_;  // the device of each
    WeightLocations weight_locations_;
    std::vector<bool> used_;
    std::vector<MemoryNeed> needs_;  // by device; empty where nothing limits them
    size_t min_chunk_rows_ = kMinChunkRows;
    bool supports_top_k_ = false;
};

}  // namespace krait
