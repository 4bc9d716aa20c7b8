// SPDX-License-Identifier: Apache-2.0
//
// A VkDevice with one queue, and its functions. Owns its instance. Threads: submit() guards the queue; the rest is for
// anybody.
#pragma once

#include <atomic>
#include <memory>

#include "backends/vulkan/vk/physical_device.hpp"

namespace krait::vulkan::vk {

struct DeviceSettings {
    bool validation = false;
    bool subgroups = true;                   // false: shaders without subgroup operations, as on a device that has none
    uint32_t subgroup_size = 0;              // 0 = the device's own
    std::optional<bool> integer_dot;         // quantized products in integers; none = where the device is made for it
    std::optional<bool> cooperative_matrix;  // products by cooperative matrices; none = on GPUs that have them
    bool gpu_kernels = false;                // kernels for GPUs even where the device is a processor: to test them there
    bool staging = false;                    // device memory is not mapped, even where the host sees it: as on a card
    // Tests: replaces functions of the driver by some that fail.
    void (*replace_functions)(DeviceTable&) = nullptr;
};

// Lanes of a work group that Vulkan guarantees, and that kernels count on.
inline constexpr uint32_t kMinLanes = 128;

class Device {
  public:
    // index: among usable_devices(). Throws UNAVAILABLE, UNSUPPORTED or INVALID_ARGUMENT with the reason.
    Device(uint32_t index, const DeviceSettings& settings);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    VkDevice get() const { return handle_; }
    const DeviceTable& fn() const { return fn_; }
    const PhysicalDevice& physical() const { return physical_; }
    Instance& instance() { return instance_; }

    // The features that shaders may use: the device's features, less what the settings switch off.
    bool subgroups() const { return subgroups_; }
    bool lanes_are_cheap() const { return gpu_kernels_ || !physical_.is_cpu(); }
    // Whether loads through texel buffers are better than those by address: true of processors that play GPU.
    bool texel_loads() const { return !lanes_are_cheap(); }
    // Quantized products are sums of integers, of x rounded to 8 bits.
    bool integer_dot() const { return integer_dot_; }
    // The shape of cooperative matrices, for products of many rows; none = they are not to be used.
    const std::optional<MatrixShape>& matrices() const { return matrices_; }
    uint32_t subgroup_size() const { return subgroup_size_; }  // of every shader that uses subgroups
    bool subgroup_size_is_required() const { return require_subgroup_size_; }
    bool staging() const { return staging_; }  // the host shall not see device memory
    uint32_t max_lanes() const;                // of a work group; at least kMinLanes

    bool lost() const { return lost_; }
    // Throws DEVICE_LOST once the device is gone, and INTERNAL with what the validation layer has said since the last call.
    void ensure_healthy();
    // As vk::check; remembers a loss.
    void check(VkResult result, std::string_view what);

    void submit(const VkSubmitInfo& info);
    uint64_t memory_free() const { return physical_.memory_free(instance_); }

  private:
    void create(const DeviceSettings& settings);
    std::string why_no_matrices() const;

    Instance instance_;
    PhysicalDevice physical_;
    bool subgroups_ = false;
    bool gpu_kernels_ = false;
    bool staging_ = false;
    bool require_subgroup_size_ = false;
    bool integer_dot_ = false;
    std::optional<MatrixShape> matrices_;
    uint32_t subgroup_size_ = 1;
    VkDevice handle_ = VK_NULL_HANDLE;
    DeviceTable fn_;
    VkQueue queue_ = VK_NULL_HANDLE;
    std::mutex queue_mutex_;
    std::atomic<bool> lost_{false};
};

}  // namespace krait::vulkan::vk
