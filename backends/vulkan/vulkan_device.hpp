// SPDX-License-Identifier: Apache-2.0
//
// The device that the plugin opens: makes buffers, constants, memories of sequences, programs, queues and events.
#pragma once

#include "backends/vulkan/uploader.hpp"
#include "backends/vulkan/vulkan_queue.hpp"

namespace krait::vulkan {

struct DeviceOptions {
    vk::DeviceSettings settings;
    std::filesystem::path cache_directory;  // of compiled shaders; empty = none
};

class VulkanDevice final : public plugin::Device {
  public:
    VulkanDevice(uint32_t index, const DeviceOptions& options);
    ~VulkanDevice() override;

    plugin::Capabilities capabilities() const override;
    std::unique_ptr<plugin::Buffer> create_buffer(krait_buffer_kind kind, uint64_t size) override;
    std::unique_ptr<plugin::Buffer> upload_constant(const plugin::ConstantUpload& upload) override;
    std::unique_ptr<plugin::Buffer> create_memory(const krait_memory_desc& desc) override;
    plugin::Decline supports(const krait_graph& graph, const krait_graph_node& node) override;
    std::unique_ptr<plugin::Program> create_program(const krait_graph& graph) override;
    std::unique_ptr<plugin::Queue> create_queue() override;
    std::unique_ptr<plugin::Event> create_event() override;

    vk::Device& vk() { return vk_; }
    vk::Allocator& allocator() { return allocator_; }
    vk::Pipelines& pipelines() { return pipelines_; }
    Submitter& submitter() { return submitter_; }
    Uploader& uploader() { return uploader_; }

  private:
    vk::Device vk_;
    vk::Allocator allocator_;
    vk::Pipelines pipelines_;
    Submitter submitter_;
    Uploader uploader_;
};

}  // namespace krait::vulkan
