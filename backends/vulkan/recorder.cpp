// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/recorder.hpp"

#include <algorithm>
#include <cstring>

#include "backends/vulkan/vulkan_device.hpp"
#include "backends/vulkan/vulkan_program.hpp"

namespace krait::vulkan {
namespace {

// A block of parameters starts at a multiple of it: a shader may load it by wide vectors.
constexpr uint64_t kBlockAlignment = 64;

}  // namespace

Access::Access(const Tensor& t) {
    if (!t || t.role == KRAIT_TENSOR_CONSTANT) return;
    range.begin = address(t);
    range.end = range.begin + (t.role == KRAIT_TENSOR_STATE ? memory_buffer(*t.buffer).memory().size()
                                                            : static_cast<uint64_t>(span_bytes(t.desc)));
}

const vk::Device& Recorder::device() const { return device_.vk(); }

Groups Recorder::groups(uint64_t n) const {
    const uint64_t most = limits().maxComputeWorkGroupCount[0];
    if (n <= most) return {static_cast<uint32_t>(n), 1, 1};
    // 65,535 columns, which every device has, and as many lines as it takes.
    const uint64_t columns = std::min<uint64_t>(most, 65535), lines = (n + columns - 1) / columns;
    if (lines > limits().maxComputeWorkGroupCount[1])
        plugin::throw_error(ErrorCode::unsupported, "{} work groups are more than this device runs at once", n);
    return {static_cast<uint32_t>(columns), static_cast<uint32_t>(lines), 1};
}

vk::AddressRange Recorder::scratch(uint64_t bytes) {
    // The nodes of a program take turns with the same memory: hazards are found by address.
    for (size_t i = scratch_in_use_; i < scratch_.size(); ++i) {
        if (scratch_[i].size() < bytes) continue;
        std::swap(scratch_[i], scratch_[scratch_in_use_]);
        const vk::Memory& memory = scratch_[scratch_in_use_++];
        return {memory.address(), memory.address() + bytes};
    }
    scratch_.push_back(device_.allocator().take(vk::MemoryKind::device, bytes, "scratch memory of a program"));
    std::swap(scratch_.back(), scratch_[scratch_in_use_]);
    const vk::Memory& memory = scratch_[scratch_in_use_++];
    return {memory.address(), memory.address() + bytes};
}

void Recorder::add(const Kernel& kernel, std::span<const std::byte> params, Groups groups, std::span<const Access> reads,
                   std::span<const Access> writes, std::span<const uint32_t> push) {
    if (groups[0] == 0 || groups[1] == 0 || groups[2] == 0) return;  // nothing to compute
    for (size_t i = 0; i < 3; ++i)
        if (groups[i] > limits().maxComputeWorkGroupCount[i])
            plugin::throw_error(ErrorCode::unsupported, "{} work groups are more than the {} of this device", groups[i],
                                limits().maxComputeWorkGroupCount[i]);
    Dispatch dispatch{
        &device_.pipelines().get(kernel.shader, kernel.constants), params_.size(), groups, {}, {}, {}, kernel.texels};
    params_.resize((params_.size() + params.size() + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment);
    std::memcpy(params_.data() + dispatch.params, params.data(), params.size());
    for (const Access& access : reads) dispatch.reads.push_back(access.range);
    for (const Access& access : writes) dispatch.writes.push_back(access.range);
    dispatch.push.assign(push.begin(), push.end());
    dispatches_.push_back(std::move(dispatch));
}

std::unique_ptr<VulkanProgram> Recorder::finish() {
    vk::Memory params = device_.allocator().take(vk::MemoryKind::device, params_.size(), "the parameters of a program");
    device_.uploader().write(params, params_.size(), kBlockAlignment, [this](uint64_t first, std::span<std::byte> out) {
        std::memcpy(out.data(), params_.data() + first, out.size());
    });
    vk::Commands commands(device_.vk(), true);
    vk::TexelSets texels(device_.vk(), device_.pipelines().texels());
    for (const Dispatch& dispatch : dispatches_) {
        const uint64_t block = params.address() + dispatch.params;
        std::vector<uint32_t> push{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32)};
        push.insert(push.end(), dispatch.push.begin(), dispatch.push.end());
        commands.dispatch(*dispatch.pipeline, device_.pipelines().layout(), push, dispatch.groups, dispatch.reads,
                          dispatch.writes, dispatch.texels[0] ? texels.get(dispatch.texels) : VK_NULL_HANDLE);
    }
    commands.end();
    return std::make_unique<VulkanProgram>(device_, std::move(commands), std::move(params), std::move(scratch_),
                                           std::move(texels));
}

}  // namespace krait::vulkan
