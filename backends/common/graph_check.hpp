// SPDX-License-Identifier: Apache-2.0
//
// What the shim checks of descriptions before a plugin sees them. A host that follows the ABI never fails these; a host that
// does not gets a message that names the node, instead of a wild pointer inside a kernel. All throw PluginError.
#pragma once

#include "backends/common/plugin_shim.hpp"

namespace krait::plugin {

// The op exists and has such an input.
void check_use(const krait_use& use);

// The op has state; sizes are sane. Unused extents are 1.
void check_state_desc(const krait_state_desc& desc);

// product(extent) * 4 of a checked description.
uint64_t state_slot_bytes(const krait_state_desc& desc);

// Of one node: op, params, operands (present, in range, of the role and kind that the op's contract says). Not the places.
void check_node(const krait_graph& graph, uint32_t index);

// Of all nodes: check_node, and that every operand lies inside a buffer of this device that holds what its role says.
void check_graph(const Device& device, const krait_graph& graph);

}  // namespace krait::plugin
