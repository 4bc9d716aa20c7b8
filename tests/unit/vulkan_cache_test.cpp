// SPDX-License-Identifier: Apache-2.0
//
// The file of compiled shaders: written when a device is closed, read by the next one, and of no harm when it is damaged. Skipped
// where there is no Vulkan driver.
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "core/runtime/device.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

class VulkanCache : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / fmt::format("krait-vulkan-cache-{}", getpid());
        fs::remove_all(folder_);
        const auto plugin = PluginRegistry::instance().find("vulkan");
        if (!plugin || (*plugin)->api().device_count() == 0) GTEST_SKIP() << "no Vulkan device";
    }
    void TearDown() override { fs::remove_all(folder_); }

    void open_and_close(const fs::path& folder) {
        const auto device = Device::open("vulkan0:cache=" + folder.string());
        EXPECT_TRUE(device) << device.error().message;
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
        return found;
    }

    fs::path folder_;
};

TEST_F(VulkanCache, IsWrittenOnceForADevice) {
    open_and_close(folder_);
    open_and_close(folder_);
    ASSERT_EQ(files().size(), 1u) << "one file, and no temporary one";
    EXPECT_TRUE(files()[0].filename().string().starts_with("vulkan-")) << files()[0];
    EXPECT_GT(fs::file_size(files()[0]), 24u);
}

TEST_F(VulkanCache, DamageIsIgnoredAndMended) {
    open_and_close(folder_);
    const fs::path file = files().at(0);
    const auto size = fs::file_size(file);
    const auto damage = [&](auto&& change) {
        change();
        open_and_close(folder_);
        EXPECT_EQ(fs::file_size(file), size) << "it was written again";
    };
    damage([&] { fs::resize_file(file, size - 1); });
    damage([&] { fs::resize_file(file, 0); });
    damage([&] { std::ofstream(file, std::ios::binary) << std::string(1000, 'x'); });
}

TEST_F(VulkanCache, NoTemporaryFileStays) {
    open_and_close(folder_);
    const fs::path file = files().at(0);
    fs::remove(file);
    fs::create_directories(file / "a folder that is not empty cannot be replaced");
    open_and_close(folder_);
    EXPECT_EQ(files(), std::vector<fs::path>{file});
}

TEST_F(VulkanCache, AFolderThatCannotBeWrittenIsNoError) {
    std::ofstream(folder_.string()) << "a file where the folder should be";
    open_and_close(folder_);
}

}  // namespace
}  // namespace krait
