// SPDX-License-Identifier: Apache-2.0
//
// The checks that the shim makes of descriptions before a plugin sees them. A host that follows the ABI never fails these; a
// host that does not gets a message that names the node, instead of a wild pointer inside a kernel. All throw PluginError.
#pragma once

#include "backends/common/plugin_shim.hpp"

namespace krait::plugin {

// The op exists and has such an input.
void check_use(const krait_use& use);

// `what` is a struct of the caller's, which has at least the size that it had in version 2.0.
void check_struct_size(const char* what, uint32_t struct_size, uint32_t size_2_0);

// Layout, type, rank and uses go together; sizes are sane.
void check_memory_desc(const krait_memory_desc& desc);

// Sizes of a checked description: bytes of a row of pages, or of a slot; of a unit in the canonical layout; and of all units
// where each takes unit_stride, which throws OUT_OF_MEMORY where they cannot be addressed.
uint64_t memory_row_bytes(const krait_memory_desc& desc);
uint64_t memory_unit_bytes(const krait_memory_desc& desc);
uint64_t memory_bytes(const krait_memory_desc& desc, uint64_t unit_stride);

// Checks one node: op, params, operands (present, in range, of the role and kind that the op's contract says). Not the places.
void check_node(const krait_graph& graph, uint32_t index);

// Checks all nodes: check_node, and that every operand lies inside a buffer of this device that holds what its role says.
void check_graph(const Device& device, const krait_graph& graph);

}  // namespace krait::plugin
