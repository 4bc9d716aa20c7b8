// SPDX-License-Identifier: Apache-2.0
//
// Files that torch.save has written, and 1499 pickles with a byte changed, against what torch.load makes of them.
// data/torch/make_torch_golden.py makes the data.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors_file.hpp"
#include "tests/models/checkpoint_fixture.hpp"
#include "tests/models/torch_bytes.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

using test::contents;
using test::hexadecimal;

fs::path data_path(const std::string& name) { return test::checkpoint_path("torch", name); }

std::vector<std::byte> data_of(const CheckpointFile& file, const CheckpointTensor& tensor) {
    std::vector<std::byte> bytes(tensor.size);
    const Result<void> read = file.read_part(tensor, 0, bytes);
    EXPECT_TRUE(read) << read.error().message;
    return bytes;
}

void expect_as_written(const CheckpointFile& file, const nlohmann::json& expected) {
    EXPECT_EQ(file.tensors().size(), expected.size());
    for (const auto& [name, what] : expected.items()) {
        const auto found = file.tensor(name);
        ASSERT_TRUE(found) << found.error().message;
        const CheckpointTensor& t = **found;
        EXPECT_EQ(checkpoint_type_name(t.type), what["dtype"].get<std::string>());
        EXPECT_EQ(t.extents, what["shape"].get<std::vector<int64_t>>());
        const std::vector<std::byte> bytes = data_of(file, t);
        EXPECT_EQ(hexadecimal(bytes), what["data"].get<std::string>()) << name;
        const bool has_bytes = !file.shards()[t.shard].is_read() && t.strides.empty();
        EXPECT_TRUE(has_bytes ? std::ranges::equal(t.bytes, bytes) : t.bytes.empty()) << name;
        for (size_t begin = 0; begin < bytes.size(); ++begin)
            for (const size_t size : {size_t{1}, size_t{5}, bytes.size() - begin}) {
                if (size > bytes.size() - begin) continue;
                std::vector<std::byte> part(size);
                ASSERT_TRUE(file.read_part(t, begin, part));
                ASSERT_TRUE(std::ranges::equal(part, std::span(bytes).subspan(begin, size)))
                    << name << " " << begin << " " << size;
            }
        std::vector<std::byte> more(bytes.size() + 1);
        EXPECT_FALSE(file.read_part(t, 0, more));
    }
}

TEST(TorchFileTest, ReadsWhatTorchWrote) {
    const auto expected = nlohmann::json::parse(contents(data_path("expected.json")));
    EXPECT_GE(expected.size(), 6u);
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read})
        for (const auto& [name, tensors] : expected.items()) {
            const auto file = TorchFile::open(data_path(name), access);
            ASSERT_TRUE(file) << file.error().message;
            EXPECT_EQ(file->file_size(), fs::file_size(data_path(name)));
            EXPECT_TRUE(file->metadata().empty());
            expect_as_written(*file, tensors);
            EXPECT_TRUE(std::ranges::is_sorted(file->tensors(), {}, &CheckpointTensor::file_offset));
        }
}

TEST(TorchFileTest, ViewsAndTiedTensorsShareTheirStorage) {
    const auto file = TorchFile::open(data_path("every_type.bin"));
    ASSERT_TRUE(file) << file.error().message;
    const auto tensor = [&](const char* name) { return *file->find_tensor(name); };
    EXPECT_EQ(tensor("view.transposed").file_offset, tensor("tied").file_offset);
    EXPECT_EQ(tensor("view.transposed").strides, (std::vector<int64_t>{1, 6}));
    EXPECT_EQ(tensor("view.rows").file_offset, tensor("tied").file_offset + 6 * 4);
    EXPECT_TRUE(tensor("view.rows").strides.empty());
    EXPECT_EQ(tensor("view.columns").strides, (std::vector<int64_t>{6, 1}));
    EXPECT_EQ(tensor("view.permuted").strides, (std::vector<int64_t>{1, 12, 4}));
    EXPECT_EQ(tensor("view.every_second").strides, (std::vector<int64_t>{12, 2}));
    for (const char* name : {"count", "small", "word", "fraction", "yes", "none", "type"})
        EXPECT_EQ(file->find_tensor(name), nullptr);
}

TEST(TorchFileTest, AnIndexOpensAllShards) {
    test::expect_index_opens_all_shards<TorchFile>("torch", "pytorch_model.bin", expect_as_written);
}

