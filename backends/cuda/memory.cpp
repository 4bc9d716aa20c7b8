// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/memory.hpp"

#include "backends/common/constant_uses.hpp"
#include "backends/common/graph_check.hpp"
#include "backends/cuda/quant/pack.hpp"

namespace krait::cuda {
namespace {

using plugin::BufferSpec;

uint64_t round_up(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

ValueBuffer::ValueBuffer(plugin::Device& device, Gpu& gpu, krait_buffer_kind kind, uint64_t size)
    : Buffer(device, BufferSpec::of_values(size)),
      kind_(kind),
      memory_(gpu, size, kind == KRAIT_BUFFER_PINNED ? MemoryKind::pinned : MemoryKind::device, "a buffer") {}

void* ValueBuffer::map() {
    if (kind_ != KRAIT_BUFFER_PINNED)
        plugin::throw_error(ErrorCode::unsupported, "the memory of the GPU is not visible to the host; pinned buffers are");
    return memory_.data();
}

Constant::Constant(plugin::Device& device, Gpu& gpu, Stream& stream, const plugin::ConstantUpload& upload)
    : Buffer(device, BufferSpec::of_constant(upload.desc)) {
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

MemoryPool::MemoryPool(plugin::Device& device, Gpu& gpu, const krait_memory_desc& desc)
    : Buffer(device, BufferSpec::of_memory(desc)),
      unit_bytes_(plugin::memory_unit_bytes(desc)),
      unit_stride_(desc.layout == KRAIT_MEMORY_PAGES ? unit_bytes_ : round_up(unit_bytes_)),
      memory_(gpu, plugin::memory_bytes(desc, unit_stride_), MemoryKind::device,
              desc.layout == KRAIT_MEMORY_PAGES ? "a memory of pages" : "a memory of slots") {}

}  // namespace krait::cuda
