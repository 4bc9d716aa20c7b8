// SPDX-License-Identifier: Apache-2.0
//
// Whole families of damaged files: cut at every byte, every header byte changed to every value, the fuzzer's seeds. None may
// crash; which error each one gets is the subject of gguf_hostile_test.cpp.
#include <gtest/gtest.h>

#include "tests/main/paths.hpp"
#include "tests/models/gguf_bytes.hpp"
#include "tests/models/gguf_touch.hpp"

namespace krait {
namespace {

using test::Bytes;
using test::RawLayout;

constexpr uint64_t kMax = UINT64_MAX;

// Slow builds try 16 values a byte, 0 and 255 among them.
#if defined(KRAIT_QUICK_TESTS) && KRAIT_QUICK_TESTS
constexpr int kValueStep = 17;
#else
constexpr int kValueStep = 1;
#endif

// Bytes in a block of their own, so that a sanitizer sees one read too far.
Result<GgufFile> parse_copy(std::span<const std::byte> bytes, std::vector<std::byte>& copy) {
    copy.assign(bytes.begin(), bytes.end());
    copy.shrink_to_fit();
    return GgufFile::parse(copy, "hostile.gguf");
}

TEST(GgufSweep, TruncatedAtEveryByteIsAnError) {
    const Bytes bytes = test::sample_gguf().build();
    std::vector<std::byte> copy;
    for (size_t size = 0; size < bytes.size(); ++size) {
        const auto file = parse_copy(bytes.span().first(size), copy);
        ASSERT_FALSE(file) << size << " of " << bytes.size() << " bytes were accepted";
        EXPECT_EQ(file.error().code, ErrorCode::corrupt_file) << size;
        EXPECT_NE(file.error().message.find(" at byte "), std::string::npos) << file.error().message;
    }
}

TEST(GgufSweep, AnyByteOfTheHeaderMayBeAnything) {
    RawLayout layout;
    Bytes bytes = test::sample_gguf().build(&layout);
    std::vector<std::byte> copy;
    size_t refused = 0, tried = 0;
    for (size_t at = 0; at < layout.header_end; ++at) {
        const std::byte original = bytes[at];
        for (int value = 0; value < 256; value += kValueStep, ++tried) {
            bytes[at] = static_cast<std::byte>(value);
            if (const auto file = parse_copy(bytes.span(), copy)) test::touch_everything(*file);
            else if (++refused; file.error().message.find(" at byte ") == std::string::npos)
                ADD_FAILURE() << "byte " << at << " = " << value << ": " << file.error().message;
        }
        bytes[at] = original;
    }
    EXPECT_GT(refused * 4, tried);  // names and values may well change; counts, lengths, types and places may not
}

TEST(GgufSweep, AnyEightBytesMayBeAnExtremeNumber) {
    RawLayout layout;
    const Bytes good = test::sample_gguf().build(&layout);
    std::vector<std::byte> copy;
    for (const uint64_t value : {kMax, kMax >> 1, uint64_t{1} << 63, uint64_t{1} << 32, uint64_t{UINT32_MAX}, uint64_t{0}})
        for (size_t at = 0; at + 8 <= layout.header_end; ++at) {
            Bytes bytes = good;
            bytes.overwrite(at, value);
            if (const auto file = parse_copy(bytes.span(), copy)) test::touch_everything(*file);
            else EXPECT_NE(file.error().message.find(" at byte "), std::string::npos) << file.error().message;
        }
}

// The fuzzer's corpus, replayed where there is no fuzzer. Its two files that no reader of ours takes say so.
TEST(GgufSweep, SeedsOfTheFuzzerAreReadOrRefusedAsTheyShould) {
    const std::filesystem::path folder = std::filesystem::path(test::kTestsFolder) / "fuzz" / "corpus" / "gguf";
    size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().stem();
        const auto file = GgufFile::open(entry.path());
        ++seen;
        if (name == "version_1" || name == "big_endian") {
            ASSERT_FALSE(file) << name;
            EXPECT_EQ(file.error().code, ErrorCode::unsupported) << file.error().message;
        } else {
            ASSERT_TRUE(file) << file.error().message;
            test::touch_everything(*file);
        }
    }
    EXPECT_GE(seen, 15u);
}

}  // namespace
}  // namespace krait
