// SPDX-License-Identifier: Apache-2.0
//
// Facts of models and devices in the C API: getters, files without weights, metadata, tensors, the log.
#include <gtest/gtest.h>
#include <krait/krait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <krait/krait.hpp>

#include "tests/capi/unknown_enum.hpp"
#include "tests/capi/value.hpp"
#include "tests/main/paths.hpp"
#include "tests/models/gguf_bytes.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

std::string golden(const std::string& name) { return std::string(krait::test::kGoldenFolder) + "/" + name; }

KRAIT_PASSES_UNKNOWN_ENUMS krait_code text_in_an_unknown_form(const kr::Model& model, size_t index) {
    krait_value_form unknown = KRAIT_VALUE_SHORT;
    const int two = 2;
    std::memcpy(&unknown, &two, sizeof unknown);
    size_t size = 0;
    return krait_model_metadata_text(model.get(), index, unknown, nullptr, 0, &size, nullptr);
}

TEST(CApiModel, FoldersAndTypes) {
    const std::string folders = "tests/models/data/huggingface/";
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.device = "cpu";
    const kr::Model plain = value(kr::Model::load_with(folders + "official_mamba2", options));
    EXPECT_EQ(plain.format_version(), 0u);
    EXPECT_STREQ(krait_model_architecture(plain.get()), "mamba2");
    EXPECT_FALSE(plain.tokenize("It"));
    const std::string tokenizer = folders + "mamba2";
    options.tokenizer = tokenizer.c_str();
    options.type = "q8_0";
    const kr::Model quantized = value(kr::Model::load_with(folders + "official_mamba2", options));
    EXPECT_TRUE(quantized.tokenize("It"));
    EXPECT_LT(krait_model_weight_bytes(quantized.get()), krait_model_weight_bytes(plain.get()) / 2);
    EXPECT_NE(krait_model_hash(quantized.get()), krait_model_hash(plain.get()));
    options.type = "q9";
    const auto unknown = kr::Model::load_with(folders + "official_mamba2", options);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.failure().code, KRAIT_INVALID_ARGUMENT);
}

// The model that ships inside takes the options of files: it is never the type or the tokenizer that is left out.
TEST(CApiModel, OptionsOfTheDemoModel) {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.device = "cpu";
    const kr::Model plain = value(kr::Model::load_with("", options));
    const std::string tokenizer = "tests/models/data/huggingface/mamba";
    options.tokenizer = tokenizer.c_str();
    const kr::Model other = value(kr::Model::load_with("", options));
    EXPECT_NE(value(other.tokenize("It was the best of times")), value(plain.tokenize("It was the best of times")));
    options.tokenizer = "tests/models/data/nowhere";
    const auto nowhere = kr::Model::load_with("", options);
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.failure().message.find("nowhere"), std::string::npos) << nowhere.failure().message;
    options.tokenizer = nullptr;
    options.type = "q9";
    const auto unknown = kr::Model::load_with("", options);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.failure().code, KRAIT_INVALID_ARGUMENT);
    options.type = "q4_0";
    const auto quantized = kr::Model::load_with("", options);
    ASSERT_FALSE(quantized);
    EXPECT_NE(quantized.failure().message.find("the demo model is quantized already"), std::string::npos)
        << quantized.failure().message;
}

