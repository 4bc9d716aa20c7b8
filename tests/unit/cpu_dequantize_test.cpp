// SPDX-License-Identifier: Apache-2.0
//
// The unpackers of each instruction set give the bits of core/quant/codec: random bytes as blocks of every format.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "core/quant/codec.hpp"
#include "tests/unit/cpu_probe.hpp"

namespace krait::cpu {
namespace {

constexpr int64_t kElements = 4 * 256;
constexpr int kRounds = 200;

class CpuDequantize : public testing::TestWithParam<const Probe*> {
  protected:
    void SetUp() override {
        if (const std::string missing = missing_for(GetParam()->level); !missing.empty())
            GTEST_SKIP() << "this machine lacks " << missing;
    }
    // The same number, sign of zero included; any NaN for a NaN (which of two NaN operands survives is the processor's choice).
    static bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

    static void expect_same(const std::vector<float>& got, const std::vector<float>& want, const DTypeInfo& format,
                            const char* what) {
        for (size_t i = 0; i < want.size(); ++i)
            ASSERT_TRUE(same(got[i], want[i]))
                << format.name << ", " << what << ", element " << i << ": " << got[i] << ", codec " << want[i];
    }
};

TEST_P(CpuDequantize, RandomBytesGiveTheBitsOfTheCodec) {
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        std::mt19937 random(static_cast<uint32_t>(format.dtype) + 1);
        // Two bytes in front: blocks lie at any even address.
        std::vector<uint8_t> bytes(static_cast<size_t>(row_bytes(format.dtype, kElements)) + 4);
        for (int round = 0; round < kRounds; ++round) {
            for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
            const uint8_t* row = bytes.data() + (format.dtype == DType::F32 ? 0 : 2 * (round % 2));
            std::vector<float> want(kElements), got(kElements, -1.0f);
            decode_row(format.dtype, row, want);
            GetParam()->unpack(format.dtype, row, 0, kElements, got.data());
            ASSERT_NO_FATAL_FAILURE(expect_same(got, want, format, "whole row"));
        }
    }
}

TEST_P(CpuDequantize, PartsOfARow) {
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        std::mt19937 random(99);
        const int64_t n = format.block_elems == 1 ? 100 : 8 * format.block_elems;
        std::vector<uint8_t> bytes(static_cast<size_t>(row_bytes(format.dtype, n)));
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
        std::vector<float> whole(static_cast<size_t>(n));
        decode_row(format.dtype, bytes.data(), whole);
        for (int64_t k0 = 0; k0 < n; k0 += format.block_elems)
            for (int64_t count = format.block_elems; k0 + count <= n; count += format.block_elems) {
                constexpr float kGuard = 12345.0f;
                std::vector<float> got(static_cast<size_t>(count) + 1, kGuard);
                GetParam()->unpack(format.dtype, bytes.data(), k0, count, got.data());
                EXPECT_EQ(got.back(), kGuard) << format.name << " writes beyond its count";
                got.pop_back();
                const std::vector<float> want(whole.begin() + k0, whole.begin() + k0 + count);
                ASSERT_NO_FATAL_FAILURE(expect_same(got, want, format, "a part"));
            }
    }
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuDequantize, testing::ValuesIn(probes()),
                         [](const auto& p) { return std::string(p.param->name); });

}  // namespace
}  // namespace krait::cpu
