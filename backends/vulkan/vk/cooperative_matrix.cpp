// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/cooperative_matrix.hpp"

#include <algorithm>
#include <bit>

namespace krait::vulkan::vk {

std::optional<MatrixShape> choose_matrix_shape(std::span<const VkCooperativeMatrixPropertiesKHR> offered,
                                               uint32_t subgroup_size) {
    // Scales are loaded in fours; 16 columns may share one.
    const auto fits = [](uint32_t size, uint32_t min, uint32_t max) {
        return std::has_single_bit(size) && size >= min && size <= max;
    };
    std::optional<MatrixShape> best;
    for (const VkCooperativeMatrixPropertiesKHR& of : offered) {
        if (of.AType != VK_COMPONENT_TYPE_FLOAT16_KHR || of.BType != VK_COMPONENT_TYPE_FLOAT16_KHR ||
            of.CType != VK_COMPONENT_TYPE_FLOAT32_KHR || of.ResultType != VK_COMPONENT_TYPE_FLOAT32_KHR ||
            of.scope != VK_SCOPE_SUBGROUP_KHR || of.saturatingAccumulation)
            continue;
        if (!fits(of.MSize, 4, kMatrixTile) || !fits(of.NSize, 4, kMatrixTile) || !fits(of.KSize, 8, 16)) continue;
        const auto products = [](const MatrixShape& s) { return s.m * s.n * s.k; };
        const MatrixShape shape{of.MSize, of.NSize, of.KSize};
        if (!deal_tile(shape, kMatrixTile, kMatrixLanes / subgroup_size)) continue;
        if (!best || products(shape) > products(*best)) best = shape;
    }
    return best;
}

std::optional<MatrixRegion> deal_tile(const MatrixShape& shape, uint32_t tile, uint32_t n_subgroups) {
    const uint32_t down = tile / shape.m, across = tile / shape.n;
    if (down * across < n_subgroups) return std::nullopt;
    const uint32_t own = down * across / n_subgroups;
    uint32_t columns = 1;
    while (columns * columns < own) columns *= 2;
    columns = std::clamp(columns, std::max(own / down, 1u), across);
    return MatrixRegion{own / columns, columns};
}

}  // namespace krait::vulkan::vk
