// SPDX-License-Identifier: Apache-2.0
//
// The format headers: set_* and *_at are inverses that touch nothing else, and visit_block reaches every format.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <string>

#include "core/quant/blocks.hpp"

namespace krait {
namespace {

template <class Block>
concept HasQuants = requires(Block b) {
    set_quant(b, 0, 0);
};
template <class Block>
concept HasScales = requires(Block b) {
    set_scale(b, 0, 0);
};
template <class Block>
concept HasMinima = requires(Block b) {
    set_min(b, 0, 0);
};

template <class Block>
struct Format;
#define KRAIT_FORMAT(id, Name, elems, bytes)         \
    template <>                                      \
    struct Format<Block##Name> {                     \
        static constexpr DType kDType = DType::Name; \
    };
#include "core/quant/formats.def"

template <class Block>
Block random_block(std::mt19937& random) {
    Block b;
    unsigned char bytes[sizeof(Block)];
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random());
    std::memcpy(&b, bytes, sizeof(Block));
    return b;
}

// The argument of set_quant that stores what quant_at gave: the level's index for the codebook formats.
template <class Block>
int storable(const Block&, int quant) {
    if constexpr (std::is_same_v<Block, BlockIQ4_NL> || std::is_same_v<Block, BlockIQ4_XS>) {
        int index = 0;
        while (iq4_level(index) != quant) ++index;
        return index;
    }
    return quant;
}

// Copies a random block field by field into another random one: every bit must be reached by exactly one accessor.
template <class Block>
void copy_by_accessors(std::mt19937& random) {
    const Block from = random_block<Block>(random);
    Block to = random_block<Block>(random);
    constexpr int kElems = block_elems<Block>;
    constexpr int kSubBlocks =
        std::is_same_v<Block, BlockQ4_K> || std::is_same_v<Block, BlockQ5_K> || std::is_same_v<Block, BlockIQ4_XS> ? 8 : 16;
    for (int i = 0; i < kElems; ++i) set_quant(to, i, storable(from, quant_at(from, i)));
    if constexpr (HasScales<Block>)
        for (int j = 0; j < kSubBlocks; ++j) set_scale(to, j, scale_at(from, j));
    if constexpr (HasMinima<Block>)
        for (int j = 0; j < kSubBlocks; ++j) set_min(to, j, min_at(from, j));
    to.d = from.d;
    if constexpr (requires { to.m; }) to.m = from.m;
    if constexpr (requires { to.dmin; }) to.dmin = from.dmin;
    EXPECT_EQ(std::memcmp(&to, &from, sizeof(Block)), 0) << dtype_name(Format<Block>::kDType);
}

TEST(QuantBlock, AccessorsCoverEveryBitOfEveryFormat) {
    std::mt19937 random(2);
    std::set<std::string> visited;
    for (const DTypeInfo& info : kDTypes) {
        const bool known = visit_block(info.dtype, [&]<class Block>() {
            visited.insert(info.name);
            EXPECT_EQ(static_cast<int>(sizeof(Block)), info.block_bytes) << info.name;
            EXPECT_EQ(block_elems<Block>, info.block_elems) << info.name;
            EXPECT_EQ(Format<Block>::kDType, info.dtype) << info.name;
            if constexpr (HasQuants<Block>)
                for (int repeat = 0; repeat < 50; ++repeat) copy_by_accessors<Block>(random);
        });
        EXPECT_EQ(known, info.is_weight_format) << info.name;
    }
    EXPECT_EQ(visited.size(), 15u);
}

// The formulas at one known point each, in constant expressions.
TEST(QuantBlock, ValuesFollowTheFormulas) {
    constexpr uint16_t kHalf = 0x3800, kQuarter = 0x3400;  // 0.5 and 0.25
    constexpr float kQ4K = [] {
        BlockQ4_K b{};
        b.d = kHalf;
        b.dmin = kQuarter;
        set_scale(b, 7, 63);
        set_min(b, 7, 40);
        set_quant(b, 255, 15);
        return value_at(b, 255);
    }();
    static_assert(kQ4K == 0.5f * 63 * 15 - 0.25f * 40);
    constexpr float kQ3K = [] {
        BlockQ3_K b{};
        b.d = kHalf;
        set_scale(b, 9, -32);
        set_quant(b, 150, 3);
        return value_at(b, 150);
    }();
    static_assert(kQ3K == 0.5f * -32 * 3);
    constexpr float kIq4Xs = [] {
        BlockIQ4_XS b{};
        b.d = kQuarter;
        set_scale(b, 3, 31);
        set_quant(b, 100, 15);
        return value_at(b, 100);
    }();
    static_assert(kIq4Xs == 0.25f * 31 * 113);
    // A single bit in the block must give a single changed weight.
    BlockQ5_0 b{};
    b.d = kHalf;
    b.qh[2] = 0x10;  // weight 20
    for (int i = 0; i < 32; ++i) EXPECT_EQ(value_at(b, i), i == 20 ? 0.0f : -8.0f) << i;
}

}  // namespace
}  // namespace krait
