// SPDX-License-Identifier: Apache-2.0
//
// Cooperative matrices (VK_KHR_cooperative_matrix): products of small matrices that the lanes of a subgroup hold together, by
// the units that GPUs have for them. What a device offers is a list of shapes; ops/mul_mat_matrix_tiled.comp takes one of them.
#pragma once

#include <optional>
#include <span>

#include "backends/vulkan/vk/loader.hpp"

// Headers of before 1.3.255, Debian 12's for one, do not know the extension: the part of it that is used here.
#ifndef VK_KHR_cooperative_matrix
#define VK_KHR_cooperative_matrix 1
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"

inline constexpr auto VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR = VkStructureType(1000506000);
inline constexpr auto VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR = VkStructureType(1000506001);
inline constexpr auto VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR = VkStructureType(1000506002);

enum VkComponentTypeKHR : int32_t { VK_COMPONENT_TYPE_FLOAT16_KHR = 0, VK_COMPONENT_TYPE_FLOAT32_KHR = 1 };
enum VkScopeKHR : int32_t { VK_SCOPE_SUBGROUP_KHR = 3 };

struct VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
    VkStructureType sType;
    void* pNext;
    VkBool32 cooperativeMatrix;
    VkBool32 cooperativeMatrixRobustBufferAccess;
};

struct VkPhysicalDeviceCooperativeMatrixPropertiesKHR {
    VkStructureType sType;
    void* pNext;
    VkShaderStageFlags cooperativeMatrixSupportedStages;
};

struct VkCooperativeMatrixPropertiesKHR {
    VkStructureType sType;
    void* pNext;
    uint32_t MSize, NSize, KSize;
    VkComponentTypeKHR AType, BType, CType, ResultType;
    VkBool32 saturatingAccumulation;
    VkScopeKHR scope;
};

using PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR = VkResult(VKAPI_PTR*)(VkPhysicalDevice, uint32_t*,
                                                                                   VkCooperativeMatrixPropertiesKHR*);
#endif

namespace krait::vulkan::vk {

// Whether this build has shaders with cooperative matrices: it needs a compiler that knows GL_KHR_cooperative_matrix.
inline constexpr bool kCooperativeMatrixShaders = KRAIT_COOPERATIVE_MATRIX;

// The kernel computes tiles of so many results squared, with so many lanes.
inline constexpr uint32_t kMatrixTile = 64, kMatrixLanes = 2 * kMatrixTile;

// A product of m x k by k x n: f16, with sums in float32.
struct MatrixShape {
    uint32_t m = 0, n = 0, k = 0;
    bool operator==(const MatrixShape&) const = default;
};

// The largest of the shapes that the kernel can take with subgroups of this size: halves with float32 sums, held by a subgroup,
// of powers of two that divide its tiles and 16 columns, so many that each subgroup has one. None: there is no such.
std::optional<MatrixShape> choose_matrix_shape(std::span<const VkCooperativeMatrixPropertiesKHR> offered,
                                               uint32_t subgroup_size);

// The matrices of a tile of results that one subgroup holds: so many down (rows of x) by so many across (outputs).
struct MatrixRegion {
    uint32_t rows = 0, columns = 0;
    bool operator==(const MatrixRegion&) const = default;
};

// Deals a tile of `tile` x `tile` results to n subgroups, all numbers powers of two: regions as square as can be, so that what
// a subgroup loads is used often. Subgroup s has region s % k of row s / k, k regions being side by side. None: more subgroups
// than matrices.
std::optional<MatrixRegion> deal_tile(const MatrixShape& shape, uint32_t tile, uint32_t n_subgroups);

}  // namespace krait::vulkan::vk
