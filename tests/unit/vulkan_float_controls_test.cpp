// SPDX-License-Identifier: Apache-2.0
//
// The execution mode that lets a shader keep f16 subnormals, put into a compiled module where SPIR-V wants it.
#include "backends/vulkan/vk/float_controls.hpp"
#include "tests/main/paths.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace krait::vulkan::vk {
namespace {

using Words = std::vector<uint32_t>;

// Instructions of a module, each with its words.
std::vector<Words> instructions(const Words& module) {
    std::vector<Words> found;
    for (size_t at = 5; at < module.size();) {
        const size_t n = module[at] >> 16;
        if (n == 0 || at + n > module.size()) {
            ADD_FAILURE() << "word " << at << " begins no instruction";
            break;
        }
        found.emplace_back(module.begin() + static_cast<ptrdiff_t>(at), module.begin() + static_cast<ptrdiff_t>(at + n));
        at += n;
    }
    return found;
}

TEST(VulkanFloatControls, EveryShaderDeclaresTheModeOnce) {
    size_t n_shaders = 0;
    for (const auto& file : std::filesystem::directory_iterator(test::kVulkanShaders)) {
        if (file.path().extension() != ".spv") continue;
        SCOPED_TRACE(file.path().string());
        ++n_shaders;
        Words module(std::filesystem::file_size(file) / 4);
        std::ifstream(file.path(), std::ios::binary)
            .read(reinterpret_cast<char*>(module.data()), static_cast<std::streamsize>(module.size() * 4));
        const std::vector<Words> before = instructions(module), after = instructions(with_half_subnormals(module));
        ASSERT_EQ(after.size(), before.size() + 3);

        // The old instructions are there in their order; new ones stand at the end of their section.
        std::vector<Words> rest, added;
        for (size_t i = 0; i < after.size(); ++i) {
            const uint32_t operation = after[i][0] & 0xffff;
            const bool is_new =
                (operation == 17 && after[i][1] == 4464) || (operation == 16 && after[i][2] == 4459) ||
                (operation == 10 && after[i][1] == 0x5f565053 && after[i].size() == 7 && after[i][4] == 0x6f635f74);
            if (!is_new) {
                rest.push_back(after[i]);
                continue;
            }
            added.push_back(after[i]);
            const uint32_t previous = after[i - 1][0] & 0xffff;
            // Modes follow the entry point; capabilities are together, and extensions come after them.
            EXPECT_EQ(previous, operation == 16 ? 15u : 17u) << operation;
        }
        EXPECT_EQ(rest, before);
        ASSERT_EQ(added.size(), 3u);
        const auto entry = std::find_if(before.begin(), before.end(), [](const Words& w) { return (w[0] & 0xffff) == 15; });
        ASSERT_NE(entry, before.end());
        EXPECT_EQ(added[2], (Words{4u << 16 | 16u, (*entry)[2], 4459u, 16u})) << "of main, for 16 bits";
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(&added[1][1])), "SPV_KHR_float_controls");
    }
    EXPECT_GT(n_shaders, 10u);
}

}  // namespace
}  // namespace krait::vulkan::vk
