// SPDX-License-Identifier: Apache-2.0
#include "graph/compiled.hpp"

#include <algorithm>
#include <utility>

namespace krait::graph {

Result<void> Staging::reserve(size_t n_devices, size_t device, const Device& of, uint64_t bytes) {
    buffers_.resize(std::max(buffers_.size(), n_devices));
    StagingBuffer& staging_buffer = buffers_[device];
    if (bytes <= staging_buffer.size) return {};
    KRAIT_TRY(Buffer buffer, of.create_buffer(KRAIT_BUFFER_PINNED, bytes));
    KRAIT_TRY(void* const address, buffer.map());
    staging_buffer = {std::move(buffer), static_cast<std::byte*>(address), bytes};
    return {};
}

Result<void> Compiled::check(std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device) const {
    if (inputs.size() + on_device.size() != n_inputs_)
        return fail(ErrorCode::invalid_argument, "the graph has {} inputs, {} were given", n_inputs_,
                    inputs.size() + on_device.size());
    if (!on_device.empty() && partitioned_.subgraphs.size() != 1)
        return fail(ErrorCode::invalid_argument, "inputs on a device are for graphs of one device; this one has {}",
                    partitioned_.subgraphs.size());
    for (size_t i = 0; i < on_device.size(); ++i) {
        const auto is_it = [&](const auto& other) { return other.tensor == on_device[i].tensor; };
        if (graph_[on_device[i].tensor].role != TensorRole::input || std::any_of(inputs.begin(), inputs.end(), is_it) ||
            std::count_if(on_device.begin(), on_device.end(), is_it) > 1)
            return fail(ErrorCode::invalid_argument, "'{}' is no input, or was given twice", graph_[on_device[i].tensor].name);
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
        const InputBytes& input = inputs[i];
        const Tensor& tensor = graph_[input.tensor];
        const bool repeated = std::any_of(inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(i),
                                          [&](const InputBytes& other) { return other.tensor == input.tensor; });
        if (tensor.role != TensorRole::input || repeated)
            return fail(ErrorCode::invalid_argument, "'{}' is no input, or was given twice", tensor.name);
        if (static_cast<int64_t>(input.bytes.size()) != span_bytes(tensor.desc))
            return fail(ErrorCode::invalid_argument, "input '{}' is {}, {} bytes; {} were given", tensor.name,
                        to_string(tensor.desc), span_bytes(tensor.desc), input.bytes.size());
    }
    return checks_.check(graph_, inputs);
}

Result<void> Compiled::write_inputs(uint32_t subgraph, DeviceContext& context, std::span<const InputBytes> inputs,
                                    std::span<const DeviceBytes> on_device) {
    const bool is_latest = std::exchange(context.last_written, nullptr) == this;  // until all is written
    const auto local = [&](TensorId tensor) { return partitioned_.subgraphs[subgraph].local[static_cast<size_t>(tensor)]; };
    for (const InputBytes& input : inputs) {
        if (local(input.tensor) == kNoTensor || input.bytes.empty()) continue;
        std::vector<std::byte>& there = last_input(subgraph, input.tensor);
        if (is_latest && std::equal(there.begin(), there.end(), input.bytes.begin(), input.bytes.end())) continue;
        KRAIT_CHECK(context.queue.write(*arenas_[subgraph], offset(subgraph, local(input.tensor)), input.bytes));
        there.assign(input.bytes.begin(), input.bytes.end());
    }
    for (const DeviceBytes& input : on_device) {
        const auto size = static_cast<uint64_t>(span_bytes(graph_[input.tensor].desc));
        if (local(input.tensor) == kNoTensor || size == 0) continue;
        KRAIT_CHECK(
            context.queue.copy(*arenas_[subgraph], offset(subgraph, local(input.tensor)), *input.buffer, input.offset, size));
        last_input(subgraph, input.tensor).clear();
    }
    context.last_written = this;
    return {};
}

std::vector<std::byte>& Compiled::last_input(uint32_t subgraph, TensorId input) {
    const auto index = std::count_if(graph_.tensors.begin(), graph_.tensors.begin() + input,
                                     [](const Tensor& tensor) { return tensor.role == TensorRole::input; });
    return last_inputs_[subgraph * n_inputs_ + static_cast<size_t>(index)];
}

Result<void> Compiled::copy_in(uint32_t segment, DeviceContext& context, const Staging& staging) const {
    for (size_t i = 0; i < partitioned_.copies.size(); ++i) {
        const Copy& copy = partitioned_.copies[i];
        if (copy.before != segment || copy.bytes == 0) continue;
        const std::byte* from = staging.bytes(device_of(copy.from)) + staging_offset_[i];
        KRAIT_CHECK(context.queue.write(*arenas_[copy.to], offset(copy.to, copy.to_tensor), {from, copy.bytes}));
    }
    return {};
}

Result<void> Compiled::copy_out(uint32_t segment, DeviceContext& context, const Staging& staging) const {
    for (size_t i = 0; i < partitioned_.copies.size(); ++i) {
        const Copy& copy = partitioned_.copies[i];
        if (copy.after != segment || copy.bytes == 0) continue;
        // Several devices may read one tensor: it leaves once, and they share the bytes.
        const auto first = std::find_if(partitioned_.copies.begin(), partitioned_.copies.end(),
                                        [&](const Copy& other) { return other.tensor == copy.tensor; });
        if (&*first != &copy) continue;
        KRAIT_CHECK(context.queue.copy(staging.buffer(device_of(copy.from)), staging_offset_[i], *arenas_[copy.from],
                                       offset(copy.from, copy.from_tensor), copy.bytes));
    }
    return {};
}

Result<uint32_t> Compiled::subgraph_of(const OutputBytes& output) const {
    const Tensor& tensor = graph_[output.tensor];
    const auto size = static_cast<int64_t>(output.bytes.size()), whole = span_bytes(tensor.desc);
    const int64_t row = tensor.desc.rank == 0 || tensor.desc.extent[0] == 0 ? whole : whole / tensor.desc.extent[0];
    const auto offset = static_cast<int64_t>(output.offset);
    if (tensor.role != TensorRole::output || offset > whole || size > whole - offset ||
        (row > 0 ? size % row + offset % row : size) != 0)
        return fail(ErrorCode::invalid_argument, "'{}' ({}) cannot be read into {} bytes from offset {}", tensor.name,
                    to_string(tensor.desc), size, offset);
    for (uint32_t subgraph = 0; subgraph < partitioned_.subgraphs.size(); ++subgraph) {
        const TensorId local = partitioned_.subgraphs[subgraph].local[static_cast<size_t>(output.tensor)];
        if (local != kNoTensor && partitioned_.subgraphs[subgraph].graph[local].role == TensorRole::output) return subgraph;
    }
    return fail(ErrorCode::internal, "'{}' is computed nowhere", tensor.name);
}

Result<void> Compiled::read_output(uint32_t subgraph, DeviceContext& context, const OutputBytes& output) const {
    if (output.bytes.empty()) return {};
    const TensorId local = partitioned_.subgraphs[subgraph].local[static_cast<size_t>(output.tensor)];
    return context.queue.read(output.bytes, *arenas_[subgraph], offset(subgraph, local) + output.offset);
}

Result<void> Compiled::copy_output(uint32_t subgraph, DeviceContext& context, const DeviceBytes& to) const {
    const TensorId local = partitioned_.subgraphs[subgraph].local[static_cast<size_t>(to.tensor)];
    return context.queue.copy(*to.buffer, to.offset, *arenas_[subgraph], offset(subgraph, local),
                              static_cast<uint64_t>(span_bytes(graph_[to.tensor].desc)));
}

}  // namespace krait::graph
