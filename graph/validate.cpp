// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.hpp"

#include "core/ops/op_list.hpp"

namespace krait::graph {
namespace {

const char* role_name(TensorRole role) {
    constexpr const char* kNames[] = {"an input", "a value", "an output", "a constant", "a memory", "a view"};
    return kNames[static_cast<size_t>(role)];
}

const char* kind_name(OperandKind kind) {
    constexpr const char* kNames[] = {"a value",           "a constant",      "a constant",       "a constant or a value",
                                      "a memory of slots", "an index tensor", "a memory of pages"};
    return kNames[static_cast<size_t>(kind)];
}

bool fits(OperandKind kind, const Tensor& tensor) {
    const bool is_constant = tensor.role == TensorRole::constant;
    const bool is_memory = tensor.role == TensorRole::memory;
    const bool is_value = !is_constant && !is_memory;
    switch (kind) {
        case OperandKind::value: return is_value && is_row_strided(tensor.desc);
        case OperandKind::vector:
        case OperandKind::matrix: return is_constant;
        case OperandKind::table:
            return is_constant || (is_value && dtype_of(tensor.desc) == DType::F32 && is_row_strided(tensor.desc));
        case OperandKind::state:
        case OperandKind::pages: return is_memory;
        case OperandKind::index: return is_value && is_contiguous(tensor.desc);
    }
    return false;
}

class Validator {
  public:
    explicit Validator(const Graph& graph) : graph_(graph), written_(graph.tensors.size(), false) {}

    Result<void> run() {
        if (graph_.dim_max.size() > KRAIT_MAX_DIMS)
            return fail(ErrorCode::invalid_argument, "{} dynamic dimensions; at most {} are possible", graph_.dim_max.size(),
                        KRAIT_MAX_DIMS);
        for (size_t i = 0; i < graph_.tensors.size(); ++i) {
            if (auto ok = check_tensor(graph_.tensors[i], i); !ok)
                return tl::unexpected<Error>(
                    std::move(ok).error().within(fmt::format("tensor {} '{}'", i, graph_.tensors[i].name)));
        }
        for (size_t i = 0; i < graph_.nodes.size(); ++i) {
            const Node& node = graph_.nodes[i];
            const OpSpec* spec = find_op(static_cast<uint32_t>(node.op));
            if (!spec)
                return fail(ErrorCode::invalid_argument, "node {} '{}': there is no op {}", i, node.name,
                            static_cast<uint32_t>(node.op));
            if (auto ok = check_node(node, *spec); !ok)
                return tl::unexpected<Error>(
                    std::move(ok).error().within(fmt::format("node {} '{}' ({})", i, node.name, spec->name)));
        }
        for (size_t i = 0; i < graph_.tensors.size(); ++i)
            if (graph_.tensors[i].role == TensorRole::output && !written_[i])
                return fail(ErrorCode::invalid_argument, "output '{}' is written by no node", graph_.tensors[i].name);
        return {};
    }

  private:
    bool exists(TensorId id) const { return id >= 0 && static_cast<size_t>(id) < graph_.tensors.size(); }

    Result<void> check_tensor(const Tensor& tensor, size_t index) {
        KRAIT_CHECK(check_desc(tensor.desc));
        if (tensor.role == TensorRole::view) {
            if (!exists(tensor.base) || graph_[tensor.base].role == TensorRole::view ||
                static_cast<size_t>(tensor.base) == index)
                return fail(ErrorCode::invalid_argument, "it is a view of tensor {}, which is none or a view itself",
                            tensor.base);
            const Tensor& base = graph_[tensor.base];
            if (base.role == TensorRole::constant || base.role == TensorRole::memory)
                return fail(ErrorCode::invalid_argument, "it is a view of '{}', which is {}", base.name, role_name(base.role));
            const auto size = static_cast<uint64_t>(span_bytes(base.desc));
            const auto span = static_cast<uint64_t>(span_bytes(tensor.desc));
            if (tensor.offset > size || span > size - tensor.offset)
                return fail(ErrorCode::invalid_argument, "{} bytes from offset {} do not lie within '{}' of {} bytes", span,
                            tensor.offset, base.name, size);
        } else if (!is_contiguous(tensor.desc)) {
            return fail(ErrorCode::invalid_argument, "it owns its memory, so it must be contiguous; strides are for views");
        }
        if (tensor.dim > graph_.dim_max.size() ||
            (tensor.dim > 0 && (tensor.desc.rank == 0 || tensor.desc.extent[0] < graph_.dim_max[tensor.dim - 1])))
            return fail(ErrorCode::invalid_argument, "{} does not go with dynamic dimension {} of {}", to_string(tensor.desc),
                        tensor.dim - 1, graph_.dim_max.size());
        written_[index] =
            tensor.role == TensorRole::input || tensor.role == TensorRole::constant || tensor.role == TensorRole::memory;
        return {};
    }

