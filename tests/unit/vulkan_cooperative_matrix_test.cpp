// SPDX-License-Identifier: Apache-2.0
//
// Cooperative matrices: which shape is taken of those that a device lists, and that a device uses them where it says so and
// refuses them with a reason elsewhere. The products themselves are the op tests' business.
#include "backends/vulkan/vk/cooperative_matrix.hpp"

#include <gtest/gtest.h>

#include "core/runtime/device.hpp"

namespace krait {
namespace {

using vulkan::vk::MatrixShape;

constexpr auto f16 = VK_COMPONENT_TYPE_FLOAT16_KHR, f32 = VK_COMPONENT_TYPE_FLOAT32_KHR;

VkCooperativeMatrixPropertiesKHR matrix(uint32_t m, uint32_t n, uint32_t k, VkComponentTypeKHR operands = f16,
                                        VkComponentTypeKHR sums = f32) {
    VkCooperativeMatrixPropertiesKHR of{};
    of.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    of.MSize = m, of.NSize = n, of.KSize = k;
    of.AType = of.BType = operands;
    of.CType = of.ResultType = sums;
    of.scope = VK_SCOPE_SUBGROUP_KHR;
    return of;
}

std::optional<MatrixShape> choose(std::vector<VkCooperativeMatrixPropertiesKHR> offered, uint32_t subgroup_size = 32) {
    return vulkan::vk::choose_matrix_shape(offered, subgroup_size);
}

TEST(VulkanCooperativeMatrix, TakesTheLargestShapeThatFits) {
    EXPECT_EQ(choose({matrix(16, 8, 8), matrix(16, 16, 16), matrix(16, 8, 16)}), (MatrixShape{16, 16, 16}));
    EXPECT_EQ(choose({matrix(8, 16, 16)}), (MatrixShape{8, 16, 16})) << "rows of x, outputs, columns: not the other way round";
    EXPECT_EQ(choose({matrix(8, 8, 8)}), (MatrixShape{8, 8, 8}));
    EXPECT_EQ(choose({matrix(64, 64, 16), matrix(16, 16, 16)}), (MatrixShape{16, 16, 16})) << "one for each subgroup at least";
    EXPECT_EQ(choose({matrix(64, 32, 16), matrix(16, 16, 16)}, 64), (MatrixShape{64, 32, 16})) << "there are two";
}

TEST(VulkanCooperativeMatrix, LeavesOutWhatTheKernelCannotUse) {
    EXPECT_EQ(choose({}), std::nullopt);
    EXPECT_EQ(choose({matrix(16, 16, 16, f16, f16)}), std::nullopt) << "sums of f16";
    EXPECT_EQ(choose({matrix(16, 16, 16, f32, f32)}), std::nullopt) << "operands of float32";
    EXPECT_EQ(choose({matrix(16, 16, 32)}), std::nullopt) << "16 columns may share a scale";
    EXPECT_EQ(choose({matrix(16, 16, 4)}), std::nullopt) << "less than a word of 16 bytes";
    EXPECT_EQ(choose({matrix(128, 16, 16)}), std::nullopt) << "larger than a tile";
    EXPECT_EQ(choose({matrix(12, 16, 16)}), std::nullopt) << "does not divide a tile";
    auto of_sums = matrix(16, 16, 16);
    of_sums.ResultType = f16;
    auto whole_group = matrix(16, 16, 16);
    whole_group.scope = static_cast<VkScopeKHR>(2);
    auto saturating = matrix(16, 16, 16);
    saturating.saturatingAccumulation = VK_TRUE;
    EXPECT_EQ(choose({of_sums, whole_group, saturating}), std::nullopt);
    EXPECT_EQ(choose({of_sums, matrix(16, 8, 8), whole_group, saturating}), (MatrixShape{16, 8, 8}));
}

TEST(VulkanCooperativeMatrix, SubgroupsShareATile) {
    using vulkan::vk::deal_tile;
    using vulkan::vk::MatrixRegion;
    constexpr uint32_t kTile = 64;
    for (const uint32_t m : {4u, 8u, 16u, 32u, 64u})
        for (const uint32_t n : {4u, 8u, 16u, 32u, 64u})
            for (const uint32_t subgroups : {2u, 4u, 8u, 16u}) {
                const auto own = deal_tile({m, n, 16}, kTile, subgroups);
                const uint32_t down = kTile / m, across = kTile / n;
                ASSERT_EQ(own.has_value(), down * across >= subgroups) << m << " x " << n << ", " << subgroups;
                if (!own) continue;
                // Every matrix once, by the formula of the shader.
                std::vector<uint32_t> times(down * across);
                const uint32_t side_by_side = across / own->columns;
                for (uint32_t s = 0; s < subgroups; ++s)
                    for (uint32_t i = 0; i < own->rows * own->columns; ++i) {
                        const uint32_t row = s / side_by_side * own->rows + i / own->columns,
                                       column = s % side_by_side * own->columns + i % own->columns;
                        ASSERT_TRUE(row < down && column < across) << m << " x " << n << ", " << subgroups;
                        ++times[row * across + column];
                    }
                EXPECT_EQ(times, std::vector<uint32_t>(down * across, 1)) << m << " x " << n << ", " << subgroups;
            }
    EXPECT_EQ(deal_tile({16, 16, 16}, kTile, 4), (MatrixRegion{2, 2}));
}

TEST(VulkanCooperativeMatrix, DeviceUsesThemOrSaysWhyNot) {
    const auto plugin = PluginRegistry::instance().find("vulkan");
    if (!plugin || (*plugin)->api().device_count() == 0) GTEST_SKIP() << "no Vulkan device";
    const auto plain = Device::open("vulkan0:cache=off");
    ASSERT_TRUE(plain) << plain.error().message;
    const std::string_view features = (*plain)->info().features;
    const bool has = features.find(" cooperative-matrix-") != std::string_view::npos;
    const auto opened = Device::open("vulkan0:cooperative_matrix=on:cache=off");
    if (has) {
        EXPECT_TRUE(opened) << opened.error().message;
        const auto without = Device::open("vulkan0:cooperative_matrix=on:subgroups=off:cache=off");
        ASSERT_FALSE(without);
        EXPECT_EQ(without.error().code, ErrorCode::unsupported);
        EXPECT_NE(without.error().message.find("subgroups"), std::string::npos) << without.error().message;
    } else {
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, ErrorCode::unsupported);
        EXPECT_NE(opened.error().message.find("cooperative"), std::string::npos) << opened.error().message;
    }
}

}  // namespace
}  // namespace krait
