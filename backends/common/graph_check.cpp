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
           : role == KRAIT_TENSOR_MEMORY   ? "a memory"
                                           : "of an unknown role";
}

bool role_fits(OperandKind kind, uint32_t role) {
    switch (kind) {
        case OperandKind::value:
        case OperandKind::index: return role == KRAIT_TENSOR_VALUE;
        case OperandKind::vector:
        case OperandKind::matrix: return role == KRAIT_TENSOR_CONSTANT;
        case OperandKind::table: return role == KRAIT_TENSOR_VALUE || role == KRAIT_TENSOR_CONSTANT;
        case OperandKind::state:
        case OperandKind::pages: return role == KRAIT_TENSOR_MEMORY;
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

// The tensor of a memory in a graph.
TensorDesc tensor_of(const krait_memory_desc& memory) {
    std::vector<int64_t> extents{memory.n_units};
    if (memory.layout == KRAIT_MEMORY_PAGES) extents.push_back(memory.rows_per_unit);
    extents.insert(extents.end(), memory.extent, memory.extent + memory.rank);
    return make_desc(static_cast<DType>(memory.dtype), extents);
}

void check_memory_place(const krait_graph_tensor& t, const BufferSpec& buffer, const krait_use& use) {
    const TensorDesc created = tensor_of(buffer.memory);
    if (t.offset != 0 || t.desc.dtype != created.dtype || !same_shape(t.desc, created))
        throw_error(ErrorCode::invalid_argument, "it is {}, but the memory was created as {}", to_string(t.desc),
                    to_string(created));
    for (const krait_use& known : buffer.uses)
        if (known.op == use.op && known.operand == use.operand) return;
    throw_error(ErrorCode::invalid_argument, "the memory was created without the use that reads it here");
}

void check_value_place(const krait_graph_tensor& t, const BufferSpec& buffer) {
    const auto size = static_cast<uint64_t>(span_bytes(t.desc));
    if (t.offset > buffer.range || size > buffer.range - t.offset)
        throw_error(ErrorCode::invalid_argument, "{} bytes from offset {} are not inside its buffer of {} bytes", size,
                    t.offset, buffer.range);
    if (t.offset % sizeof(float) != 0)
        throw_error(ErrorCode::invalid_argument, "offset {} is no multiple of an element", t.offset);
}

// use: of the input that it is; results, which are values, have none.
void check_place(const Device& device, const krait_graph_tensor& t, const krait_use& use) {
    if (!t.buffer) throw_error(ErrorCode::invalid_argument, "it has no buffer");
    const Buffer& buffer = *buffer_of(t.buffer);
    if (&buffer.device() != &device) throw_error(ErrorCode::invalid_argument, "its buffer belongs to another device");
    const BufferSpec& spec = buffer.spec();
    // Contents are numbered as roles are.
    static_assert(static_cast<uint32_t>(BufferSpec::Content::values) == KRAIT_TENSOR_VALUE &&
                  static_cast<uint32_t>(BufferSpec::Content::constant) == KRAIT_TENSOR_CONSTANT &&
                  static_cast<uint32_t>(BufferSpec::Content::memory) == KRAIT_TENSOR_MEMORY);
    if (static_cast<uint32_t>(spec.content) != t.role)
        throw_error(ErrorCode::invalid_argument, "it is {}, but its buffer holds {}", role_name(t.role),
                    role_name(static_cast<uint32_t>(spec.content)));
    switch (spec.content) {
        case BufferSpec::Content::values: return check_value_place(t, spec);
        case BufferSpec::Content::constant: return check_constant_place(t, spec);
        case BufferSpec::Content::memory: return check_memory_place(t, spec, use);
    }
}

void check_arrays(const krait_graph& graph) {
    check_struct_size("the graph", graph.struct_size, KRAIT_GRAPH_SIZE_2_0);
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

void check_struct_size(const char* what, uint32_t struct_size, uint32_t size_2_0) {
    if (struct_size < size_2_0)
        throw_error(ErrorCode::invalid_argument, "{} has struct_size {}; it must be {} or more", what, struct_size, size_2_0);
}

namespace {

// A memory of slots is used by operands of kind state, one of pages by those of kind pages.
void check_memory_uses(const krait_memory_desc& desc, bool has_pages) {
    if (desc.n_uses == 0 || !desc.uses)
        throw_error(ErrorCode::invalid_argument, "the memory has no uses; it needs at least one");
    for (const krait_use& use : std::span(desc.uses, desc.n_uses)) {
        check_use(use);
        const OpSpec& spec = *find_op(use.op);
        const OperandSpec& operand = spec.inputs[use.operand];
        if (operand.kind != (has_pages ? OperandKind::pages : OperandKind::state))
            throw_error(ErrorCode::invalid_argument, "a memory of {} cannot be operand '{}' of {}",
                        has_pages ? "pages" : "slots", operand.name, spec.name);
    }
}

}  // namespace

void check_memory_desc(const krait_memory_desc& desc) {
    check_struct_size("the description", desc.struct_size, KRAIT_MEMORY_DESC_SIZE_2_0);
    if (desc.layout != KRAIT_MEMORY_SLOTS && desc.layout != KRAIT_MEMORY_PAGES)
        throw_error(ErrorCode::invalid_argument, "memory layout {}: 0 (slots) and 1 (pages) exist", desc.layout);
    const bool has_pages = desc.layout == KRAIT_MEMORY_PAGES;
    const auto dtype = static_cast<DType>(desc.dtype);
    if (dtype != DType::F32 && !(has_pages && (dtype == DType::F16 || dtype == DType::Q8_0)))
        throw_error(ErrorCode::invalid_argument, "a memory of {} with element type {}; it must be {}",
                    has_pages ? "pages" : "slots", find_dtype(desc.dtype) ? dtype_name(dtype) : std::to_string(desc.dtype),
                    has_pages ? "F32, F16 or Q8_0" : "F32");
    const uint32_t max_rank = has_pages ? 2 : 3;
    if (desc.rank < 1 || desc.rank > max_rank)
        throw_error(ErrorCode::invalid_argument, "rank {} of a {}: 1 to {} are possible", desc.rank, has_pages ? "row" : "slot",
                    max_rank);
    if (desc.n_units < 1) throw_error(ErrorCode::invalid_argument, "{} units: a memory has at least one", desc.n_units);
    if (desc.rows_per_unit < 1 || (!has_pages && desc.rows_per_unit != 1))
        throw_error(ErrorCode::invalid_argument, "{} rows a unit: {}", desc.rows_per_unit,
                    has_pages ? "a page has at least one" : "a slot is one");
    int64_t elements = 0;
    bool ok = !__builtin_mul_overflow(desc.n_units, desc.rows_per_unit, &elements);
    for (uint32_t i = 0; i < 3; ++i)
        ok = ok && desc.extent[i] >= 0 && (i < desc.rank || desc.extent[i] == 1) &&
             !__builtin_mul_overflow(elements, std::max<int64_t>(desc.extent[i], 1), &elements);
    // A layout may pad each element to 16 lanes of 4 bytes, and 2^53 of those can be addressed.
    if (!ok || elements > (int64_t{1} << 53))
        throw_error(ErrorCode::invalid_argument,
                    "extents [{}, {}, {}] of rank {}: negative, not 1 where they do not count, or more than can be addressed",
                    desc.extent[0], desc.extent[1], desc.extent[2], desc.rank);
    if (desc.extent[desc.rank - 1] % dtype_info(dtype).block_elems != 0)
        throw_error(ErrorCode::invalid_argument, "{} elements of {}: a multiple of {} is needed", desc.extent[desc.rank - 1],
                    dtype_name(dtype), dtype_info(dtype).block_elems);
    if (has_pages && memory_row_bytes(desc) % 4 != 0)
        throw_error(ErrorCode::invalid_argument, "rows of {} bytes; they must be a multiple of 4", memory_row_bytes(desc));
    check_memory_uses(desc, has_pages);
}

uint64_t memory_row_bytes(const krait_memory_desc& desc) {
    return static_cast<uint64_t>(row_bytes(static_cast<DType>(desc.dtype), desc.extent[0] * desc.extent[1] * desc.extent[2]));
}

uint64_t memory_unit_bytes(const krait_memory_desc& desc) {
    return static_cast<uint64_t>(desc.rows_per_unit) * memory_row_bytes(desc);
}

uint64_t memory_bytes(const krait_memory_desc& desc, uint64_t unit_stride) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(desc.n_units), unit_stride, &bytes))
        throw_error(ErrorCode::out_of_memory, "{} units of {} bytes are more than can be addressed", desc.n_units, unit_stride);
    return bytes;
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
                const int input = find_operand(spec.inputs, operand.name);
                check_place(device, graph.tensors[tensor], {node.op, static_cast<uint32_t>(input)});
            } catch (const PluginError& e) {
                throw_error(e.error().code, "{}: {}: operand '{}': {}", node_name(node, i), spec.name, operand.name,
                            e.error().message);
            }
        });
    }
}

}  // namespace krait::plugin
