// SPDX-License-Identifier: Apache-2.0
//
// Weights on the device. layout_of() decides how a weight lies there, by its format and by what will read it; the uploader
// takes it there piece by piece.
#pragma once

#include <functional>

#include "backends/vulkan/vulkan_buffer.hpp"

namespace krait::vulkan {

enum class Layout : uint32_t {
    file = 0,    // as in a GGUF file, rows one after another, padded with zeros to a multiple of 16 bytes at the end
    packed = 1,  // packed_weights.hpp: what is read as a matrix or as a table
};

struct ConstantLayout {
    Layout layout = Layout::file;
    uint64_t bytes = 0;
    uint64_t unit = 16;  // pieces begin at multiples of it
    // Writes bytes `first` .. `first + out.size()` of the layout.
    std::function<void(uint64_t first, std::span<std::byte> out)> fill;
};

ConstantLayout layout_of(const plugin::ConstantUpload& upload);

class Constant final : public MemoryBuffer {
  public:
    Constant(plugin::Device& device, const plugin::ConstantUpload& upload, Layout layout, vk::Memory memory);
    Layout layout() const { return layout_; }

  private:
    Layout layout_;
};

}  // namespace krait::vulkan
