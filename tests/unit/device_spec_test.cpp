// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/device_spec.hpp"

#include <gtest/gtest.h>

namespace krait {
namespace {

TEST(DeviceSpec, Reads) {
    const auto read = [](std::string_view text, std::string_view family, uint32_t index, std::string_view variant,
                         std::string_view options) {
        const auto spec = parse_device_spec(text);
        ASSERT_TRUE(spec) << spec.error().message;
        EXPECT_EQ(spec->family, family) << text;
        EXPECT_EQ(spec->index, index) << text;
        EXPECT_EQ(spec->variant, variant) << text;
        EXPECT_EQ(spec->options, options) << text;
    };
    read("cpu", "cpu", 0, "", "");
    read("cuda1", "cuda", 1, "", "");
    read("cuda12", "cuda", 12, "", "");
    read("cpu:avx2", "cpu", 0, "avx2", "");
    read("cpu:avx512:threads=2", "cpu", 0, "avx512", "threads=2");
    read("cpu:threads=2", "cpu", 0, "", "threads=2");
    read("cpu:threads=2:pin=1", "cpu", 0, "", "threads=2:pin=1");
    read("gpu3:k=v:x", "gpu", 3, "x", "k=v");
    const auto automatic = parse_device_spec("auto");
    ASSERT_TRUE(automatic);
    EXPECT_TRUE(automatic->is_auto());
}

TEST(DeviceSpec, RefusesWithASentence) {
    const auto refused = [](std::string_view text, std::string_view word) {
        const auto spec = parse_device_spec(text);
        ASSERT_FALSE(spec) << text;
        EXPECT_EQ(spec.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(spec.error().message.find(word), std::string::npos) << spec.error().message;
    };
    refused("", "no name");
    refused("7", "no name");
    refused(":avx2", "no name");
    refused("cpu:", "empty word");
    refused("cpu::threads=2", "empty word");
    refused("cpu:avx2:avx512", "two variants");
    refused("cuda99999999999", "too large");
    refused("auto:threads=2", "'auto'");
    refused("auto0", "'auto'");
}

TEST(DeviceSpec, ReadsLists) {
    const auto list = parse_device_list("cuda0,cpu:threads=1");
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 2u);
    EXPECT_EQ((*list)[0].family, "cuda");
    EXPECT_EQ((*list)[1].options, "threads=1");
    const auto spaced = parse_device_list("cuda0, cpu ");
    ASSERT_TRUE(spaced);
    EXPECT_EQ((*spaced)[1].family, "cpu");
    EXPECT_FALSE(parse_device_list("cpu,"));
    EXPECT_FALSE(parse_device_list(""));
    EXPECT_FALSE(parse_device_list("cpu,,cpu"));
}

TEST(DeviceSpec, ACommaInFrontOfADigitBelongsToTheOption) {
    const auto list = parse_device_list("cpu:affinity=0,2-3,cuda0, reference");
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 3u);
    EXPECT_EQ((*list)[0].options, "affinity=0,2-3");
    EXPECT_EQ((*list)[1].family, "cuda");
    EXPECT_EQ(split_device_list("cpu:affinity=0, 1:threads=2"), (std::vector<std::string>{"cpu:affinity=0,1:threads=2"}));
    const auto without_option = parse_device_list("cuda0,1");
    ASSERT_FALSE(without_option);
    EXPECT_NE(without_option.error().message.find("device '1' has no name"), std::string::npos);
}

}  // namespace
}  // namespace krait
