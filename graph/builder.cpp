// SPDX-License-Identifier: Apache-2.0
#include "graph/builder.hpp"

namespace krait::graph {

void GraphBuilder::record_error(Error error) {
    if (!error_) error_ = std::move(error);
}

TensorId GraphBuilder::add(Tensor tensor) {
    if (error_) return kNoTensor;
    if (auto ok = check_desc(tensor.desc); !ok) {
        record_error(std::move(ok).error().within(fmt::format("tensor '{}'", tensor.name)));
        return kNoTensor;
    }
    graph_.tensors.push_back(std::move(tensor));
    return static_cast<TensorId>(graph_.tensors.size() - 1);
}

const TensorDesc& GraphBuilder::desc(TensorId id) const {
    static const TensorDesc kEmpty = make_desc(DType::F32, {0});
    return id == kNoTensor ? kEmpty : graph_[id].desc;
}

TensorId GraphBuilder::view(std::string name, TensorId of, const TensorDesc& desc, uint64_t offset) {
    if (error_) return kNoTensor;
    const Tensor& source = graph_[of];
    const bool is_view = source.role == TensorRole::view;
    const bool same_rows = desc.rank > 0 && desc.extent[0] == source.desc.extent[0];
    Tensor tensor{std::move(name),
                  desc,
                  TensorRole::view,
                  is_view ? source.base : of,
                  offset + (is_view ? source.offset : 0),
                  nullptr,
                  same_rows ? source.dim : 0};
    const Tensor& base = graph_[tensor.base];
    const auto end = tensor.offset + static_cast<uint64_t>(span_bytes(desc));
    if (base.role == TensorRole::constant || base.role == TensorRole::memory ||
        end > static_cast<uint64_t>(span_bytes(base.desc))) {
        record_error(
            {ErrorCode::invalid_argument, fmt::format("view '{}' ({}, {} bytes in) does not lie within '{}' ({})", tensor.name,
                                                      to_string(desc), tensor.offset, base.name, to_string(base.desc))});
        return kNoTensor;
    }
    return add(std::move(tensor));
}

TensorId GraphBuilder::columns(std::string name, TensorId of, int64_t first, int64_t count) {
    if (error_) return kNoTensor;
    const TensorDesc& source = graph_[of].desc;
    if (source.rank != 2 || first < 0 || count < 0 || first + count > source.extent[1]) {
        record_error({ErrorCode::invalid_argument, fmt::format("view '{}': columns {} to {} of '{}', which is {}", name, first,
                                                               first + count, graph_[of].name, to_string(source))});
        return kNoTensor;
    }
    TensorDesc desc = source;
    desc.extent[1] = count;
    return view(std::move(name), of, desc, static_cast<uint64_t>(row_bytes(dtype_of(source), first)));
}

TensorId GraphBuilder::split_columns(std::string name, TensorId of, int64_t outer, int64_t inner) {
    if (error_) return kNoTensor;
    const TensorDesc& source = graph_[of].desc;
    if (source.rank != 2 || outer * inner != source.extent[1]) {
        record_error({ErrorCode::invalid_argument, fmt::format("view '{}': '{}' is {}, whose rows are not {} x {}", name,
                                                               graph_[of].name, to_string(source), outer, inner)});
        return kNoTensor;
    }
    TensorDesc desc = make_desc(dtype_of(source), {source.extent[0], outer, inner});
    desc.stride[0] = source.stride[0];
    return view(std::move(name), of, desc);
}

TensorId GraphBuilder::merge_columns(std::string name, TensorId of) {
    if (error_) return kNoTensor;
    const TensorDesc& source = graph_[of].desc;
    if (source.rank != 3 || !is_row_strided(source)) {
        record_error({ErrorCode::invalid_argument,
                      fmt::format("view '{}': '{}' is {}; rank 3 is needed", name, graph_[of].name, to_string(source))});
        return kNoTensor;
    }
    TensorDesc desc = make_desc(dtype_of(source), {source.extent[0], source.extent[1] * source.extent[2]});
    desc.stride[0] = source.stride[0];
    return view(std::move(name), of, desc);
}

void GraphBuilder::output(TensorId id) {
    if (error_) return;
    Tensor& tensor = graph_[id];
    if (tensor.role != TensorRole::value) {
        record_error(
            {ErrorCode::invalid_argument, fmt::format("'{}' cannot be an output: only a node's result can", tensor.name)});
        return;
    }
    tensor.role = TensorRole::output;
}

// Results have the rows of the operand that is computed row by row: indices of rows where there are some, else the first value.
uint32_t GraphBuilder::dim_of_rows(const OpSpec& spec, const std::array<TensorId, KRAIT_MAX_INPUTS>& in) const {
    const bool gathers = find_operand(spec.inputs, IndexMeaning::rows) >= 0;
    for (size_t i = 0; i < spec.inputs.size(); ++i)
        if (in[i] != kNoTensor && spec.inputs[i].kind == (gathers ? OperandKind::index : OperandKind::value))
            return graph_[in[i]].dim;
    return 0;
}

std::array<TensorId, KRAIT_MAX_OUTPUTS> GraphBuilder::add_node(OpId op, std::string name,
                                                               const std::array<TensorId, KRAIT_MAX_INPUTS>& in,
                                                               const void* params) {
    std::array<TensorId, KRAIT_MAX_OUTPUTS> out;
    out.fill(kNoTensor);
    if (error_) return out;
    const OpSpec& spec = op_spec(op);
    Node node{.op = op, .name = std::move(name), .in = in, .out = out, .params = {}, .layer = layer_};
    std::memcpy(node.params.data(), params, spec.params_size);
    const auto context = [&] { return fmt::format("node {} '{}' ({})", graph_.nodes.size(), node.name, spec.name); };

    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        if (in[i] != kNoTensor || spec.inputs[i].optional) continue;
        record_error({ErrorCode::invalid_argument, fmt::format("{}: operand '{}' is missing", context(), spec.inputs[i].name)});
        return out;
    }
    std::array<TensorDesc, KRAIT_MAX_OUTPUTS> descs{};
    if (auto inferred = spec.infer(input_descs(graph_, node), node.params.data(), descs); !inferred) {
        record_error(std::move(inferred).error().within(context()));
        return out;
    }
    const uint32_t dim = dim_of_rows(spec, in);
    for (size_t i = 0; i < spec.outputs.size(); ++i) {
        const bool several = spec.outputs.size() > 1;
        node.out[i] = add({several ? fmt::format("{}.{}", node.name, spec.outputs[i].name) : node.name, descs[i],
                           TensorRole::value, kNoTensor, 0, nullptr, dim});
    }
    out = node.out;
    graph_.nodes.push_back(std::move(node));
    return out;
}

Result<Graph> GraphBuilder::finish() && {
    if (error_) return tl::unexpected<Error>(std::move(*error_));
    KRAIT_CHECK(validate(graph_));
    return std::move(graph_);
}

}  // namespace krait::graph
