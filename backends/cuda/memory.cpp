// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/memory.hpp"

#include "backends/common/constant_uses.hpp"
#include "backends/common/graph_check.hpp"
#include "backends/cuda/quant/pack.hpp"

namespace krait::cuda {
namespace {

using plugin::BufferSpec;

uint64_t round_up(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

BufferSpec spec_of_values(uint64_t size) {
    BufferSpec spec;
    spec.range = size;
    return spec;
}

BufferSpec spec_of_constant(const TensorDesc& desc) {
    BufferSpec spec;
    spec.content = BufferSpec::Content::constant;
    spec.constant = desc;
    return spec;
}

BufferSpec spec_of_state(const krait_state_desc& desc) {
    BufferSpec spec;
    spec.content = BufferSpec::Content::state;
    spec.state = desc;
    return spec;
}

uint64_t pool_bytes(const krait_state_desc& desc, uint64_t slot_stride) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(desc.n_slots), slot_stride, &bytes))
        plugin::throw_error(ErrorCode::out_of_memory, "{} slots of {} bytes are more than can be addressed", desc.n_slots,
                            slot_stride);
    return bytes;
}

}  // namespace

ValueBuffer::ValueBuffer(plugin::Device& device, Gpu& gpu, krait_buffer_kind kind, uint64_t size)
    : Buffer(device, spec_of_values(size)),
      kind_(kind),
      memory_(gpu, size, kind == KRAIT_BUFFER_PINNED ? MemoryKind::pinned : MemoryKind::device, "a buffer") {}

void* ValueBuffer::map() {
    if (kind_ != KRAIT_BUFFER_PINNED)
        plugin::throw_error(ErrorCode::unsupported, "the memory of the GPU is not visible to the host; pinned buffers are");
    return memory_.data();
}

Constant::Constant(plugin::Device& device, Gpu& gpu, Stream& stream, const plugin::ConstantUpload& upload)
    : Buffer(device, spec_of_constant(upload.desc)) {
    bool planes = false, raw = upload.uses.empty();
    for (const krait_use& use : upload.uses) (is_matrix(plugin::operand_of(use).kind) ? planes : raw) = true;
    if (planes) {
        const PackedWeight packed = pack_planes(upload.desc, upload.bytes);
        planes_memory_ = Memory(gpu, packed.bytes.size(), MemoryKind::device, "a weight");
        stream.write(planes_memory_.data(), packed.bytes.data(), packed.bytes.size());
        planes_ = packed.at(planes_memory_.data());
    }
    if (raw) {
        raw_ = Memory(gpu, upload.bytes.size(), MemoryKind::device, "a weight");
        stream.write(raw_.data(), upload.bytes.data(), upload.bytes.size());
    }
    stream.sync();
    gpu.freeze(planes_memory_.data());
    gpu.freeze(raw_.data());
}

StatePool::StatePool(plugin::Device& device, Gpu& gpu, const krait_state_desc& desc)
    : Buffer(device, spec_of_state(desc)),
      slot_bytes_(plugin::state_slot_bytes(desc)),
      slot_stride_(round_up(slot_bytes_)),
      memory_(gpu, pool_bytes(desc, slot_stride_), MemoryKind::device, "a pool of state") {}

}  // namespace krait::cuda
