// SPDX-License-Identifier: Apache-2.0
//
// A program: one command buffer that is recorded when the program is made, the memory of its kernels' parameters, and scratch.
#pragma once

#include "backends/vulkan/submitter.hpp"
#include "backends/vulkan/vk/texel_sets.hpp"

namespace krait::vulkan {

class VulkanProgram final : public plugin::Program {
  public:
    VulkanProgram(plugin::Device& device, vk::Commands commands, vk::Memory parameters, std::vector<vk::Memory> scratch,
                  vk::TexelSets texels)
        : Program(device),
          texels_(std::move(texels)),
          commands_(std::move(commands)),
          parameters_(std::move(parameters)),
          scratch_(std::move(scratch)) {}
    ~VulkanProgram() override {
        try {
            if (lane_) lane_->wait(last_run_);
        } catch (...) {  // the device is lost, and with it the run
        }
    }

    VkCommandBuffer commands() const { return commands_.get(); }
    void ran_in(std::shared_ptr<SubmissionLane> lane, uint64_t number) {
        lane_ = std::move(lane);
        last_run_ = number;
    }

  private:
    vk::TexelSets texels_;
    vk::Commands commands_;
    vk::Memory parameters_;
    std::vector<vk::Memory> scratch_;
    std::shared_ptr<SubmissionLane> lane_;  // where it ran last
    uint64_t last_run_ = 0;
};

}  // namespace krait::vulkan
