// SPDX-License-Identifier: Apache-2.0
//
// A copy of a Hugging Face folder that tests change: its configuration and its weights.
#pragma once

#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors_file.hpp"
#include "models/architectures/registry.hpp"
#include "tests/models/huggingface_fixture.hpp"

namespace krait::test {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct StoredTensor {
    std::string name, dtype;
    std::vector<int64_t> shape;
    std::string data;
};

class HuggingFaceHostile : public FolderTest {
  protected:
    void SetUp() override {
        FolderTest::SetUp();
        copy("mamba");
    }
    void copy(const std::string& name) const { copy_folder(kHuggingFace + name); }
    void copy_folder(const fs::path& from) const {
        fs::remove_all(model());
        fs::copy(from, model());
    }
    fs::path model() const { return folder_ / "model"; }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(model() / name, std::ios::binary) << text;
    }
    void edit(const std::string& name, const std::function<void(Json&)>& change) const {
        std::ifstream stream(model() / name);
        Json json = Json::parse(stream);
        change(json);
        write(name, json.dump());
    }
    void edit_weights(const std::function<void(std::vector<StoredTensor>&)>& change) const {
        std::vector<StoredTensor> tensors;
        {
            const auto file = SafetensorsFile::open(model() / "model.safetensors");
            ASSERT_TRUE(file) << file.error().message;
            for (const CheckpointTensor& t : file->tensors())
                tensors.push_back({t.name, std::string(checkpoint_type_name(t.type)), t.extents,
                                   std::string(reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size())});
        }
        change(tensors);
        Json header = Json::object();
        std::string data;
        for (const StoredTensor& t : tensors) {
            header[t.name] = {
                {"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {data.size(), data.size() + t.data.size()}}};
            data += t.data;
        }
        const std::string text = header.dump();
        const uint64_t size = text.size();
        std::string prefix(8, '\0');
        std::memcpy(prefix.data(), &size, sizeof size);
        write("model.safetensors", prefix + text + data);
    }
    static StoredTensor& named(std::vector<StoredTensor>& tensors, const std::string& name) {
        return *std::ranges::find(tensors, name, &StoredTensor::name);
    }

    // The folder is opened and its architecture is made, as for loading and for inspecting.
    Result<void> load() const {
        KRAIT_TRY(const auto source, open_model(model()));
        KRAIT_CHECK(create_architecture(*source));
        return {};
    }
    void expect_error(ErrorCode code, const std::vector<std::string>& words) const {
        const auto loaded = load();
        ASSERT_FALSE(loaded) << words.front();
        EXPECT_EQ(loaded.error().code, code) << loaded.error().message;
        for (const std::string& word : words)
            EXPECT_NE(loaded.error().message.find(word), std::string::npos) << word << " in: " << loaded.error().message;
    }
};

}  // namespace krait::test
