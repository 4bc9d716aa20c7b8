// SPDX-License-Identifier: Apache-2.0
//
// Files that are sound GGUF and still no model: missing or lying metadata, missing or misshapen tensors.
// Every one is a valid golden model with one thing changed, written by GgufWriter; the error must name that thing.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/models/model_draft.hpp"

namespace krait {
namespace {

using test::Draft;

struct Change {
    std::string name;
    std::string model;
    std::function<void(Draft&)> apply;
    std::vector<std::string> words;  // all of them must stand in the error
    ErrorCode code = ErrorCode::corrupt_file;
};

void PrintTo(const Change& change, std::ostream* out) { *out << change.model << " " << change.name; }

std::vector<Change> changes() {
    std::vector<Change> list;
    const auto add = [&](std::string name, std::string model, std::function<void(Draft&)> apply, std::vector<std::string> words,
                         ErrorCode code = ErrorCode::corrupt_file) {
        list.push_back({std::move(name), std::move(model), std::move(apply), std::move(words), code});
    };

    for (const std::string model : {"mamba", "mamba2"}) {
        for (const char* suffix :
             {"embedding_length", "block_count", "ssm.inner_size", "ssm.state_size", "ssm.conv_kernel", "ssm.time_step_rank"}) {
            const std::string key = model + "." + suffix;
            add("without " + key, model, [=](Draft& d) { d.drop_key(key); }, {key});
            add("zero " + key, model, [=](Draft& d) { d.set(key, uint32_t{0}); }, {key, "is 0"});
            add("huge " + key, model, [=](Draft& d) { d.set(key, uint64_t{1} << 62); }, {key});
            add("text " + key, model, [=](Draft& d) { d.set(key, std::string("many")); }, {key});
            add("one more " + key, model,
                [=](Draft& d) {
                    const auto found =
                        std::find_if(d.metadata.begin(), d.metadata.end(), [&](const auto& e) { return e.first == key; });
                    d.set(key, std::get<uint32_t>(found->second) + 1);
                },
                {});
        }
        const Draft draft = Draft::of(model);
        for (const auto& tensor : draft.tensors) {
            if (tensor.name.starts_with("blk.1.") || tensor.name.starts_with("blk.0."))
                continue;  // one layer of three, and the rest
            const std::string tensor_name = tensor.name;
            const bool optional = tensor_name.ends_with("conv1d.bias") || tensor_name == "output.weight";
            if (!optional) add("without " + tensor_name, model, [=](Draft& d) { d.drop_tensor(tensor_name); }, {tensor_name});
            if (tensor_name == "token_embd.weight") continue;  // its length is what says how many tokens there are
            auto extents = tensor.extents;
            ++extents[0];
            add("longer " + tensor_name, model, [=](Draft& d) { d.reshape(tensor_name, extents); }, {tensor_name});
        }
    }
    // Weights that the architecture has no place for: by name, and how many there are.
    for (const std::string model : {"mamba", "mamba2"})
        for (const char* extra : {"output_norm.bias", "token_embd_norm.weight", "blk.0.attn_norm.bias", "blk.1.attn_q.weight",
                                  "blk.2.ffn_up.weight", "blk.0.ssm_dt_norm.weight", "blk.00.ssm_in.weight", "blk.x", "blk.",
                                  "blk.-1.ssm_in.weight", "some\x1b[2Jthing"}) {
            const std::string shown = extra == std::string("some\x1b[2Jthing") ? R"('some\x1b[2Jthing')" : quote_name(extra);
            add(
                fmt::format("with {}", extra), model, [=](Draft& d) { d.add_tensor(extra, {24}); },
                {shown, "no place for 1 of the file's"}, ErrorCode::unsupported);
        }
    add(
        "with an embedding norm of integers", "mamba",
        [](Draft& d) {
            d.add_tensor("position.ids", {24});
            d.tensor("position.ids").dtype = DType::I32;
        },
        {"'position.ids'"}, ErrorCode::unsupported);
    add(
        "Mamba-1's weights in Mamba-2", "mamba2",
        [](Draft& d) {
            d.add_tensor("blk.0.ssm_x.weight", {24, 24});
        },
        {"'blk.0.ssm_x.weight'"}, ErrorCode::unsupported);
    add(
        "with many", "mamba",
        [](Draft& d) {
            for (int i = 0; i < 3; ++i)
                for (const char* kind : {"attn_q", "attn_k", "attn_v"})
                    d.add_tensor(fmt::format("blk.{}.{}.weight", i, kind), {40, 40});
        },
        {"no place for 9 of", "'blk.0.attn_q.weight', 'blk.0.attn_k.weight', ", "and 4 more"}, ErrorCode::unsupported);
    for (const std::string model : {"mamba", "mamba2"})
        add("fewer layers than the file has", model, [=](Draft& d) { d.set(model + ".block_count", uint32_t{1}); },
            {"'" + model + ".block_count' is 1", "weights up to layer 2", "'blk.1.", "more"});
    add("bias of another length", "mamba", [](Draft& d) { d.add_tensor("blk.0.ssm_in.bias", {161}); },
        {"'blk.0.ssm_in.bias'", "[160]"});
    add("bias of another length", "mamba2", [](Draft& d) { d.add_tensor("blk.2.ssm_out.bias", {25}); },
        {"'blk.2.ssm_out.bias'", "[24]"});

    add("as many layers as tensors", "mamba",
        [](Draft& d) { d.set("mamba.block_count", static_cast<uint32_t>(d.tensors.size())); },
        {"'blk.3.attn_norm.weight' is missing"});
    add("more layers than tensors", "mamba", [](Draft& d) { d.set("mamba.block_count", uint32_t{1000}); },
        {"mamba.block_count", "1000"});
    add("sizes whose products overflow", "mamba2",
        [](Draft& d) {
            for (const char* key : {"ssm.inner_size", "ssm.state_size", "ssm.group_count", "ssm.time_step_rank"})
                d.set(std::string("mamba2.") + key, static_cast<uint32_t>(INT32_MAX));
        },
        {"blk.0."});
    add("no architecture", "mamba", [](Draft& d) { d.drop_key("general.architecture"); }, {"general.architecture"});
    add(
        "another architecture", "mamba", [](Draft& d) { d.set("general.architecture", std::string("llama")); },
        {"'llama' is not supported", "mamba2"}, ErrorCode::unsupported);
    add("epsilon NaN", "mamba",
        [](Draft& d) { d.set("mamba.attention.layer_norm_rms_epsilon", std::numeric_limits<float>::quiet_NaN()); },
        {"layer_norm_rms_epsilon"});
    add("negative epsilon", "mamba2", [](Draft& d) { d.set("mamba2.attention.layer_norm_rms_epsilon", -1.0f); },
        {"layer_norm_rms_epsilon"});
    add("heads that do not divide", "mamba2", [](Draft& d) { d.set("mamba2.ssm.time_step_rank", uint32_t{7}); },
        {"time_step_rank", "divides the inner size"});
    add("groups that do not divide", "mamba2", [](Draft& d) { d.set("mamba2.ssm.group_count", uint32_t{5}); },
        {"group_count", "divides the 12 heads"});
    add("no groups", "mamba2", [](Draft& d) { d.set("mamba2.ssm.group_count", uint32_t{0}); }, {"group_count"});
    add("flag that is text", "mamba", [](Draft& d) { d.set("mamba.ssm.dt_b_c_rms", std::string("yes")); }, {"dt_b_c_rms"});
    add("embedding of rank 1", "mamba", [](Draft& d) { d.reshape("token_embd.weight", {101 * 40}); }, {"token_embd.weight"});
    return list;
}

class HostileModel : public testing::TestWithParam<Change> {};

TEST_P(HostileModel, IsRefusedByName) {
    const Change& change = GetParam();
    Draft draft = Draft::of(change.model);
    change.apply(draft);
    const auto model = draft.load();
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, change.code) << model.error().message;
    for (const std::string& words : change.words)
        EXPECT_NE(model.error().message.find(words), std::string::npos) << model.error().message;
}

INSTANTIATE_TEST_SUITE_P(Files, HostileModel, testing::ValuesIn(changes()),
                         [](const auto& tested) { return test::as_identifier(tested.param.model + "_" + tested.param.name); });

// ---- what is unusual and right all the same --------------------------------------------------------------------------------

std::vector<float> logits_of(const Draft& draft) {
    const auto model = draft.load();
    EXPECT_TRUE(model) << model.error().message;
    auto session = Session::create(*model);
    const std::vector<int32_t> tokens{1, 2, 3, 50, 100};
    EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = tokens}}));
    return {session->logits(0).begin(), session->logits(0).end()};
}

