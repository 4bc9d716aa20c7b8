// SPDX-License-Identifier: Apache-2.0
//
// The features that each level asks of a machine, with machines that do not exist.
#include "backends/cpu/instruction_sets.hpp"

#include <gtest/gtest.h>

namespace krait::cpu {
namespace {

int asked = 0;
std::string give_tiles() { return ++asked, ""; }
std::string refuse_tiles() { return ++asked, "the permission to use AMX tiles"; }

// Everything but what is named.
Machine machine_without(std::initializer_list<Feature> missing, std::string (*ask)() = give_tiles) {
    Machine machine{.is_x86_64 = true, .features = {}, .ask_for_tiles = ask};
    machine.features.fill(true);
    for (const Feature feature : missing) machine.features[static_cast<size_t>(feature)] = false;
    asked = 0;
    return machine;
}

constexpr Level kAll[] = {Level::portable, Level::avx2, Level::avx512, Level::amx, Level::amx_emulated};

TEST(CpuInstructionSets, AMachineWithEverythingSuitsAll) {
    const Machine machine = machine_without({});
    for (const Level level : kAll) EXPECT_EQ(missing_for(level, machine), "") << static_cast<int>(level);
    EXPECT_EQ(asked, 1) << "tiles are asked for by amx alone";
}

TEST(CpuInstructionSets, EachLevelNamesTheFirstThingThatItLacks) {
    const auto expect = [](Level level, std::initializer_list<Feature> missing, const char* named) {
        EXPECT_EQ(missing_for(level, machine_without(missing)), named) << static_cast<int>(level);
    };
    expect(Level::portable, {Feature::sse2, Feature::avx2}, "");
    expect(Level::avx2, {Feature::fma, Feature::f16c}, "fma");
    expect(Level::avx2, {Feature::avx512f, Feature::avx512vnni}, "");
    expect(Level::avx512, {Feature::f16c}, "f16c");
    expect(Level::avx512, {Feature::avx512vl, Feature::amx_tile}, "avx512vl");
    expect(Level::avx512, {Feature::avx512vnni}, "avx512vnni");  // Skylake
    expect(Level::avx512, {Feature::avx512bf16}, "");            // Ice Lake
    expect(Level::amx, {Feature::avx512bf16, Feature::amx_tile}, "avx512bf16");
    expect(Level::amx, {Feature::amx_tile, Feature::amx_int8, Feature::amx_bf16}, "amx-tile");  // Zen 4
    expect(Level::amx, {Feature::amx_bf16}, "amx-bf16");
    expect(Level::amx_emulated, {Feature::amx_tile, Feature::amx_int8, Feature::amx_bf16}, "");
    expect(Level::amx_emulated, {Feature::avx512bf16}, "avx512bf16");
    EXPECT_EQ(asked, 0) << "nobody asks for tiles that the machine does not have";
}

TEST(CpuInstructionSets, TilesMayBeRefused) {
    const Machine machine = machine_without({}, refuse_tiles);
    EXPECT_EQ(missing_for(Level::amx, machine), "the permission to use AMX tiles");
    EXPECT_EQ(missing_for(Level::avx512, machine), "");
    EXPECT_EQ(asked, 1);
}

TEST(CpuInstructionSets, OtherProcessorsHaveThePortableLevel) {
    const Machine machine{};
    EXPECT_EQ(missing_for(Level::portable, machine), "");
    for (const Level level : {Level::avx2, Level::avx512, Level::amx, Level::amx_emulated})
        EXPECT_EQ(missing_for(level, machine), "an x86-64 processor");
}

TEST(CpuInstructionSets, MoreInstructionsScoreHigherAndTheEmulationLowest) {
    EXPECT_GT(score_of(Level::amx), score_of(Level::avx512));
    EXPECT_GT(score_of(Level::avx512), score_of(Level::avx2));
    EXPECT_GT(score_of(Level::avx2), score_of(Level::portable));
    EXPECT_GT(score_of(Level::portable), score_of(Level::amx_emulated));
    EXPECT_GT(score_of(Level::amx_emulated), 0u);
}

TEST(CpuInstructionSets, ThisMachineIsConsistent) {
    EXPECT_STREQ(feature_name(Feature::sse2), "sse2");
    EXPECT_STREQ(feature_name(Feature::amx_bf16), "amx-bf16");
    // A level includes those below it.
    EXPECT_TRUE(!missing_for(Level::amx).empty() || missing_for(Level::amx_emulated).empty());
    EXPECT_TRUE(!missing_for(Level::amx_emulated).empty() || missing_for(Level::avx512).empty());
    EXPECT_TRUE(!missing_for(Level::avx512).empty() || missing_for(Level::avx2).empty());
    // Once given, tiles stay given.
    EXPECT_EQ(missing_for(Level::amx), missing_for(Level::amx));
}

}  // namespace
}  // namespace krait::cpu
