// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/recorder.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

#include "backends/vulkan/vulkan_device.hpp"
#include "backends/vulkan/vulkan_program.hpp"
#include "core/ops/op_list.hpp"

namespace krait::vulkan {
namespace {

// A block of parameters starts at a multiple of it: a shader may load it by wide vectors.
constexpr uint64_t kBlockAlignment = 64;

// n as columns and lines of a grid, of which there are at most most[0] and most[1].
std::array<uint32_t, 2> grid_of(uint64_t n, const uint32_t* limit) {
    if (n <= limit[0]) return {static_cast<uint32_t>(n), 1};
    // 65,535 columns, which every device has, and as many lines as it takes.
    const uint64_t columns = std::min<uint64_t>(limit[0], 65535), lines = (n + columns - 1) / columns;
    if (lines > limit[1])
        plugin::throw_error(ErrorCode::unsupported, "{} work groups are more than this device runs at once", n);
    return {static_cast<uint32_t>(columns), static_cast<uint32_t>(lines)};
}

}  // namespace

Accesses accesses_of(const OpSpec& spec, std::span<const Tensor> in, std::span<const Tensor> out) {
    const auto range_of = [](const Tensor& t) {
        const uint64_t bytes = t.role == KRAIT_TENSOR_MEMORY ? memory_buffer(*t.buffer).memory().size()
                                                             : static_cast<uint64_t>(span_bytes(t.desc));
        return vk::AddressRange{address(t), address(t) + bytes};
    };
    Accesses accesses;
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        if (!in[i] || in[i].role == KRAIT_TENSOR_CONSTANT) continue;
        accesses.reads.push_back(range_of(in[i]));
        if (is_memory(spec.inputs[i].kind)) accesses.writes.push_back(range_of(in[i]));
    }
    for (size_t i = 0; i < spec.outputs.size(); ++i)
        if (out[i]) accesses.writes.push_back(range_of(out[i]));
    return accesses;
}

const vk::Device& Recorder::device() const { return device_.vk(); }

Groups Recorder::groups(uint64_t n) const {
    const auto [columns, lines] = grid_of(n, limits().maxComputeWorkGroupCount);
    return {columns, lines, 1};
}

Groups Recorder::groups(uint64_t n, uint32_t across) const {
    const auto [columns, lines] = grid_of(n, limits().maxComputeWorkGroupCount + 1);
    return {across, columns, lines};
}

vk::AddressRange Recorder::scratch(uint64_t bytes) {
    // The nodes of a program take turns with the same memory: hazards are found by address.
    size_t at = scratch_in_use_;
    while (at < scratch_.size() && scratch_[at].size() < bytes) ++at;
    if (at == scratch_.size())
        scratch_.push_back(device_.allocator().take(vk::MemoryKind::device, bytes, "scratch memory of a program"));
    std::swap(scratch_[at], scratch_[scratch_in_use_]);
    const vk::Memory& memory = scratch_[scratch_in_use_++];
    const vk::AddressRange range{memory.address(), memory.address() + bytes};
    node_.reads.push_back(range);
    node_.writes.push_back(range);
    return range;
}

void Recorder::add(const Kernel& kernel, std::span<const std::byte> params, std::span<const std::byte> table, Groups groups) {
    if (groups[0] == 0 || groups[1] == 0 || groups[2] == 0) return;  // nothing to compute
    for (size_t i = 0; i < 3; ++i)
        if (groups[i] > limits().maxComputeWorkGroupCount[i])
            plugin::throw_error(ErrorCode::unsupported, "{} work groups are more than the {} of this device", groups[i],
                                limits().maxComputeWorkGroupCount[i]);
    const Dispatch dispatch{&device_.pipelines().get(kernel.shader, kernel.constants), params_.size(), groups, node_,
                            kernel.texels};
    params_.insert(params_.end(), params.begin(), params.end());
    params_.insert(params_.end(), table.begin(), table.end());
    params_.resize((params_.size() + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment);
    dispatches_.push_back(dispatch);
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
        commands.dispatch(*dispatch.pipeline, device_.pipelines().layout(), block, dispatch.groups, dispatch.accesses.reads,
                          dispatch.accesses.writes, dispatch.texels[0] ? texels.get(dispatch.texels) : VK_NULL_HANDLE);
    }
    commands.end();
    plugin::log(KRAIT_LOG_DEBUG,
                fmt::format("a program of {} dispatches with {} barriers", dispatches_.size(), commands.n_barriers()));
    return std::make_unique<VulkanProgram>(device_, std::move(commands), std::move(params), std::move(scratch_),
                                           std::move(texels));
}

}  // namespace krait::vulkan
