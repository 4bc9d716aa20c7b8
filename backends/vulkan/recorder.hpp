// SPDX-License-Identifier: Apache-2.0
//
// What an op's host side (ops/<op>.cpp) is given to record its work with, once, when a program is made:
//
//     void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Recorder& recorder) {
//         AddParams params{...};                                     // ops/add_params.h, which the shader includes too
//         recorder.dispatch({shaders::add, {kGroupSize, recorder.subgroup_size()}}, params, groups, {in.a, in.b}, {out.y});
//     }
//
// A dispatch gets the address of its parameters as push constant, and nothing else is bound: everything that a shader reads is
// found by the addresses in there. Barriers come by themselves, from what dispatches read and write.
#pragma once

#include <initializer_list>

#include "backends/common/op_table.hpp"
#include "backends/vulkan/constant.hpp"
#include "backends/vulkan/shaders/interface.h"
#include "backends/vulkan/vk/commands.hpp"
#include "backends/vulkan/vk/texel_sets.hpp"

namespace krait::vulkan {

using plugin::Tensor;

class VulkanDevice;
class VulkanProgram;

inline uint64_t address(const Tensor& t) { return reinterpret_cast<uint64_t>(t.data); }  // 0 = absent
inline Rows rows(const Tensor& t) { return {address(t), static_cast<uint64_t>(t ? t.desc.stride[0] : 0)}; }
inline const StatePool& state_pool(const Tensor& state) { return static_cast<const StatePool&>(*state.buffer); }
inline const Constant& constant(const Tensor& weight) { return static_cast<const Constant&>(*weight.buffer); }

struct Kernel {
    const vk::Shader& shader;
    // constant_id 0: work-group size; 1: subgroup size (1 = no subgroups); from 2 on the shader's own.
    std::vector<uint32_t> constants;
    vk::TexelBuffers texels{};  // of shaders that read texel buffers, Memory::texels
};

// A range of device addresses that a dispatch reads or writes: an operand's, or scratch.
struct Access {
    Access(const Tensor& t);  // NOLINT: meant to convert. Absent operands and constants, which nobody writes, are empty.
    Access(vk::AddressRange its_range) : range(its_range) {}  // NOLINT
    vk::AddressRange range;
};

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
    bool is_cpu() const { return !device().lanes_are_cheap(); }

    // n work groups as a grid within the device's limits; the shader takes group_index() of krait.glsl and compares it with n.
    Groups groups(uint64_t n) const;

    // push: words behind the address of the parameters, for dispatches that share one block (KRAIT_PUSH of krait.glsl).
    template <class Params>
    void dispatch(const Kernel& kernel, const Params& params, Groups groups, std::initializer_list<Access> reads,
                  std::initializer_list<Access> writes, std::initializer_list<uint32_t> push = {}) {
        static_assert(std::is_trivially_copyable_v<Params>);
        add(kernel, std::as_bytes(std::span(&params, 1)), groups, reads, writes, push);
    }

    // Device memory for what passes between the dispatches of one node. Contents are undefined at its start.
    vk::AddressRange scratch(uint64_t bytes);

    // -- for VulkanDevice --
    void begin_node() { scratch_in_use_ = 0; }
    std::unique_ptr<VulkanProgram> finish();

  private:
    struct Dispatch {
        const vk::Pipeline* pipeline;
        uint64_t params;  // offset of the block
        Groups groups;
        std::vector<vk::AddressRange> reads, writes;
        std::vector<uint32_t> push;
        vk::TexelBuffers texels;
    };
    void add(const Kernel& kernel, std::span<const std::byte> params, Groups groups, std::span<const Access> reads,
             std::span<const Access> writes, std::span<const uint32_t> push);

    VulkanDevice& device_;
    std::vector<Dispatch> dispatches_;
    std::vector<std::byte> params_;
    std::vector<vk::Memory> scratch_;
    size_t scratch_in_use_ = 0;
};

}  // namespace krait::vulkan
