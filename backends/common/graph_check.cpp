// SPDX-License-Identifier: Apache-2.0
#include "backends/common/graph_check.hpp"

#include "core/ops/op_list.hpp"

namespace krait::plugin {
namespace {

std::string node_name(const krait_graph_node& node, uint32_t index) {
    return node.name && *node.name ? fmt::format("node {} '{}'", index, node.name) : fmt::format("node {}", index);
}

const char* role_name(uint32_t role) {
    return role == KRAIT_TENSOR_VALUE      ? "a value"
           : role == KRAIT_TENSOR_CONSTANT ? "a constant"
           : role == KRAIT_TENSOR_STATE    ? "state"
                                           : "of an unknown role";
}

bool role_fits(OperandKind kind, uint32_t role) {
    switch (kind) {
        case OperandKind::value:
        case OperandKind::index: return role == KRAIT_TENSOR_VALUE;
        case OperandKind::vector:
        case OperandKind::matrix: return role == KRAIT_TENSOR_CONSTANT;
        case OperandKind::table: return role == KRAIT_TENSOR_VALUE || role == KRAIT_TENSOR_CONSTANT;
        case OperandKind::state: return role == KRAIT_TENSOR_STATE;
    }
    return false;
}

// Visits each operand of a contract with the node's tensor for it, whose index is -1 where an optional one is absent.
template <class Visit>
void for_each_operand(const OpSpec& spec, const krait_graph_node& node, Visit&& visit) {
    for (size_t i = 0; i < spec.inputs.size(); ++i) visit(spec.inputs[i], node.in[i]);
    for (size_t i = 0; i < spec.outputs.size(); ++i) visit(spec.outputs[i], node.out[i]);
}

void check_constant_place(const krait_graph_tensor& t, const BufferSpec& buffer) {
    if (t.offset != 0) throw_error(ErrorCode::invalid_argument, "a constant cannot be viewed at an offset ({})", t.offset);
    if (t.desc.dtype != buffer.constant.dtype || last_extent(t.desc) != last_extent(buffer.constant) ||
        element_count(t.desc) != element_count(buffer.constant))
        throw_error(ErrorCode::invalid_argument, "it is {}, but what was uploaded is {}", to_string(t.desc),
                    to_string(buffer.constant));
}

void check_state_place(const krait_graph_tensor& t, const BufferSpec& buffer, uint32_t op) {
    bool same = t.offset == 0 && buffer.state.op == op && t.desc.extent[0] == buffer.state.n_slots;
    for (uint32_t i = 0; i < 3; ++i) same = same && (i + 1 < t.desc.rank ? t.desc.extent[i + 1] : 1) == buffer.state.extent[i];
    if (!same)
        throw_error(ErrorCode::invalid_argument, "it is {} for {}, but the pool has {} slots of [{}, {}, {}] for {}",
                    to_string(t.desc), find_op(op)->name, buffer.state.n_slots, buffer.state.extent[0], buffer.state.extent[1],
                    buffer.state.extent[2], find_op(buffer.state.op)->name);
}

void check_value_place(const krait_graph_tensor& t, const BufferSpec& buffer) {
    const auto size = static_cast<uint64_t>(span_bytes(t.desc));
    if (t.offset > buffer.range || size > buffer.range - t.offset)
        throw_error(ErrorCode::invalid_argument, "{} bytes from offset {} are not inside its buffer of {} bytes", size,
                    t.offset, buffer.range);
    if (t.offset % sizeof(float) != 0)
        throw_error(ErrorCode::invalid_argument, "offset {} is no multiple of an element", t.offset);
}

void check_place(const Device& device, const krait_graph_tensor& t, uint32_t op) {
    if (!t.buffer) throw_error(ErrorCode::invalid_argument, "it has no buffer");
    const Buffer& buffer = *buffer_of(t.buffer);
    if (&buffer.device() != &device) throw_error(ErrorCode::invalid_argument, "its buffer belongs to another device");
    const BufferSpec& spec = buffer.spec();
    // Contents are numbered as roles are.
    static_assert(static_cast<uint32_t>(BufferSpec::Content::values) == KRAIT_TENSOR_VALUE &&
                  static_cast<uint32_t>(BufferSpec::Content::constant) == KRAIT_TENSOR_CONSTANT &&
                  static_cast<uint32_t>(BufferSpec::Content::state) == KRAIT_TENSOR_STATE);
    if (static_cast<uint32_t>(spec.content) != t.role)
        throw_error(ErrorCode::invalid_argument, "it is {}, but its buffer holds {}", role_name(t.role),
                    role_name(static_cast<uint32_t>(spec.content)));
    switch (spec.content) {
        case BufferSpec::Content::values: return check_value_place(t, spec);
        case BufferSpec::Content::constant: return check_constant_place(t, spec);
        case BufferSpec::Content::state: return check_state_place(t, spec, op);
    }
}

void check_arrays(const krait_graph& graph) {
    if (graph.struct_size < KRAIT_GRAPH_SIZE_2_0)
        throw_error(ErrorCode::invalid_argument, "the graph has struct_size {}; it must be {} or more", graph.struct_size,
                    KRAIT_GRAPH_SIZE_2_0);
    if ((graph.n_tensors > 0 && !graph.tensors) || (graph.n_nodes > 0 && !graph.nodes))
        throw_error(ErrorCode::invalid_argument, "the graph's array of {} is NULL",
                    graph.n_tensors > 0 && !graph.tensors ? "tensors" : "nodes");
    if (graph.n_dims > KRAIT_MAX_DIMS || (graph.n_dims > 0 && !graph.dim_max))
        throw_error(ErrorCode::invalid_argument, "{} dynamic dimensions{}; at most {} are possible", graph.n_dims,
                    graph.dim_max ? "" : " of NULL", KRAIT_MAX_DIMS);
    for (uint32_t d = 0; d < graph.n_dims; ++d)
        if (graph.dim_max[d] < 0)
            throw_error(ErrorCode::invalid_argument, "dynamic dimension {} is {} at most; 0 or more is possible", d,
                        graph.dim_max[d]);
}

}  // namespace

void check_use(const krait_use& use) {
    const OpSpec* spec = find_op(use.op);
    if (!spec) throw_error(ErrorCode::invalid_argument, "a use names op {}, which does not exist", use.op);
    if (use.operand >= spec->inputs.size())
        throw_error(ErrorCode::invalid_argument, "a use names input {} of {}, which has {}", use.operand, spec->name,
                    spec->inputs.size());
}

void check_state_desc(const krait_state_desc& desc) {
    if (desc.struct_size < KRAIT_STATE_DESC_SIZE_2_0)
        throw_error(ErrorCode::invalid_argument, "the description has struct_size {}; it must be {} or more", desc.struct_size,
                    KRAIT_STATE_DESC_SIZE_2_0);
    const OpSpec* spec = find_op(desc.op);
    if (!spec || find_state(spec->inputs) < 0)
        throw_error(ErrorCode::invalid_argument, "op {} ({}) has no state", desc.op, spec ? spec->name : "unknown");
    if (desc.n_slots < 1) throw_error(ErrorCode::invalid_argument, "{} slots: a pool has at least one", desc.n_slots);
    int64_t bytes = desc.n_slots;
    bool ok = true;
    for (int64_t extent : desc.extent) ok = ok && extent >= 0 && !__builtin_mul_overflow(bytes, extent, &bytes);
    // 2^58 floats: leaves room for any padding of a layout.
    if (!ok || bytes > (int64_t{1} << 58))
        throw_error(ErrorCode::invalid_argument, "slots of [{}, {}, {}]: negative, or more than can be addressed",
                    desc.extent[0], desc.extent[1], desc.extent[2]);
}

uint64_t state_slot_bytes(const krait_state_desc& desc) {
    return static_cast<uint64_t>(desc.extent[0] * desc.extent[1] * desc.extent[2]) * sizeof(float);
}

void check_node(const krait_graph& graph, uint32_t index) {
    check_arrays(graph);
    if (index >= graph.n_nodes) throw_error(ErrorCode::invalid_argument, "node {}: the graph has {}", index, graph.n_nodes);
    const krait_graph_node& node = graph.nodes[index];
    const OpSpec* spec = find_op(node.op);
    if (!spec) throw_error(ErrorCode::invalid_argument, "{}: op {} does not exist", node_name(node, index), node.op);
    if (node.params_size != spec->params_size || (spec->params_size > 0 && !node.params))
        throw_error(ErrorCode::invalid_argument, "{}: {} has {} bytes of params, not {}", node_name(node, index), spec->name,
                    spec->params_size, node.params ? node.params_size : 0);
    for_each_operand(*spec, node, [&](const OperandSpec& operand, int32_t tensor) {
        const auto bad = [&](const std::string& what) {
            throw_error(ErrorCode::invalid_argument, "{}: {}: operand '{}' {}", node_name(node, index), spec->name,
                        operand.name, what);
        };
        if (tensor == -1) {
            if (!operand.optional) bad("is missing");
            return;
        }
        if (tensor < 0 || static_cast<uint32_t>(tensor) >= graph.n_tensors)
            return bad(fmt::format("is tensor {}; the graph has {}", tensor, graph.n_tensors));
        const krait_graph_tensor& t = graph.tensors[tensor];
        if (const Result<void> checked = check_desc(t.desc); !checked) return bad(checked.error().message);
        if (!role_fits(operand.kind, t.role)) return bad(fmt::format("cannot be {}", role_name(t.role)));
        if (t.role == KRAIT_TENSOR_VALUE && !is_row_strided(t.desc))
            return bad(fmt::format("({}) is not row-strided", to_string(t.desc)));
        if (t.dim == 0) return;
        if (t.dim > graph.n_dims || t.role != KRAIT_TENSOR_VALUE || t.desc.rank == 0 ||
            t.desc.extent[0] < graph.dim_max[t.dim - 1])
            return bad(
                fmt::format("({}) cannot have dynamic dimension {}: the graph has {}, for values that are at least as long",
                            to_string(t.desc), t.dim - 1, graph.n_dims));
    });
}

void check_graph(const Device& device, const krait_graph& graph) {
    check_arrays(graph);
    for (uint32_t i = 0; i < graph.n_nodes; ++i) {
        check_node(graph, i);
        const krait_graph_node& node = graph.nodes[i];
        const OpSpec& spec = *find_op(node.op);
        for_each_operand(spec, node, [&](const OperandSpec& operand, int32_t tensor) {
            if (tensor < 0) return;
            try {
                check_place(device, graph.tensors[tensor], node.op);
            } catch (const PluginError& e) {
                throw_error(e.error().code, "{}: {}: operand '{}': {}", node_name(node, i), spec.name, operand.name,
                            e.error().message);
            }
        });
    }
}

}  // namespace krait::plugin