// FNV-1a of names, types, shapes and data, as make_torch_golden.py has it.
std::string hash_of(const CheckpointFile& file) {
    std::map<std::string, const CheckpointTensor*> sorted;
    for (const CheckpointTensor& tensor : file.tensors()) sorted[tensor.name] = &tensor;
    std::string text;
    for (const auto& [name, tensor] : sorted) {
        std::string extents;
        for (const int64_t extent : tensor->extents) extents += fmt::format("{}{}", extents.empty() ? "" : ", ", extent);
        text += fmt::format("{}\n{}[{}]\n", name, checkpoint_type_name(tensor->type), extents);
        for (const std::byte byte : data_of(file, *tensor)) text += static_cast<char>(byte);
    }
    uint64_t hash = 0xCBF29CE484222325;
    for (const char byte : text) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001B3;
    return fmt::format("{:016x}", hash);
}

// Whatever is read has the values that PyTorch reads. Krait refuses more: what is in no state dict, keys that come twice,
// storages that are larger than the tensors say.
TEST(TorchFileTest, ChangedPicklesAreReadAsTorchReadsThem) {
    const auto verdicts = nlohmann::json::parse(contents(data_path("changed.json")));
    const std::string file = contents(data_path("every_type.bin"));
    ASSERT_EQ(hash_of(*test::parse_torch(file)), verdicts["unchanged"]);
    size_t n_change = 0, n_taken = 0, n_stricter = 0;
    for (const auto& change : verdicts["changes"]) {
        std::string changed = file;
        changed[change[0].get<size_t>()] = static_cast<char>(change[1].get<uint8_t>());
        SCOPED_TRACE(change.dump());
        const auto parsed = test::parse_torch(changed);
        ++n_change;
        if (parsed) {
            ++n_taken;
            EXPECT_EQ(change[2], hash_of(*parsed));
        } else {
            n_stricter += !change[2].is_null();
            EXPECT_NE(parsed.error().message.find("byte"), std::string::npos) << parsed.error().message;
            EXPECT_NE(parsed.error().code, ErrorCode::internal);
        }
    }
    EXPECT_GE(n_change, 1490u);
    EXPECT_GT(n_taken, 200u);
    EXPECT_LT(n_stricter, 100u);
}

TEST(TorchFileTest, OtherFormatsAreNamed) {
    const auto refused = [](const Result<TorchFile>& file, const std::string& words) {
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code, ErrorCode::unsupported);
        for (const std::string& word : {std::string("archive: at byte 0 no zip archive of torch.save begins; "), words})
            EXPECT_NE(file.error().message.find(word), std::string::npos) << file.error().message;
    };
    refused(TorchFile::open(data_path("legacy.pt")),
            "as PyTorch before 1.6 wrote them, which is not read. Save it again with PyTorch");
    refused(test::parse_torch(std::string("\x80\2}q\1.")), "it is a bare pickle");
    refused(test::parse_torch(std::string(257, '\0') + "ustar" + std::string(1000, '\0')), "it is a tar archive");
    refused(test::parse_torch("GGUF\3\0\0\0"), "it is a GGUF file");
    refused(test::parse_torch(std::string("\2\0\0\0\0\0\0\0{}", 10)), "it is a safetensors file");
    refused(test::parse_torch("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull");
    const auto other = SafetensorsFile::open(data_path("module.bin"));
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("it is a zip archive, as PyTorch writes them"), std::string::npos)
        << other.error().message;
}

TEST(TorchFileTest, AFileThatShrinksIsAnError) {
    const fs::path path = fs::path(testing::TempDir()) / fmt::format("krait-{}.bin", ::getpid());
    fs::copy_file(data_path("every_type.bin"), path, fs::copy_options::overwrite_existing);
    const auto file = TorchFile::open(path, FileAccess::read);
    ASSERT_TRUE(file);
    fs::resize_file(path, 1000);
    for (const char* name : {"tied", "view.transposed"}) {
        const CheckpointTensor& tensor = *file->find_tensor(name);
        std::vector<std::byte> bytes(tensor.size);
        const Result<void> read = file->read_part(tensor, 0, bytes);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, ErrorCode::io);
        EXPECT_NE(read.error().message.find(name), std::string::npos) << read.error().message;
    }
    fs::remove(path);
    EXPECT_EQ(TorchFile::open(path).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace krait
