// SPDX-License-Identifier: Apache-2.0
//
// A VkPipelineCache that is kept in a file, so that the driver compiles a shader once in its life. The file's name holds the
// device's cache UUID and the driver's version. A file that is missing, cut or of something else is as good as none; a
// folder that cannot be written costs a debug message. Written when the device is closed, to a file of its own that is then
// renamed, so processes that close at the same time do not mix.
#pragma once

#include <filesystem>

#include "backends/vulkan/vk/device.hpp"

namespace krait::vulkan::vk {

class PipelineCache {
  public:
    // directory: empty = not kept.
    PipelineCache(Device& device, const std::filesystem::path& directory);
    ~PipelineCache();
    PipelineCache(const PipelineCache&) = delete;
    PipelineCache& operator=(const PipelineCache&) = delete;

    VkPipelineCache get() const { return handle_; }

  private:
    void save() const;

    Device& device_;
    std::filesystem::path file_;
    size_t loaded_bytes_ = 0;
    VkPipelineCache handle_ = VK_NULL_HANDLE;
};

}  // namespace krait::vulkan::vk
