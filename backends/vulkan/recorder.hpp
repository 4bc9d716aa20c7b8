// SPDX-License-Identifier: Apache-2.0
//
// The recorder, which an op's host side (ops/<op>.cpp) is given to record its work with, once, when a program is made:
//
//     void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Recorder& recorder) {
//         AddParams params{...};                                     // ops/add_params.h, which the shader includes too
//         recorder.dispatch({shaders::add, {kGroupSize, recorder.subgroup_size()}}, params, groups);
//     }
//
// A dispatch gets the address of its parameters as push constant, and nothing else is bound: everything that a shader reads is
// found by the addresses in there. Barriers come by themselves: a dispatch is taken to touch all operands of its node, and the
// scratch that the node has taken so far, so there is nothing that an op could forget to name.
#pragma once

#include "backends/common/op_table.hpp"
#include "backends/vulkan/constant.hpp"
#include "backends/vulkan/shaders/interface.h"
#include "backends/vulkan/vk/commands.hpp"
#include "backends/vulkan/vk/texel_sets.hpp"

namespace krait {
struct OpSpec;
}

namespace krait::vulkan {

using plugin::Tensor;

class VulkanDevice;
class VulkanProgram;

inline uint64_t address(const Tensor& t) { return reinterpret_cast<uint64_t>(t.data); }  // 0 = absent
// An absent operand has the address of another: Mesa 26 on processors reads once what a loop would read that has no turns.
inline uint64_t address_or(const Tensor& t, const Tensor& other) { return t ? address(t) : address(other); }
inline Rows rows(const Tensor& t) { return {address(t), static_cast<uint64_t>(t ? t.desc.stride[0] : 0)}; }
// Pages have no gaps: rows count through all of them.
inline Rows rows_of_pages(const Tensor& pages) {
    return {address(pages), static_cast<uint64_t>(row_bytes(pages.dtype(), pages.extent(2)))};
}
inline const MemoryPool& memory_pool(const Tensor& memory) { return static_cast<const MemoryPool&>(*memory.buffer); }
inline const Constant& constant(const Tensor& weight) { return static_cast<const Constant&>(*weight.buffer); }

struct Kernel {
    const vk::Shader& shader;
    // constant_id 0: work-group size; 1: subgroup size (1 = no subgroups); from 2 on the shader's own.
    std::vector<uint32_t> constants;
    vk::TexelBuffers texels{};  // of shaders that read texel buffers, Memory::texels
};

// The ranges of device addresses that a step reads and writes.
struct Accesses {
    std::vector<vk::AddressRange> reads, writes;
};

// Those of a node, by the specification of its op. A value's range begins at its view and ends behind the view's last byte; any
// unit of a memory may be read and written. Nobody writes constants, so they have none.
Accesses accesses_of(const OpSpec& spec, std::span<const Tensor> in, std::span<const Tensor> out);

using Groups = std::array<uint32_t, 3>;

class Recorder final : public plugin::KernelContext {
  public:
    explicit Recorder(VulkanDevice& device) : device_(device) {}

    // -- the device, as shaders may use it --
    const vk::Device& device() const;
    bool subgroups() const { return device().subgroups(); }
    uint32_t subgroup_size() const { return device().subgroup_size(); }  // 1 where subgroups are off
    const VkPhysicalDeviceLimits& limits() const { return device().physical().properties.limits; }
    bool integer_dot() const { return device().integer_dot(); }
    const std::optional<vk::MatrixShape>& matrices() const { return device().matrices(); }
    uint32_t max_lanes() const { return device().max_lanes(); }  // of a work group; at least 128
    bool is_cpu() const { return !device().lanes_are_cheap(); }

    // n work groups as a grid within the device's limits; the shader takes group_index() of krait.glsl and compares it with n.
    Groups groups(uint64_t n) const;
    // across * n of them: across along x, n along y and z.
    Groups groups(uint64_t n, uint32_t across) const;

    // table: entries that the shader finds behind the block (KRAIT_PARAMS_AND_TABLE), of an alignment that sizeof(Params) has.
    template <class Params>
    void dispatch(const Kernel& kernel, const Params& params, Groups groups, std::span<const std::byte> table = {}) {
        static_assert(std::is_trivially_copyable_v<Params>);
        add(kernel, std::as_bytes(std::span(&params, 1)), table, groups);
    }

    // Device memory for what passes between the dispatches of one node: all that follow are taken to read and write it.
    // Contents are undefined at the node's start.
    vk::AddressRange scratch(uint64_t bytes);

    // -- for VulkanDevice --
    void begin_node(Accesses of_operands) {
        scratch_in_use_ = 0;
        node_ = std::move(of_operands);
    }
    std::unique_ptr<VulkanProgram> finish();

  private:
    struct Dispatch {
        const vk::Pipeline* pipeline;
        uint64_t params;  // offset of the block
        Groups groups;
        Accesses accesses;
        vk::TexelBuffers texels;
    };
    void add(const Kernel& kernel, std::span<const std::byte> params, std::span<const std::byte> table, Groups groups);

    VulkanDevice& device_;
    std::vector<Dispatch> dispatches_;
    std::vector<std::byte> params_;
    Accesses node_;  // of the one at hand
    std::vector<vk::Memory> scratch_;
    size_t scratch_in_use_ = 0;
};

}  // namespace krait::vulkan
