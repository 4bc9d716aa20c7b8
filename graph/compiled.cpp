// SPDX-License-Identifier: Apache-2.0
#include "graph/compiled.hpp"

#include <algorithm>

namespace krait::graph {

Result<void> Staging::reserve(size_t n_devices, size_t device, const Device& of, uint64_t bytes) {
    rooms_.resize(std::max(rooms_.size(), n_devices));
    Room& room = rooms_[device];
    if (bytes <= room.size) return {};
    KRAIT_TRY(Buffer buffer, of.create_buffer(KRAIT_BUFFER_PINNED, bytes));
    KRAIT_TRY(void* const address, buffer.map());
    room = {std::move(buffer), static_cast<std::byte*>(address), bytes};
    return {};
}

Result<void> Compiled::check(std::span<const InputBytes> inputs) const {
    if (inputs.size() != n_inputs_)
        return fail(ErrorCode::invalid_argument, "the graph has {} inputs, {} were given", n_inputs_, inputs.size());
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

Result<void> Compiled::write_inputs(uint32_t share, Lane& lane, std::span<const InputBytes> inputs) const {
    for (const InputBytes& input : inputs) {
        const TensorId local = divided_.shares[share].local[static_cast<size_t>(input.tensor)];
        if (local != kNoTensor && !input.bytes.empty())
            KRAIT_CHECK(lane.queue.write(*arenas_[share], offset(share, local), input.bytes));
    }
    return {};
}

Result<void> Compiled::copy_in(uint32_t part, Lane& lane, const Staging& staging) const {
    for (size_t i = 0; i < divided_.copies.size(); ++i) {
        const Copy& copy = divided_.copies[i];
        if (copy.before != part || copy.bytes == 0) continue;
        const std::byte* from = staging.bytes(device_of(copy.from)) + staging_offset_[i];
        KRAIT_CHECK(lane.queue.write(*arenas_[copy.to], offset(copy.to, copy.to_tensor), {from, copy.bytes}));
    }
    return {};
}

Result<void> Compiled::copy_out(uint32_t part, Lane& lane, const Staging& staging) const {
    for (size_t i = 0; i < divided_.copies.size(); ++i) {
        const Copy& copy = divided_.copies[i];
        if (copy.after != part || copy.bytes == 0) continue;
        // Several devices may read one tensor: it leaves once, and they share the bytes.
        const auto first = std::find_if(divided_.copies.begin(), divided_.copies.end(),
                                        [&](const Copy& other) { return other.tensor == copy.tensor; });
        if (&*first != &copy) continue;
        KRAIT_CHECK(lane.queue.copy(staging.buffer(device_of(copy.from)), staging_offset_[i], *arenas_[copy.from],
                                    offset(copy.from, copy.from_tensor), copy.bytes));
    }
    return {};
}

Result<uint32_t> Compiled::share_of(const OutputBytes& output) const {
    const Tensor& tensor = graph_[output.tensor];
    const auto size = static_cast<int64_t>(output.bytes.size()), whole = span_bytes(tensor.desc);
    const int64_t row = tensor.desc.rank == 0 || tensor.desc.extent[0] == 0 ? whole : whole / tensor.desc.extent[0];
    if (tensor.role != TensorRole::output || size > whole || (row > 0 ? size % row : size) != 0)
        return fail(ErrorCode::invalid_argument, "'{}' ({}) cannot be read into {} bytes", tensor.name, to_string(tensor.desc),
                    size);
    for (uint32_t share = 0; share < divided_.shares.size(); ++share) {
        const TensorId local = divided_.shares[share].local[static_cast<size_t>(output.tensor)];
        if (local != kNoTensor && divided_.shares[share].graph[local].role == TensorRole::output) return share;
    }
    return fail(ErrorCode::internal, "'{}' is computed nowhere", tensor.name);
}

Result<void> Compiled::read_output(uint32_t share, Lane& lane, const OutputBytes& output) const {
    if (output.bytes.empty()) return {};
    const TensorId local = divided_.shares[share].local[static_cast<size_t>(output.tensor)];
    return lane.queue.read(output.bytes, *arenas_[share], offset(share, local));
}

}  // namespace krait::graph