    Result<void> check_node(const Node& node, const OpSpec& spec) {
        for (size_t i = 0; i < KRAIT_MAX_INPUTS; ++i) {
            if (i >= spec.inputs.size()) {
                if (node.in[i] != kNoTensor)
                    return fail(ErrorCode::invalid_argument, "it has {} operands, and tensor {} as one more",
                                spec.inputs.size(), node.in[i]);
                continue;
            }
            const OperandSpec& operand = spec.inputs[i];
            if (node.in[i] == kNoTensor) {
                if (!operand.optional) return fail(ErrorCode::invalid_argument, "operand '{}' is missing", operand.name);
                continue;
            }
            if (!exists(node.in[i]))
                return fail(ErrorCode::invalid_argument, "operand '{}' is tensor {}, which does not exist", operand.name,
                            node.in[i]);
            const Tensor& tensor = graph_[node.in[i]];
            if (!fits(operand.kind, tensor))
                return fail(ErrorCode::invalid_argument, "operand '{}' is {} ('{}', {}); it must be {}", operand.name,
                            role_name(tensor.role), tensor.name, to_string(tensor.desc), kind_name(operand.kind));
            if (!written_[static_cast<size_t>(graph_.memory_of(node.in[i]))])
                return fail(ErrorCode::invalid_argument, "operand '{}' reads '{}' before any node has written it", operand.name,
                            tensor.name);
        }
        std::array<TensorDesc, KRAIT_MAX_OUTPUTS> descs{};
        KRAIT_CHECK(spec.infer(input_descs(graph_, node), node.params.data(), descs));
        for (size_t i = 0; i < spec.outputs.size(); ++i) {
            if (!exists(node.out[i]))
                return fail(ErrorCode::invalid_argument, "result '{}' is tensor {}, which does not exist", spec.outputs[i].name,
                            node.out[i]);
            const Tensor& tensor = graph_[node.out[i]];
            if (tensor.role != TensorRole::value && tensor.role != TensorRole::output)
                return fail(ErrorCode::invalid_argument, "result '{}' is {} ('{}')", spec.outputs[i].name,
                            role_name(tensor.role), tensor.name);
            if (tensor.desc.dtype != descs[i].dtype || !same_shape(tensor.desc, descs[i]))
                return fail(ErrorCode::invalid_argument, "result '{}' is {}; the op gives {}", spec.outputs[i].name,
                            to_string(tensor.desc), to_string(descs[i]));
            if (written_[static_cast<size_t>(node.out[i])])
                return fail(ErrorCode::invalid_argument, "'{}' is written twice", tensor.name);
            written_[static_cast<size_t>(node.out[i])] = true;
        }
        return {};
    }

    const Graph& graph_;
    std::vector<bool> written_;
};

}  // namespace

std::array<const TensorDesc*, KRAIT_MAX_INPUTS> input_descs(const Graph& graph, const Node& node) {
    std::array<const TensorDesc*, KRAIT_MAX_INPUTS> descs{};
    for (size_t i = 0; i < descs.size(); ++i)
        if (node.in[i] != kNoTensor) descs[i] = &graph[node.in[i]].desc;
    return descs;
}

Result<void> validate(const Graph& graph) { return Validator(graph).run(); }

}  // namespace krait::graph