TEST(UnusualModel, ExtentsOfOneMayComeAndGo) {
    const auto expected = logits_of(Draft::of("mamba2"));
    Draft draft = Draft::of("mamba2");
    for (auto& tensor : draft.tensors)
        if (tensor.name.ends_with("ssm_a") || tensor.name.ends_with("ssm_d"))
            tensor.extents = {tensor.extents[0] == 1 ? tensor.extents[1] : tensor.extents[0]};
    EXPECT_EQ(logits_of(draft), expected);
}

TEST(UnusualModel, TablesOfPositionsChangeNothing) {
    const auto expected = logits_of(Draft::of("mamba"));
    Draft draft = Draft::of("mamba");
    draft.add_tensor("rope_freqs.weight", {32});
    draft.add_tensor("blk.1.attn_rot_embd.weight", {32});
    EXPECT_EQ(logits_of(draft), expected);
}

// Zeros are what a model without biases adds; and one bias alone, or that of one layer, is added too.
TEST(UnusualModel, AnyProjectionMayHaveABias) {
    for (const std::string model : {"mamba", "mamba2"}) {
        const Draft plain = Draft::of(model);
        const auto expected = logits_of(plain);
        for (const std::string name : {"blk.1.ssm_in.bias", "blk.2.ssm_out.bias"}) {
            Draft draft = plain;
            std::string weight = name;
            weight.replace(weight.find("bias"), 4, "weight");
            draft.add_tensor(name, {draft.tensor(weight).extents[0]});
            EXPECT_EQ(logits_of(draft), expected) << model << " " << name;
            const float one_of_them = 10.0f;
            std::memcpy(draft.tensor(name).bytes.data(), &one_of_them, sizeof one_of_them);
            const auto with_bias = logits_of(draft);
            EXPECT_GT(test::nmse(with_bias, expected), 1e-6) << model << " " << name;
            draft.convert(name, DType::F16);
            EXPECT_EQ(logits_of(draft), with_bias) << model << " " << name;
        }
    }
}

