// SPDX-License-Identifier: Apache-2.0
//
// Tiles against plain loops: the emulation on every machine, the instructions where there are any, and both to the same bit.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/unit/cpu_tile_probe.hpp"

namespace krait::cpu {
namespace {

constexpr TileProduct kByteProducts[] = {TileProduct::u8s8, TileProduct::s8u8, TileProduct::s8s8, TileProduct::u8u8};

struct Shape {
    int rows, columns, depth;  // of C; depth in groups of four bytes
};
constexpr Shape kShapes[] = {{16, 16, 16}, {1, 1, 1}, {3, 16, 16}, {16, 5, 7}, {1, 16, 2}, {16, 1, 16}, {7, 9, 3}};

// Operands of one product with rows further apart than they are long; what lies between must stay.
struct Operands {
    static constexpr int64_t kStride = 80;
    static constexpr uint8_t kFiller = 0xA5;
    Shape shape;
    std::vector<uint8_t> a, b, c;

    explicit Operands(Shape s) : shape(s), a(16 * kStride, kFiller), b(16 * kStride, kFiller), c(16 * kStride, kFiller) {}
    TileOperand operand(std::vector<uint8_t>& bytes, int rows, int row_bytes) {
        return {static_cast<uint8_t>(rows), static_cast<uint16_t>(row_bytes), bytes.data(), kStride};
    }
    void multiply(const TileProbe& probe, TileProduct product) {
        probe.multiply(product, operand(c, shape.rows, 4 * shape.columns), operand(a, shape.rows, 4 * shape.depth),
                       operand(b, shape.depth, 4 * shape.columns));
    }
    uint8_t& byte_a(int m, int k) { return a[static_cast<size_t>(m * kStride + k)]; }
    // Element k of column n: B holds `group` neighbours in k beside each other.
    uint8_t& byte_b(int k, int n) { return b[static_cast<size_t>(k / 4 * kStride + 4 * n + k % 4)]; }
    template <class T>
    T get_c(int m, int n) const {
        T value;
        std::memcpy(&value, &c[static_cast<size_t>(m * kStride + 4 * n)], sizeof value);
        return value;
    }
    template <class T>
    void set_c(int m, int n, T value) {
        std::memcpy(&c[static_cast<size_t>(m * kStride + 4 * n)], &value, sizeof value);
    }
    static uint16_t bf16(float value) { return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16); }
    static float widen(uint16_t half) { return std::bit_cast<float>(static_cast<uint32_t>(half) << 16); }
    void set_a(int m, int k, float value) { put(&a[static_cast<size_t>(m * kStride + 2 * k)], value); }
    void set_b(int k, int n, float value) { put(&b[static_cast<size_t>(k / 2 * kStride + 4 * n + 2 * (k % 2))], value); }
    float get_a(int m, int k) const { return take(&a[static_cast<size_t>(m * kStride + 2 * k)]); }
    float get_b(int k, int n) const { return take(&b[static_cast<size_t>(k / 2 * kStride + 4 * n + 2 * (k % 2))]); }

