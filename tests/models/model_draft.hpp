// SPDX-License-Identifier: Apache-2.0
//
// A golden model that a test changes before it is written and loaded.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/quant/codec.hpp"
#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "models/model.hpp"

namespace krait::test {

// A file that can be changed.
struct Draft {
    struct Tensor {
        std::string name;
        DType dtype;
        std::vector<int64_t> extents;
        std::vector<std::byte> bytes;
    };
    std::vector<std::pair<std::string, GgufValue>> metadata;
    std::vector<Tensor> tensors;

    static Draft of(const std::string& model) {
        Draft draft;
        const auto file = GgufFile::open("tests/golden/" + model + ".gguf");
        EXPECT_TRUE(file) << file.error().message;
        for (const GgufMetadata& entry : file->metadata()) draft.metadata.emplace_back(entry.key, entry.value);
        for (const GgufTensor& t : file->tensors())
            draft.tensors.push_back(
                {t.name, t.dtype(), {t.extents().begin(), t.extents().end()}, {t.bytes.begin(), t.bytes.end()}});
        return draft;
    }

    void set(const std::string& key, GgufValue value) {
        drop_key(key);
        metadata.emplace_back(key, std::move(value));
    }
    void drop_key(const std::string& key) {
        std::erase_if(metadata, [&](const auto& entry) { return entry.first == key; });
    }
    Tensor& tensor(const std::string& name) {
        return *std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
    }
    void drop_tensor(const std::string& name) {
        std::erase_if(tensors, [&](const Tensor& t) { return t.name == name; });
    }
    void reshape(const std::string& name, std::vector<int64_t> extents) {
        Tensor& t = tensor(name);
        t.extents = std::move(extents);
        int64_t count = 1;
        for (const int64_t n : t.extents) count *= n;
        t.bytes.resize(static_cast<size_t>(row_bytes(t.dtype, count)));
    }
    // F32, all zero.
    void add_tensor(const std::string& name, std::vector<int64_t> extents) {
        tensors.push_back({name, DType::F32, {}, {}});
        reshape(name, std::move(extents));
    }
    // Re-encodes an F32 tensor.
    void convert(const std::string& name, DType dtype) {
        Tensor& t = tensor(name);
        std::vector<float> values(t.bytes.size() / sizeof(float));
        std::memcpy(values.data(), t.bytes.data(), t.bytes.size());
        t.dtype = dtype;
        t.bytes.resize(static_cast<size_t>(row_bytes(dtype, static_cast<int64_t>(values.size()))));
        encode_row(dtype, values, t.bytes.data());
    }

    void write(const std::filesystem::path& path) const {
        auto writer = GgufWriter::create(path);
        EXPECT_TRUE(writer) << writer.error().message;
        for (const auto& [key, value] : metadata) EXPECT_TRUE(writer->add(key, value)) << key;
        for (const Tensor& t : tensors) EXPECT_TRUE(writer->declare(t.name, t.dtype, t.extents)) << t.name;
        for (const Tensor& t : tensors) EXPECT_TRUE(writer->write_tensor(t.name, t.bytes)) << t.name;
        EXPECT_TRUE(writer->finish());
    }
    Result<std::shared_ptr<const Model>> load(const LoadOptions& options = {.device = "cpu"}) const {
        const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-draft-{}.gguf", getpid());
        write(path);
        auto model = Model::load(path, options);
        std::filesystem::remove(path);
        return model;
    }
};

}  // namespace krait::test
