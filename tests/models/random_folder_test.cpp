// SPDX-License-Identifier: Apache-2.0
//
// Random models as folders of Hugging Face: the same weights as in the GGUF file of the same seed, and nothing left of one that
// stopped.
#include "models/random/random_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "formats/open_model.hpp"
#include "formats/safetensors/safetensors_file.hpp"
#include "formats/safetensors/safetensors_writer.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

class RandomFolder : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        root_ = fs::path(testing::TempDir()) / ("krait-random-folder-" + std::to_string(::getpid()));
        fs::create_directory(root_);
    }
    void TearDown() override { fs::remove_all(root_); }

    static RandomModelOptions tiny(std::string_view like) {
        RandomModelOptions options;
        auto sizes = published_sizes(like);
        EXPECT_TRUE(sizes);
        options.sizes = *sizes;
        options.sizes.set_d_model(64);
        options.sizes.n_layer = 2;
        options.sizes.n_vocab = 400;
        options.seed = 7;
        return options;
    }
    fs::path root_;
};

TEST_P(RandomFolder, HasTheWeightsOfTheGgufFile) {
    for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
        RandomModelOptions options = tiny(GetParam());
        options.scheme.body = dtype;
        options.scheme.pure = true;
        options.scheme.head = dtype;
        const auto file_report = write_random_model(root_ / "model.gguf", options);
        ASSERT_TRUE(file_report) << file_report.error().message;
        options.scheme.head.reset();
        const fs::path folder = root_ / std::string(dtype_name(dtype));
        const auto report = write_random_folder(folder, options);
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(report->n_weight, file_report->n_weight);

        const auto stored = SafetensorsFile::open(folder / "model.safetensors");
        ASSERT_TRUE(stored) << stored.error().message;
        const bool is_mamba2 = options.sizes.architecture == "mamba2";
        EXPECT_EQ(stored->find_tensor("backbone.layers.1.mixer.conv1d.weight")->extents.size(), 3u);
        EXPECT_EQ(stored->find_tensor("backbone.layers.1.mixer.A_log")->extents.size(), is_mamba2 ? 1u : 2u);
        EXPECT_EQ(stored->find_tensor("backbone.layers.0.mixer.D")->extents.size(), 1u);

        const auto from_file = open_model(root_ / "model.gguf", {});
        const auto from_folder = open_model(folder, {});
        ASSERT_TRUE(from_file) << from_file.error().message;
        ASSERT_TRUE(from_folder) << from_folder.error().message;
        ASSERT_EQ((*from_folder)->tensors().size(), (*from_file)->tensors().size());
        for (const GgufTensor& tensor : (*from_file)->tensors()) {
            const GgufTensor* other = (*from_folder)->find_tensor(tensor.name);
            ASSERT_TRUE(other) << tensor.name;
            ASSERT_EQ(to_string(other->desc), to_string(tensor.desc)) << tensor.name;
            std::vector<std::byte> left(tensor.size), right(other->size);
            ASSERT_TRUE((*from_file)->read_part(tensor, 0, left));
            ASSERT_TRUE((*from_folder)->read_part(*other, 0, right));
            if (!tensor.name.ends_with("ssm_a")) {
                EXPECT_EQ(left, right) << tensor.name;
                continue;
            }
            for (size_t at = 0; at < left.size(); at += sizeof(float)) {
                float a = 0, b = 0;
                std::memcpy(&a, &left[at], sizeof a);
                std::memcpy(&b, &right[at], sizeof b);
                EXPECT_NEAR(a / b, 1, 1e-6) << tensor.name;  // it went through the logarithm
            }
        }
    }
}

TEST_P(RandomFolder, LeavesNothingBehindWhereItStops) {
    RandomModelOptions options = tiny(GetParam());
    const std::atomic<bool> cancel = true;
    options.cancel = &cancel;
    const auto stopped = write_random_folder(root_ / "new", options);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
    EXPECT_FALSE(fs::exists(root_ / "new"));
    fs::create_directory(root_ / "empty");
    EXPECT_FALSE(write_random_folder(root_ / "empty", options));
    EXPECT_TRUE(fs::is_empty(root_ / "empty"));
}

TEST_P(RandomFolder, RefusesWhatItCannotHold) {
    RandomModelOptions options = tiny(GetParam());
    const auto says = [&](const fs::path& folder, const char* words) {
        const auto refused = write_random_folder(folder, options);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find(words), std::string::npos) << refused.error().message;
    };
    options.scheme.body = DType::Q4_K;
    says(root_ / "a", "hold F32, F16 or BF16");
    EXPECT_FALSE(fs::exists(root_ / "a"));
    options.scheme.body = DType::F32;
    std::ofstream(root_ / "file") << "x";
    says(root_ / "file", "cannot be made");
    says(root_, "is no empty folder");
    says(root_ / "none" / "a", "cannot be made");
    if (options.sizes.architecture == "mamba2") {
        options.sizes.d_inner = 96;
        options.sizes.n_head = 3;
        says(root_ / "a", "no multiple of d_model");
    }
    options.sizes.n_layer = 0;
    says(root_ / "a", "layers is 0");
}

INSTANTIATE_TEST_SUITE_P(Like, RandomFolder, testing::Values("mamba-130m", "falcon-mamba-7b", "mamba2-130m"),
                         [](const auto& test) {
                             std::string name = test.param;
                             for (char& c : name)
                                 if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                             return name;
                         });

TEST(SafetensorsWriter, TakesTensorsInTheirOrderAndWhole) {
    const fs::path path = fs::path(testing::TempDir()) / ("krait-writer-" + std::to_string(::getpid()) + ".safetensors");
    const std::vector<std::byte> bytes(24, std::byte{5});
    const std::vector<int64_t> extents{2, 3};
    {
        auto writer = SafetensorsWriter::create(path);
        ASSERT_TRUE(writer) << writer.error().message;
        ASSERT_TRUE(writer->declare("a", DType::F32, extents));
        ASSERT_TRUE(writer->declare("b", DType::BF16, extents));
        EXPECT_FALSE(writer->declare("b\"", DType::F32, extents));
        EXPECT_FALSE(writer->declare("c", DType::Q8_0, extents));
        EXPECT_FALSE(writer->write_part("b", std::span(bytes).first(12))) << "a comes first";
        ASSERT_TRUE(writer->write_part("a", std::span(bytes).first(10)));
        ASSERT_TRUE(writer->write_part("a", std::span(bytes).subspan(10)));
        ASSERT_TRUE(writer->write_part("b", std::span(bytes).first(12)));
        ASSERT_TRUE(writer->finish());
    }
    const auto file = SafetensorsFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(file->tensors().size(), 2u);
    EXPECT_EQ(file->tensors()[1].size, 12u);
    {
        auto writer = SafetensorsWriter::create(path);
        ASSERT_TRUE(writer);
        ASSERT_TRUE(writer->declare("a", DType::F32, extents));
        ASSERT_TRUE(writer->write_part("a", std::span(bytes).first(10)));
        EXPECT_FALSE(writer->finish()) << "14 bytes are missing";
    }
    EXPECT_TRUE(SafetensorsFile::open(path)) << "the file from before";
    fs::remove(path);
}

}  // namespace
}  // namespace krait
