// SPDX-License-Identifier: Apache-2.0
//
// The file of compiled shaders: written when a device is closed, read by the next one, and of no harm when it is damaged.
// Skipped where there is no Vulkan driver.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "core/ops/op_list.hpp"
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

    // Opens a device, compiles the shader of `op` where one is named, closes it.
    void open_and_close(const fs::path& folder, std::optional<OpId> op = {}) {
        const auto device = Device::open("vulkan0:cache=" + folder.string());
        ASSERT_TRUE(device) << device.error().message;
        if (!op) return;
        const auto memory = (*device)->create_buffer(KRAIT_BUFFER_DEVICE, 1024);
        ASSERT_TRUE(memory) << memory.error().message;
        const krait_graph_tensor tensors[] = {
            {make_desc(DType::F32, {1, 64}), KRAIT_TENSOR_VALUE, -1, memory->get(), 0, "x"},
            {make_desc(DType::F32, {1, 64}), KRAIT_TENSOR_VALUE, -1, memory->get(), 512, "y"}};
        const ops::ScaleParams scale{2, 1};
        krait_graph_node node{};
        std::fill(std::begin(node.in), std::end(node.in), -1);
        std::fill(std::begin(node.out), std::end(node.out), -1);
        node.op = static_cast<uint32_t>(*op);
        node.in[0] = 0;
        node.out[0] = 1;
        if (*op == OpId::scale) node.params = &scale, node.params_size = sizeof scale;
        node.name = "node";
        const krait_graph graph{.struct_size = sizeof graph, .n_tensors = 2, .tensors = tensors, .n_nodes = 1, .nodes = &node};
        const auto program = (*device)->create_program(graph);
        EXPECT_TRUE(program) << program.error().message;
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
        return found;
    }

    fs::path folder_;
};

TEST_F(VulkanCache, IsWrittenWhenSomethingNewWasCompiledAndNotElse) {
    open_and_close(folder_, OpId::scale);
    ASSERT_EQ(files().size(), 1u) << "one file, and no temporary one";
    const fs::path file = files()[0];
    EXPECT_TRUE(file.filename().string().starts_with("vulkan-")) << file;
    const auto with_one = fs::file_size(file);
    EXPECT_GT(with_one, 24u);

    // A file that is written again is another one, under the same name.
    const auto identity = [&] {
        struct stat now {};
        EXPECT_EQ(stat(file.c_str(), &now), 0);
        return std::tuple(now.st_ino, now.st_mtim.tv_sec, now.st_mtim.tv_nsec);
    };
    const auto first = identity();
    open_and_close(folder_, OpId::scale);
    EXPECT_EQ(identity(), first) << "the shader came from the file";
    open_and_close(folder_);
    EXPECT_EQ(identity(), first);

    // lavapipe compiles anew each time: what it gives to keep is its head of 32 bytes, behind the file's of 24.
    if (with_one <= 24 + 32) return;
    open_and_close(folder_, OpId::copy);
    EXPECT_NE(identity(), first) << "another shader was compiled";
    EXPECT_GT(fs::file_size(file), with_one) << "both are in it";
    EXPECT_EQ(files().size(), 1u);
}

TEST_F(VulkanCache, DamageIsIgnoredAndMended) {
    open_and_close(folder_, OpId::scale);
    const fs::path file = files().at(0);
    const auto size = fs::file_size(file);
    const auto damage = [&](auto&& change) {
        change();
        open_and_close(folder_, OpId::scale);
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
