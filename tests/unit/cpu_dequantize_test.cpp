// SPDX-License-Identifier: Apache-2.0
//
// Weights as the kernels of each instruction set read them, against core/quant/codec: random bytes as blocks of every format.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "core/quant/codec.hpp"
#include "tests/unit/cpu_probe.hpp"

namespace krait::cpu {
namespace {

constexpr int kRounds = 20;

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

TEST_P(CpuDequantize, PartsOfAPlainRow) {
    for (const DType format : {DType::F32, DType::F16, DType::BF16}) {
        const DTypeInfo& info = dtype_info(format);
        std::mt19937 random(99);
        constexpr int64_t kElements = 100;
        std::vector<uint8_t> bytes(static_cast<size_t>(row_bytes(format, kElements)));
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
        std::vector<float> whole(kElements);
        decode_row(format, bytes.data(), whole);
        for (int64_t k0 = 0; k0 < kElements; k0 += 7)
            for (int64_t count = 1; k0 + count <= kElements; ++count) {
                constexpr float kGuard = 12345.0f;
                std::vector<float> got(static_cast<size_t>(count) + 1, kGuard);
                GetParam()->unpack_plain(format, bytes.data(), k0, count, got.data());
                EXPECT_EQ(got.back(), kGuard) << info.name << " writes beyond its count";
                got.pop_back();
                const std::vector<float> want(whole.begin() + k0, whole.begin() + k0 + count);
                ASSERT_NO_FATAL_FAILURE(expect_same(got, want, info, "a part"));
            }
    }
}

TEST_P(CpuDequantize, PanelsHoldTheValuesOfTheCodecAndGiveTheFilesBytesBack) {
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format || !is_quantized(format.dtype)) continue;
        std::mt19937 random(static_cast<uint32_t>(format.dtype) + 1);
        const int64_t d_in = format.block_elems == 32 ? 7 * 32 : 3 * 256;
        const auto stride = static_cast<size_t>(row_bytes(format.dtype, d_in));
        for (const int64_t n_rows : {1, 5, 16})
            for (int round = 0; round < kRounds; ++round) {
                std::vector<uint8_t> rows(static_cast<size_t>(n_rows) * stride), restored(rows.size());
                for (uint8_t& byte : rows) byte = static_cast<uint8_t>(random());
                std::vector<float> got(static_cast<size_t>(n_rows * d_in)), want(static_cast<size_t>(d_in));
                GetParam()->through_panel(format.dtype, rows.data(), n_rows, d_in, got.data(), restored.data());
                ASSERT_EQ(rows, restored) << format.name << ", " << n_rows << " rows";
                for (int64_t n = 0; n < n_rows; ++n) {
                    decode_row(format.dtype, rows.data() + static_cast<size_t>(n) * stride, want);
                    for (int64_t k = 0; k < d_in; ++k) {
                        const float a = got[static_cast<size_t>(n * d_in + k)], b = want[static_cast<size_t>(k)];
                        // The sign of a zero may differ: q - offset comes first, the minimum is taken off as one.
                        ASSERT_TRUE(same(a, b) || a == b) << format.name << ", row " << n << " of " << n_rows << ", element "
                                                          << k << ": " << a << ", codec " << b;
                    }
                }
            }
    }
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuDequantize, testing::ValuesIn(probes()),
                         [](const auto& p) { return std::string(p.param->name); });

}  // namespace
}  // namespace krait::cpu