  private:
    static void put(uint8_t* at, float value) {
        const uint16_t half = bf16(value);
        std::memcpy(at, &half, sizeof half);
    }
    static float take(const uint8_t* at) {
        uint16_t half;
        std::memcpy(&half, at, sizeof half);
        return widen(half);
    }
};

int64_t as_signed(uint8_t byte, bool is_signed) { return is_signed ? static_cast<int8_t>(byte) : byte; }

class CpuTiles : public testing::TestWithParam<const TileProbe*> {
  protected:
    void SetUp() override {
        if (const std::string missing = missing_for(GetParam()->level); !missing.empty())
            GTEST_SKIP() << "this machine lacks " << missing;
    }
    const TileProbe& probe() const { return *GetParam(); }
};

TEST_P(CpuTiles, ByteProductsAreExact) {
    std::mt19937 random(7);
    for (const TileProduct product : kByteProducts)
        for (const Shape shape : kShapes) {
            const bool a_signed = product == TileProduct::s8u8 || product == TileProduct::s8s8;
            const bool b_signed = product == TileProduct::u8s8 || product == TileProduct::s8s8;
            Operands x(shape);
            for (int m = 0; m < shape.rows; ++m)
                for (int k = 0; k < 4 * shape.depth; ++k) x.byte_a(m, k) = static_cast<uint8_t>(random());
            for (int k = 0; k < 4 * shape.depth; ++k)
                for (int n = 0; n < shape.columns; ++n) x.byte_b(k, n) = static_cast<uint8_t>(random());
            for (int m = 0; m < shape.rows; ++m)
                for (int n = 0; n < shape.columns; ++n) x.set_c(m, n, static_cast<int32_t>(random()) >> 4);
            Operands got = x;
            got.multiply(probe(), product);
            for (int m = 0; m < shape.rows; ++m)
                for (int n = 0; n < shape.columns; ++n) {
                    int64_t sum = x.get_c<int32_t>(m, n);
                    for (int k = 0; k < 4 * shape.depth; ++k)
                        sum += as_signed(x.byte_a(m, k), a_signed) * as_signed(x.byte_b(k, n), b_signed);
                    ASSERT_EQ(got.get_c<int32_t>(m, n), sum) << static_cast<int>(product) << ": " << m << ", " << n;
                    got.set_c(m, n, x.get_c<int32_t>(m, n));
                }
            EXPECT_EQ(got.c, x.c) << "bytes outside of C changed";
            EXPECT_EQ(got.a, x.a);
            EXPECT_EQ(got.b, x.b);
        }
}

TEST_P(CpuTiles, ByteProductsWrapAround) {
    Operands x({1, 2, 1});
    for (int k = 0; k < 4; ++k) {
        x.byte_a(0, k) = 255;
        x.byte_b(k, 0) = 127;
        x.byte_b(k, 1) = 128;  // -128
    }
    x.set_c(0, 0, INT32_MAX);
    x.set_c(0, 1, INT32_MIN);
    x.multiply(probe(), TileProduct::u8s8);
    EXPECT_EQ(x.get_c<int32_t>(0, 0), static_cast<int32_t>(INT64_C(0x7fffffff) + 4 * 255 * 127 - (INT64_C(1) << 32)));
    EXPECT_EQ(x.get_c<int32_t>(0, 1), static_cast<int32_t>(-INT64_C(0x80000000) - 4 * 255 * 128 + (INT64_C(1) << 32)));
}

TEST_P(CpuTiles, Bf16ProductsAreRight) {
    std::mt19937 random(8);
    std::normal_distribution<float> normal;
    for (const Shape shape : kShapes) {
        const int depth = 2 * shape.depth;
        Operands x(shape);
        for (int m = 0; m < shape.rows; ++m)
            for (int k = 0; k < depth; ++k) x.set_a(m, k, normal(random));
        for (int k = 0; k < depth; ++k)
            for (int n = 0; n < shape.columns; ++n) x.set_b(k, n, normal(random));
        for (int m = 0; m < shape.rows; ++m)
            for (int n = 0; n < shape.columns; ++n) x.set_c(m, n, normal(random));
        Operands got = x;
        got.multiply(probe(), TileProduct::bf16);
        for (int m = 0; m < shape.rows; ++m)
            for (int n = 0; n < shape.columns; ++n) {
                double sum = static_cast<double>(x.get_c<float>(m, n)), magnitude = std::abs(sum);
                for (int k = 0; k < depth; ++k) {
                    const double term = static_cast<double>(x.get_a(m, k)) * static_cast<double>(x.get_b(k, n));
                    sum += term;
                    magnitude += std::abs(term);
                }
                // At most depth / 2 + 2 roundings of half a unit in the last place of sums that are no larger than the
                // magnitude.
                const double bound = magnitude * (shape.depth + 2) * 0x1p-24;
                ASSERT_NEAR(static_cast<double>(got.get_c<float>(m, n)), sum, bound) << m << ", " << n;
            }
    }
}

// The order of Intel's manual: even and odd elements are summed apart, each from 0, then both together, then C.
TEST_P(CpuTiles, Bf16SumsAreAddedInTheOrderOfTheManual) {
    constexpr float kLarge = 0x1p25f;  // 1 beside it is lost
    const auto product = [&](std::initializer_list<float> row, float c) {
        Operands x({1, 1, static_cast<int>(row.size()) / 2});
        int k = 0;
        for (const float value : row) {
            x.set_a(0, k, value);
            x.set_b(k++, 0, 1.0f);
        }
        x.set_c(0, 0, c);
        x.multiply(probe(), TileProduct::bf16);
        return x.get_c<float>(0, 0);
    };
    EXPECT_EQ(product({kLarge, 1.0f, -kLarge, 1.0f}, 0.0f), 2.0f) << "the even elements cancel among themselves";
    EXPECT_EQ(product({kLarge, -kLarge, 1.0f, 1.0f}, 0.0f), 0.0f) << "the two sums meet only at the end";
    EXPECT_EQ(product({1.0f, 1.0f}, kLarge), kLarge) << "2 is half a unit of C: to even, downwards";
    EXPECT_EQ(product({1.0f, 1.0f}, kLarge + 4.0f), kLarge + 8.0f) << "to even, upwards";
    EXPECT_EQ(product({kLarge, 0.0f}, -kLarge), 0.0f);
}

// A product of two bf16 has no more bits than a float; only where it is too small for one does fusing show.
TEST_P(CpuTiles, Bf16ProductsAreFused) {
    Operands x({1, 1, 2});
    for (int k = 0; k < 4; ++k) x.set_a(0, k, 0.0f), x.set_b(k, 0, 0x1p-60f);
    x.set_a(0, 0, 0x1p-60f);
    x.set_a(0, 2, 0x1p-70f);
    x.set_c(0, 0, 0.0f);
    x.multiply(probe(), TileProduct::bf16);
    EXPECT_EQ(x.get_c<float>(0, 0), 0x1p-120f + 0x1p-130f);
}

TEST_P(CpuTiles, Bf16DenormalsAreZero) {
    const auto one = [&](float a, float b, float c) {
        Operands x({1, 1, 1});
        x.set_a(0, 0, a), x.set_b(0, 0, b), x.set_a(0, 1, 0.0f), x.set_b(1, 0, 0.0f);
        x.set_c(0, 0, c);
        x.multiply(probe(), TileProduct::bf16);
        return x.get_c<float>(0, 0);
    };
    constexpr float kSmallest = std::numeric_limits<float>::min(), kDenormal = 0x1p-130f;
    EXPECT_EQ(one(kDenormal, 0x1p100f, 0.0f), 0.0f) << "of an operand";
    EXPECT_EQ(one(0x1p-70f, 0x1p-60f, 0.0f), 0.0f) << "of a product";
    EXPECT_EQ(one(0.0f, 0.0f, kDenormal), 0.0f) << "of C";
    EXPECT_EQ(one(1.5f * kSmallest, 1.0f, -kSmallest), 0.0f) << "of the result";
    EXPECT_EQ(one(kSmallest, 1.0f, 0.0f), kSmallest) << "normal numbers stay";
    EXPECT_EQ(one(kSmallest, 1.0f, kSmallest), 2 * kSmallest);
}

TEST_P(CpuTiles, Bf16InfinitiesAndNansGoThrough) {
    constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
    Operands x({4, 1, 1});
    const float rows[] = {kInf, -kInf, kNan, 0.0f};
    for (int m = 0; m < 4; ++m) {
        x.set_a(m, 0, rows[m]), x.set_a(m, 1, 1.0f);
        x.set_c(m, 0, m == 3 ? kInf : 0.0f);
    }
    x.set_b(0, 0, 2.0f), x.set_b(1, 0, 3.0f);
    x.multiply(probe(), TileProduct::bf16);
    EXPECT_EQ(x.get_c<float>(0, 0), kInf);
    EXPECT_EQ(x.get_c<float>(1, 0), -kInf);
    EXPECT_TRUE(std::isnan(x.get_c<float>(2, 0)));
    EXPECT_EQ(x.get_c<float>(3, 0), kInf);
}

TEST_P(CpuTiles, EveryTileLoadsStoresAndClears) {
    std::mt19937 random(9);
    for (int tile = 0; tile < 8; ++tile)
        for (const auto& size : {std::pair{16, 64}, {1, 4}, {5, 12}, {16, 4}, {2, 64}}) {
            const int rows = size.first, row_bytes = size.second;
            std::vector<uint8_t> from(2000), to(2000, 0xEE);
            for (uint8_t& byte : from) byte = static_cast<uint8_t>(random());
            const auto shape = [&](std::vector<uint8_t>& bytes, size_t offset, int64_t stride) {
                return TileOperand{static_cast<uint8_t>(rows), static_cast<uint16_t>(row_bytes), bytes.data() + offset, stride};
            };
            probe().move(tile, shape(to, 3, 100), shape(from, 1700, -70), false);  // backwards, and at odd addresses
            for (size_t i = 0; i < to.size(); ++i) {
                const size_t r = i < 3 ? 99 : (i - 3) / 100, column = (i - 3) % 100;
                const bool inside = r < static_cast<size_t>(rows) && column < static_cast<size_t>(row_bytes);
                ASSERT_EQ(to[i], inside ? from[1700 - 70 * r + column] : 0xEE) << tile << ": " << i;
            }
            probe().move(tile, shape(to, 3, 100), shape(from, 0, 70), true);
            for (int r = 0; r < rows; ++r)
                for (int column = 0; column < row_bytes; ++column)
                    ASSERT_EQ(to[static_cast<size_t>(3 + 100 * r + column)], 0) << tile;
        }
}

TEST_P(CpuTiles, ThreadsHaveTilesOfTheirOwn) {
    std::atomic<int> wrong{0};
    const auto work = [&](uint8_t mine) {
        for (int round = 0; round < 300; ++round) {
            Operands x({16, 16, 16});
            std::fill(x.a.begin(), x.a.end(), mine);
            std::fill(x.b.begin(), x.b.end(), uint8_t{1});
            std::fill(x.c.begin(), x.c.end(), uint8_t{0});
            x.multiply(probe(), TileProduct::u8s8);
            for (int m = 0; m < 16; ++m) wrong += x.get_c<int32_t>(m, m) != 64 * mine;
        }
    };
    std::thread one(work, uint8_t{1}), two(work, uint8_t{2});
    work(3);
    one.join();
    two.join();
    EXPECT_EQ(wrong.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CpuTiles, testing::ValuesIn(tile_probes()),
                         [](const auto& of) { return std::string(of.param->name); });

// Where the processor would stop with an illegal instruction.
TEST(CpuTilesEmulated, WrongShapesAreSentences) {
    const TileProbe& probe = *tile_probes().front();
    std::vector<uint8_t> bytes(64 * 64);
    const auto refused = [&](std::array<int, 6> sizes, TileProduct product, std::string_view words) {
        const auto operand = [&](size_t i) {
            return TileOperand{static_cast<uint8_t>(sizes[2 * i]), static_cast<uint16_t>(sizes[2 * i + 1]), bytes.data(), 64};
        };
        try {
            probe.multiply(product, operand(0), operand(1), operand(2));
            FAIL() << "not refused: " << words;
        } catch (const std::logic_error& error) {
            EXPECT_NE(std::string_view(error.what()).find(words), std::string_view::npos) << error.what();
        }
    };
    // rows and bytes of C, A, B
    refused({17, 64, 17, 64, 16, 64}, TileProduct::u8s8, "LDTILECFG: tile 0 has 17 rows");
    refused({16, 64, 16, 68, 17, 64}, TileProduct::u8s8, "tile 1 has rows of 68 bytes");
    refused({16, 64, 0, 64, 16, 64}, TileProduct::u8s8, "tile 1 has rows without bytes, or bytes without rows");
    refused({16, 64, 0, 0, 16, 64}, TileProduct::u8s8, "TILELOADD: tile 1 is not configured");
    refused({15, 64, 16, 64, 16, 64}, TileProduct::u8s8,
            "TDPBUSD: shapes do not fit (rows x bytes): C 15 x 64, A 16 x 64, B 16 x 64");
    refused({16, 64, 16, 60, 16, 64}, TileProduct::s8s8, "TDPBSSD: shapes do not fit");
    refused({16, 32, 16, 64, 16, 64}, TileProduct::bf16, "TDPBF16PS: shapes do not fit");
    refused({16, 62, 16, 64, 16, 62}, TileProduct::u8u8, "TILELOADD: rows of tile 0 are no multiple of 4 bytes");
    EXPECT_THROW(probe.zero_without_configuration(), std::logic_error);
    // None of them left this thread's tiles in use.
    Operands x({1, 1, 1});
    EXPECT_NO_THROW(x.multiply(probe, TileProduct::s8u8));
}

TEST(CpuTilesEmulated, GivesTheBitsOfTheProcessor) {
    if (tile_probes().size() < 2) GTEST_SKIP() << "this build has no AMX";
    const TileProbe &emulated = *tile_probes()[0], &real = *tile_probes()[1];
    if (const std::string missing = missing_for(real.level); !missing.empty()) GTEST_SKIP() << "this machine lacks " << missing;
    std::mt19937 random(10);
    for (int round = 0; round < 2000; ++round) {
        // Numbers below 1, denormals among them: no NaN, of which the payload might differ.
        Operands x(kShapes[static_cast<size_t>(round) % std::size(kShapes)]);
        for (auto* bytes : {&x.a, &x.b, &x.c})
            for (size_t i = 0; i < bytes->size(); i += 2) {
                const auto half = static_cast<uint16_t>(random() & (round % 2 == 0 ? 0xbeffu : 0xbfffu));
                std::memcpy(&(*bytes)[i], &half, sizeof half);
            }
        Operands y = x;
        const TileProduct product = round % 5 < 4 ? kByteProducts[round % 5] : TileProduct::bf16;
        x.multiply(emulated, product);
        y.multiply(real, product);
        ASSERT_EQ(x.c, y.c) << "round " << round;
    }
}

}  // namespace
}  // namespace krait::cpu
