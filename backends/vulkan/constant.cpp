// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/constant.hpp"

#include <algorithm>
#include <cstring>

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

}  // namespace

ConstantLayout layout_of(const plugin::ConstantUpload& upload) { return file_layout(upload); }

Constant::Constant(plugin::Device& device, const plugin::ConstantUpload& upload, Layout layout, vk::Memory memory)
    : MemoryBuffer(device, constant_spec(upload.desc), std::move(memory)), layout_(layout) {}

}  // namespace krait::vulkan
