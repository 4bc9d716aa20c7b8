// SPDX-License-Identifier: Apache-2.0
//
// The codec against what another implementation, the Python package gguf, makes of the same blocks: bit for bit, NaN equal to
// NaN. data/make_quant_golden.py made the file and describes it.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/quant/codec.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

enum Kind : uint32_t { kDecode = 0, kDecodeHash = 1, kEncode = 2 };

struct Section {
    uint32_t kind;
    DType dtype;
    uint32_t blocks;
    std::vector<char> input;     // blocks, or f32 weights for kEncode
    std::vector<char> expected;  // f32 values, hashes, or blocks
    size_t elements() const { return static_cast<size_t>(blocks) * static_cast<size_t>(dtype_info(dtype).block_elems); }
};

class File {
  public:
    explicit File(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(in), {});
    }
    std::vector<char> take(size_t n) {
        if (n > bytes_.size() - at_) {
            ADD_FAILURE() << "the golden file ends at " << bytes_.size() << ", " << n << " bytes are expected at " << at_;
            return std::vector<char>(n);
        }
        at_ += n;
        return {bytes_.begin() + static_cast<std::ptrdiff_t>(at_ - n), bytes_.begin() + static_cast<std::ptrdiff_t>(at_)};
    }
    uint32_t take_u32() {
        uint32_t value;
        std::memcpy(&value, take(4).data(), 4);
        return value;
    }
    bool at_end() const { return at_ == bytes_.size(); }

  private:
    std::vector<char> bytes_;
    size_t at_ = 0;
};

const std::vector<Section>& sections() {
    static const std::vector<Section> all = [] {
        File file(std::filesystem::path(test::kTestsFolder) / "unit/data/quant_golden.bin");
        std::vector<Section> read;
        const std::vector<char> magic = file.take(8);
        EXPECT_EQ(std::string(magic.begin(), magic.end()), "KRAITQG1");
        const uint32_t count = file.take_u32();
        for (uint32_t i = 0; i < count && !file.at_end(); ++i) {
            Section s{};
            s.kind = file.take_u32();
            const uint32_t id = file.take_u32();
            s.blocks = file.take_u32();
            if (!find_dtype(id)) {
                ADD_FAILURE() << "section " << i << " is of type " << id;
                break;
            }
            s.dtype = static_cast<DType>(id);
            const size_t block_bytes = s.blocks * static_cast<size_t>(dtype_info(s.dtype).block_bytes);
            s.input = file.take(s.kind == kEncode ? s.elements() * sizeof(float) : block_bytes);
            s.expected = file.take(s.kind == kEncode   ? block_bytes
                                   : s.kind == kDecode ? s.elements() * sizeof(float)
                                                       : s.blocks * 8u);
            read.push_back(std::move(s));
        }
        EXPECT_TRUE(file.at_end());
        return read;
    }();
    return all;
}

uint32_t comparable_bits(float value) { return std::isnan(value) ? 0x7FC00000u : std::bit_cast<uint32_t>(value); }

TEST(QuantGolden, EveryFormatIsInTheFile) {
    std::map<uint32_t, std::set<DType>> seen;
    for (const Section& s : sections()) seen[s.kind].insert(s.dtype);
    for (const DTypeInfo& info : kDTypes) {
        if (!info.is_weight_format || info.dtype == DType::F32) continue;
        EXPECT_TRUE(seen[kDecode].count(info.dtype)) << info.name;
        EXPECT_EQ(seen[kDecodeHash].count(info.dtype), info.block_elems > 1 ? 1u : 0u) << info.name;
    }
    EXPECT_EQ(seen[kEncode].size(), 7u);
}

TEST(QuantGolden, DecodingIsBitExact) {
    for (const Section& s : sections()) {
        if (s.kind != kDecode) continue;
        std::vector<float> expected(s.elements()), actual(s.elements());
        std::memcpy(expected.data(), s.expected.data(), s.expected.size());
        decode_row(s.dtype, s.input.data(), actual);
        size_t wrong = 0;
        for (size_t i = 0; i < actual.size() && wrong < 5; ++i) {
            if (comparable_bits(actual[i]) == comparable_bits(expected[i])) continue;
            ++wrong;
            ADD_FAILURE() << dtype_name(s.dtype) << " block " << i / static_cast<size_t>(dtype_info(s.dtype).block_elems)
                          << " element " << i % static_cast<size_t>(dtype_info(s.dtype).block_elems) << ": " << actual[i]
                          << ", not " << expected[i];
        }
    }
}

TEST(QuantGolden, DecodingOfManyBlocksHasTheSameHashes) {
    for (const Section& s : sections()) {
        if (s.kind != kDecodeHash) continue;
        const size_t elems = static_cast<size_t>(dtype_info(s.dtype).block_elems);
        const size_t bytes = static_cast<size_t>(dtype_info(s.dtype).block_bytes);
        for (size_t block = 0; block < s.blocks; ++block) {
            std::vector<float> values(elems);
            decode_row(s.dtype, s.input.data() + block * bytes, values);
            uint64_t hash = 0xCBF29CE484222325u, expected;
            for (const float v : values) hash = (hash ^ comparable_bits(v)) * 0x100000001B3u;
            std::memcpy(&expected, s.expected.data() + block * 8, 8);
            EXPECT_EQ(hash, expected) << dtype_name(s.dtype) << " block " << block;
        }
    }
}

TEST(QuantGolden, EncodingOfPlainFormatsIsByteExact) {
    for (const Section& s : sections()) {
        if (s.kind != kEncode) continue;
        std::vector<float> weights(s.elements());
        std::memcpy(weights.data(), s.input.data(), s.input.size());
        std::vector<char> actual(s.expected.size());
        encode_row(s.dtype, weights, actual.data());
        const size_t bytes = static_cast<size_t>(dtype_info(s.dtype).block_bytes);
        for (size_t block = 0; block < s.blocks; ++block)
            EXPECT_EQ(std::memcmp(actual.data() + block * bytes, s.expected.data() + block * bytes, bytes), 0)
                << dtype_name(s.dtype) << " block " << block;
    }
}

}  // namespace
}  // namespace krait
