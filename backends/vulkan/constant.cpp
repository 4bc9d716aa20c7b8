// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/constant.hpp"

#include <algorithm>
#include <cstring>

#include "backends/common/constant_uses.hpp"
#include "backends/vulkan/packed_weights.hpp"
#include "core/base/parallel_for.hpp"

namespace krait::vulkan {
namespace {

plugin::BufferSpec constant_spec(const TensorDesc& desc) {
    plugin::BufferSpec spec;
    spec.content = plugin::BufferSpec::Content::constant;
    spec.constant = desc;
    return spec;
}

// Shaders read whole words of up to 16 bytes.
constexpr uint64_t kWord = 16;

ConstantLayout file_layout(const plugin::ConstantUpload& upload) {
    ConstantLayout layout;
    const std::span<const std::byte> bytes = upload.bytes;
    layout.bytes = (bytes.size() + kWord - 1) / kWord * kWord;
    layout.fill = [bytes](uint64_t first, std::span<std::byte> out) {
        const uint64_t there = first < bytes.size() ? std::min<uint64_t>(out.size(), bytes.size() - first) : 0;
        if (there > 0) std::memcpy(out.data(), bytes.data() + first, there);
        if (there < out.size()) std::memset(out.data() + there, 0, out.size() - there);
    };
    return layout;
}

ConstantLayout packed_layout(const plugin::ConstantUpload& upload) {
    const PackedWeights shape = packed_shape(upload.desc);
    ConstantLayout layout;
    layout.layout = Layout::packed;
    layout.bytes = packed_bytes(upload.desc);
    layout.unit = shape.panel_bytes;
    layout.fill = [desc = upload.desc, bytes = upload.bytes, unit = shape.panel_bytes](uint64_t first,
                                                                                       std::span<std::byte> out) {
        // A panel takes some microseconds; a grain is what makes a thread worth starting.
        constexpr int64_t kGrain = 64;
        parallel_for(0, static_cast<int64_t>(out.size() / unit), kGrain, [&](int64_t begin, int64_t end) {
            for (auto i = static_cast<uint64_t>(begin); i < static_cast<uint64_t>(end); ++i)
                pack_panel(desc, bytes, first / unit + i, out.subspan(i * unit, unit));
        });
    };
    return layout;
}

}  // namespace

ConstantLayout layout_of(const plugin::ConstantUpload& upload) {
    const bool matrix = upload.desc.rank >= 2 && element_count(upload.desc) > 0;
    return matrix && plugin::used_as_matrix(upload) ? packed_layout(upload) : file_layout(upload);
}

Constant::Constant(plugin::Device& device, const plugin::ConstantUpload& upload, Layout layout, vk::Memory memory)
    : MemoryBuffer(device, constant_spec(upload.desc), std::move(memory)), layout_(layout) {}

}  // namespace krait::vulkan