TEST(UnusualModel, SmallWeightsMayBeHalfPrecision) {
    Draft draft = Draft::of("mamba");
    const auto exact = logits_of(draft);
    for (auto& tensor : Draft::of("mamba").tensors)
        if (tensor.name.ends_with("norm.weight") || tensor.name.ends_with("conv1d.weight"))
            draft.convert(tensor.name, DType::F16);
    const auto rounded = logits_of(draft);
    EXPECT_LT(test::nmse(rounded, exact), 1e-5);
    EXPECT_NE(rounded, exact) << "the half-precision weights were not used";
}

TEST(UnusualModel, QuantizedSmallWeightsAreRefusedByName) {
    Draft draft = Draft::of("mamba2");
    auto& tensor = draft.tensor("blk.0.ssm_a");
    tensor.dtype = DType::Q8_0;
    tensor.extents = {32};
    tensor.bytes.assign(34, std::byte{1});
    const auto model = draft.load();
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::corrupt_file);
    EXPECT_NE(model.error().message.find("'blk.0.ssm_a'"), std::string::npos) << model.error().message;
}

TEST(ModelErrors, FilesAndDevices) {
    const auto missing = Model::load("no/such/file.gguf");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("no/such/file.gguf"), std::string::npos) << missing.error().message;
    const auto device = Model::load_demo({.device = "abacus0"});
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().code, ErrorCode::not_found);
    EXPECT_NE(device.error().message.find("no device family 'abacus'"), std::string::npos) << device.error().message;
    EXPECT_FALSE(Model::load_demo({.device = "cpu7"}));
    EXPECT_FALSE(Model::load_demo({.device = "cpu:mmx"}));
    EXPECT_FALSE(Model::load_demo({.device = "cpu:colour=red"}));
}

}  // namespace
}  // namespace krait