TEST(CApiModel, VersionAndDevices) {
    EXPECT_STREQ(krait_version(), "0.2.0");
    EXPECT_EQ(kr::version(), "0.2.0");
    const std::vector<kr::Device> devices = value(kr::devices());
    ASSERT_GE(devices.size(), 2u);
    const auto cpu = std::find_if(devices.begin(), devices.end(), [](const kr::Device& d) { return d.name == "cpu"; });
    ASSERT_NE(cpu, devices.end());
    EXPECT_FALSE(cpu->product.empty());
    EXPECT_GT(cpu->memory_total, 0u);
    EXPECT_LE(cpu->memory_free, cpu->memory_total);
    EXPECT_TRUE(cpu->is_auto);
    EXPECT_TRUE(cpu->error.empty()) << cpu->error;
    krait_device_list* list = nullptr;
    ASSERT_EQ(krait_device_list_create(&list, nullptr), KRAIT_OK);
    const size_t end = krait_device_list_size(list);
    EXPECT_EQ(krait_device_name(list, end), nullptr);
    EXPECT_EQ(krait_device_product(list, end), nullptr);
    EXPECT_EQ(krait_device_features(list, end), nullptr);
    EXPECT_EQ(krait_device_error(list, end), nullptr);
    EXPECT_EQ(krait_device_memory_total(list, end), 0u);
    EXPECT_EQ(krait_device_memory_free(list, end), 0u);
    EXPECT_EQ(krait_device_is_auto(list, end), 0);
    krait_device_list_free(list);
    EXPECT_EQ(krait_device_list_size(nullptr), 0u);
    EXPECT_EQ(krait_device_name(nullptr, 0), nullptr);
    krait_device_list_free(nullptr);
    EXPECT_EQ(krait_device_list_create(nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    krait_failure failure{};
    EXPECT_EQ(krait_backend_folder_add("no/such", &failure), KRAIT_NOT_FOUND);
    EXPECT_STREQ(failure.message, "no/such is not a folder");
    EXPECT_EQ(krait_backend_folder_add(nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(kr::add_backend_folder("no/such").failure().code, KRAIT_NOT_FOUND);
}

TEST(CApiModel, DevicesOfAModelAreTold) {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.device = "cpu,reference";
    options.layers = "3,5";
    const kr::Model model = value(kr::Model::load_with({}, options));
    const auto devices = model.devices();
    ASSERT_EQ(devices.size(), 2u);
    EXPECT_STREQ(devices[0].name, "cpu");
    EXPECT_STREQ(devices[0].family, "cpu");
    EXPECT_STRNE(devices[0].variant, "");
    EXPECT_STRNE(devices[0].product, "");
    EXPECT_EQ(devices[0].is_processor, 1);
    EXPECT_STREQ(devices[1].name, "reference");
    EXPECT_STREQ(devices[1].family, "reference");
    EXPECT_STREQ(devices[1].variant, "");
    krait_model_device_info out = KRAIT_MODEL_DEVICE_INFO_INIT;
    EXPECT_EQ(krait_model_device_at(model.get(), 2, &out, nullptr), KRAIT_NOT_FOUND);
    EXPECT_EQ(krait_model_device_at(model.get(), 0, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_device_at(nullptr, 0, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    for (const size_t size : {size_t{0}, sizeof out + 8}) {
        out.struct_size = size;
        EXPECT_EQ(krait_model_device_at(model.get(), 0, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    }
    const kr::Model file = value(kr::Model::open());
    out = KRAIT_MODEL_DEVICE_INFO_INIT;
    EXPECT_EQ(krait_model_device_at(file.get(), 0, &out, nullptr), KRAIT_UNSUPPORTED);
    EXPECT_TRUE(file.devices().empty());

    // The same file has the same hash, on whatever devices.
    EXPECT_NE(model.hash(), 0u);
    EXPECT_EQ(model.hash(), value(kr::Model::load({}, "reference")).hash());
    EXPECT_NE(model.hash(), value(kr::Model::load(golden("mamba2.gguf"), "cpu")).hash());
    EXPECT_EQ(file.hash(), 0u);
    EXPECT_EQ(krait_model_hash(nullptr), 0u);
}

TEST(CApiModel, GettersTellTheFacts) {
    const kr::Model model = value(kr::Model::load(golden("mamba2.gguf"), "cpu"));
    EXPECT_EQ(model.name(), golden("mamba2.gguf"));
    EXPECT_EQ(model.architecture(), "mamba2");
    EXPECT_EQ(model.device(), "cpu");
    EXPECT_FALSE(model.hardware().empty());
    EXPECT_GT(model.n_layer(), 0);
    EXPECT_GT(model.d_model(), 0);
    EXPECT_GE(model.n_vocab(), model.n_token());
    EXPECT_GT(model.weight_bytes(), 0u);
    EXPECT_GT(model.device_bytes(), 0u);
    EXPECT_TRUE(model.has_top_k());
    EXPECT_EQ(model.chain_length(), 1) << "on a CPU nothing is gained";
    EXPECT_TRUE(static_cast<bool>(model.check()));
    const std::vector<kr::Size> sizes = model.sizes();
    const auto is_d_inner = [](const kr::Size& size) { return size.name == "d_inner" && size.value == 48; };
    EXPECT_TRUE(std::any_of(sizes.begin(), sizes.end(), is_d_inner));
    kr::Session session = value(kr::Session::create(model));
    value(session.decode(std::vector<int32_t>{1}));
    EXPECT_EQ(value(session.logits()).size(), static_cast<size_t>(model.n_vocab()));
}

TEST(CApiModel, WithoutAModelGettersAnswerNothing) {
    EXPECT_EQ(krait_model_name(nullptr), nullptr);
    EXPECT_EQ(krait_model_architecture(nullptr), nullptr);
    EXPECT_EQ(krait_model_device(nullptr), nullptr);
    EXPECT_EQ(krait_model_hardware(nullptr), nullptr);
    EXPECT_EQ(krait_model_n_vocab(nullptr), 0);
    EXPECT_EQ(krait_model_n_token(nullptr), 0);
    EXPECT_EQ(krait_model_n_layer(nullptr), 0);
    EXPECT_EQ(krait_model_d_model(nullptr), 0);
    EXPECT_EQ(krait_model_is_tied(nullptr), 0);
    EXPECT_EQ(krait_model_state_bytes(nullptr), 0u);
    EXPECT_EQ(krait_model_weight_bytes(nullptr), 0u);
    EXPECT_EQ(krait_model_device_bytes(nullptr), 0u);
    EXPECT_EQ(krait_model_has_top_k(nullptr), 0);
    EXPECT_EQ(krait_model_chain_length(nullptr), 0);
    EXPECT_EQ(krait_model_format_version(nullptr), 0u);
    EXPECT_EQ(krait_model_file_bytes(nullptr), 0u);
    EXPECT_EQ(krait_model_file_count(nullptr), 0u);
    EXPECT_EQ(krait_model_file_name(nullptr, 0), nullptr);
    EXPECT_EQ(krait_model_metadata_count(nullptr), 0u);
    EXPECT_EQ(krait_model_tensor_count(nullptr), 0u);
    krait_failure failure{};
    EXPECT_EQ(krait_model_check(nullptr, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_STREQ(failure.message, "model is NULL");
    krait_metadata entry = KRAIT_METADATA_INIT;
    krait_tensor tensor = KRAIT_TENSOR_INIT;
    size_t n = 0;
    int64_t size = 0;
    const char* name = nullptr;
    EXPECT_EQ(krait_model_metadata(nullptr, 0, &entry, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_metadata_find(nullptr, "a", 1, &n, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_metadata_text(nullptr, 0, KRAIT_VALUE_SHORT, nullptr, 0, &n, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_tensor(nullptr, 0, &tensor, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_size(nullptr, 0, &name, &n, &size, nullptr), KRAIT_INVALID_ARGUMENT);
}

TEST(CApiModel, WithoutWeightsThereAreTextAndMetadataAlone) {
    const kr::Model file = value(kr::Model::open()), model = value(kr::Model::load({}, "cpu"));
    EXPECT_EQ(file.name(), "the demo model");
    EXPECT_EQ(file.architecture(), model.architecture());
    EXPECT_EQ(file.n_vocab(), model.n_vocab());
    EXPECT_EQ(file.n_token(), model.n_token());
    EXPECT_EQ(file.state_bytes(), model.state_bytes());
    EXPECT_EQ(file.is_tied(), model.is_tied());
    EXPECT_EQ(value(file.tokenize("It was<|endoftext|>")), value(model.tokenize("It was<|endoftext|>")));
    EXPECT_EQ(file.ends(), model.ends());
    EXPECT_TRUE(file.is_end(0));
    EXPECT_TRUE(static_cast<bool>(file.check()));
    EXPECT_EQ(krait_model_device(file.get()), nullptr);
    EXPECT_EQ(krait_model_hardware(file.get()), nullptr);
    EXPECT_EQ(file.weight_bytes(), 0u);
    EXPECT_FALSE(file.has_top_k());
    const auto session = kr::Session::create(file);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.failure().code, KRAIT_UNSUPPORTED);
    EXPECT_EQ(session.failure().message, "the demo model was loaded without weights (no_weights)");
    EXPECT_EQ(file.explain().failure().code, KRAIT_UNSUPPORTED);
    EXPECT_EQ(file.perplexity("text").failure().code, KRAIT_UNSUPPORTED);
    kr::Session live = value(kr::Session::create(model));
    EXPECT_EQ(live.move_to(file).failure().code, KRAIT_UNSUPPORTED);
    EXPECT_EQ(kr::Model::open("no/such.gguf").failure().code, KRAIT_NOT_FOUND);
}

TEST(CApiModel, MetadataAreListedFoundAndWritten) {
    const kr::Model file = value(kr::Model::open());
    EXPECT_EQ(file.format_version(), 3u);
    EXPECT_EQ(file.file_bytes(), std::filesystem::file_size(krait::test::kDemoModel));
    EXPECT_EQ(file.file_names(), std::vector<std::string_view>{"the demo model"});
    EXPECT_EQ(krait_model_file_name(file.get(), 1), nullptr);
    const std::vector<kr::Metadata> all = file.metadata();
    const size_t at = value(file.find_metadata("general.architecture"));
    ASSERT_LT(at, all.size());
    EXPECT_EQ(all[at].key, "general.architecture");
    EXPECT_EQ(all[at].type, "string");
    EXPECT_EQ(all[at].n_element, 1u);
    EXPECT_EQ(value(file.metadata_text(at)), "mamba");
    EXPECT_EQ(value(file.metadata_text(at, KRAIT_VALUE_SHORT)), "\"mamba\"");
    const size_t tokens = value(file.find_metadata("tokenizer.ggml.tokens"));
    EXPECT_EQ(all[tokens].type, "array");
    EXPECT_EQ(all[tokens].n_element, static_cast<uint64_t>(file.n_token()));
    const std::string shown = value(file.metadata_text(tokens, KRAIT_VALUE_SHORT)), whole = value(file.metadata_text(tokens));
    EXPECT_NE(shown.find("... " + std::to_string(file.n_token()) + " in all]"), std::string::npos) << shown;
    EXPECT_GE(std::count(whole.begin(), whole.end(), ',') + 1, file.n_token());
    EXPECT_EQ(whole.find(" in all"), std::string::npos);

    EXPECT_EQ(file.find_metadata("general.none").failure().code, KRAIT_NOT_FOUND);
    EXPECT_NE(file.find_metadata("general.none").failure().message.find("'general.none'"), std::string::npos);
    EXPECT_EQ(file.metadata_text(all.size()).failure().code, KRAIT_NOT_FOUND);
    EXPECT_EQ(text_in_an_unknown_form(file, at), KRAIT_INVALID_ARGUMENT);
    krait_metadata entry = KRAIT_METADATA_INIT;
    EXPECT_EQ(krait_model_metadata(file.get(), all.size(), &entry, nullptr), KRAIT_NOT_FOUND);
    EXPECT_EQ(krait_model_metadata(file.get(), 0, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    for (const size_t wrong : {size_t{0}, sizeof entry + 8}) {
        entry.struct_size = wrong;
        krait_failure failure{};
        EXPECT_EQ(krait_model_metadata(file.get(), 0, &entry, &failure), KRAIT_INVALID_ARGUMENT);
        EXPECT_EQ(std::strncmp(failure.message, "out.struct_size is ", 19), 0) << failure.message;
    }
    // An application from before there was n_element.
    entry = KRAIT_METADATA_INIT;
    entry.struct_size = offsetof(krait_metadata, n_element);
    entry.n_element = 77;
    EXPECT_EQ(krait_model_metadata(file.get(), at, &entry, nullptr), KRAIT_OK);
    EXPECT_EQ(entry.n_element, 77u);
    EXPECT_EQ(entry.struct_size, offsetof(krait_metadata, n_element));
}

TEST(CApiModel, ShardsAreOneModel) {
    const std::string prefix = testing::TempDir() + "krait-capi-shards-" + std::to_string(::getpid());
    const std::vector<std::string> names{prefix + "-00001-of-00002.gguf", prefix + "-00002-of-00002.gguf"};
    const std::array<std::byte, 4> one{};
    uint64_t size = 0;
    for (uint16_t i = 0; i < 2; ++i) {
        krait::test::RawGguf raw;
        raw.add("split.no", krait::test::gguf_id::u16, i).add("split.count", krait::test::gguf_id::u16, uint16_t{2});
        raw.add_tensor(i == 0 ? "a" : "b", 0, {1}, one);
        const krait::test::Bytes bytes = raw.build();
        size += bytes.size();
        std::ofstream(names[i], std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.span().data()), static_cast<std::streamsize>(bytes.size()));
    }
    for (const std::string& name : names) {
        const kr::Model file = value(kr::Model::open(name));
        EXPECT_EQ(file.file_names(), (std::vector<std::string_view>{names[0], names[1]}));
        EXPECT_EQ(file.file_bytes(), size);
        const std::vector<kr::Tensor> all = file.tensors();
        ASSERT_EQ(all.size(), 2u);
        EXPECT_EQ(all[0].file, 0u);
        EXPECT_EQ(all[1].name, "b");
        EXPECT_EQ(all[1].file, 1u);
        // An application from before there was a file to a tensor.
        krait_tensor tensor = KRAIT_TENSOR_INIT;
        tensor.struct_size = offsetof(krait_tensor, file);
        tensor.file = 77;
        EXPECT_EQ(krait_model_tensor(file.get(), 1, &tensor, nullptr), KRAIT_OK);
        EXPECT_EQ(tensor.file, 77u);
    }
    std::filesystem::remove(names[1]);
    EXPECT_EQ(kr::Model::open(names[0]).failure().code, KRAIT_NOT_FOUND);
    std::filesystem::remove(names[0]);
}

TEST(CApiModel, TensorsAreListed) {
    const kr::Model file = value(kr::Model::open());
    const std::vector<kr::Tensor> all = file.tensors();
    const auto found =
        std::find_if(all.begin(), all.end(), [](const kr::Tensor& tensor) { return tensor.name == "token_embd.weight"; });
    ASSERT_NE(found, all.end());
    EXPECT_EQ(found->extents, (std::vector<int64_t>{file.n_vocab(), file.d_model()}));
    EXPECT_FALSE(found->type.empty());
    EXPECT_GT(found->bytes, 0u);
    EXPECT_LE(found->offset + found->bytes, file.file_bytes());
    krait_tensor tensor = KRAIT_TENSOR_INIT;
    EXPECT_EQ(krait_model_tensor(file.get(), all.size(), &tensor, nullptr), KRAIT_NOT_FOUND);
    EXPECT_EQ(krait_model_tensor(file.get(), 0, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    tensor.struct_size = 0;
    EXPECT_EQ(krait_model_tensor(file.get(), 0, &tensor, nullptr), KRAIT_INVALID_ARGUMENT);
}

struct Log {
    std::vector<std::pair<krait_severity, std::string>> messages;
    void operator()(krait_severity severity, const char* message) { messages.emplace_back(severity, message); }
};

TEST(CApiModel, MessagesOfPluginsGoToTheLog) {
    const std::string folder = krait::test::kBadPlugins;
    if (!std::filesystem::exists(folder + "/krait-talkative.so")) GTEST_SKIP() << "nothing is loaded in this build";
    Log log;
    value(kr::set_log(log));
    value(kr::add_backend_folder(folder));
    (void)kr::devices();  // loads it
    const std::pair<krait_severity, std::string> warning{KRAIT_SEVERITY_WARNING, "the fan is loud"};
    EXPECT_NE(std::find(log.messages.begin(), log.messages.end(), warning), log.messages.end()) << log.messages.size();
    value(kr::drop_log());
    log.messages.clear();
    (void)kr::devices();
    EXPECT_TRUE(log.messages.empty());
}

}  // namespace
