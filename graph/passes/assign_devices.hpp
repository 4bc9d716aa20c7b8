// SPDX-License-Identifier: Apache-2.0
//
// assign_devices: gives every node of a graph to a device, and says why.
//   1. the first rule whose pattern is found in the node's name, or in the name of a weight that it reads
//   2. else the device that its layer goes to (embedding and head have one each)
//   3. a device that declines the node passes it on to the next in the list that takes it (from the end on from the start);
//      the reason is kept
//   4. nodes that use the same memory, as those that write and read keys and values, go together: to the device of a rule, else
//      to one that one of them was passed on to
// Weights and state follow: they live where the node that reads them is.
#pragma once

#include <functional>
#include <span>

#include "graph/graph.hpp"

namespace krait::graph {

// A device that nodes may go to. declines() gives the reason, or nothing if the device takes the node.
struct CandidateDevice {
    std::string name;
    std::function<std::optional<Error>(uint32_t node)> declines;
};

// Nodes that match go to that device: a regular expression (pattern.hpp) and an index into the candidates.
struct PlaceRule {
    std::string pattern;
    int32_t device = 0;
};

struct PlacementPolicy {
    std::vector<int32_t> layer;  // device of each layer; layers beyond go to the last one's
    int32_t embedding = 0, head = 0;
    std::string why;               // "--layers 20,4"
    std::vector<PlaceRule> rules;  // the first that matches counts
};

struct Assignment {
    std::vector<int32_t> device;   // by node
    std::vector<std::string> why;  // by node, for people
};

// Fails where a pattern is no regular expression, takes too many steps or matches nothing. names: of the candidates.
Result<void> check_rules(const Graph& graph, std::span<const PlaceRule> rules, std::span<const std::string> names);

// Fails where check_rules does, where every candidate declines a node, and where the nodes of a memory cannot go together.
Result<Assignment> assign_devices(const Graph& graph, std::span<const CandidateDevice> candidates,
                                  const PlacementPolicy& policy);

}  // namespace krait::graph
