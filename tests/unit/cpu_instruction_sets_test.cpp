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

// Everything but what is named. There is no such processor: it is an x86-64 and an ARM.
Machine machine_without(std::initializer_list<Feature> missing, std::string (*ask)() = give_tiles) {
    Machine machine{.is_x86_64 = true, .is_aarch64 = true, .features = {}, .ask_for_tiles = ask};
    machine.features.fill(true);
    for (const Feature feature : missing) machine.features[static_cast<size_t>(feature)] = false;
    asked = 0;
    return machine;
}

constexpr Level kNative[] = {Level::portable, Level::avx2, Level::avxvnni, Level::avx512bw, Level::avx512, Level::amx};
constexpr Level kArm[] = {Level::portable, Level::neon, Level::i8mm};
constexpr Level kEmulated[] = {Level::avx2_emulated, Level::avxvnni_emulated, Level::avx512bw_emulated, Level::avx512_emulated,
                               Level::amx_emulated};

TEST(CpuInstructionSets, AMachineWithEverythingSuitsAll) {
    const Machine machine = machine_without({});
    for (const Level level : kNative) EXPECT_EQ(missing_for(level, machine), "") << static_cast<int>(level);
    for (const Level level : kArm) EXPECT_EQ(missing_for(level, machine), "") << static_cast<int>(level);
    for (const Level level : kEmulated) EXPECT_EQ(missing_for(level, machine), "") << static_cast<int>(level);
    EXPECT_EQ(asked, 1) << "tiles are asked for by amx alone";
}

TEST(CpuInstructionSets, EachLevelNamesAllThatItLacks) {
    const auto expect = [](Level level, std::initializer_list<Feature> missing, const char* named) {
        EXPECT_EQ(missing_for(level, machine_without(missing)), named) << static_cast<int>(level);
    };
    expect(Level::portable, {Feature::sse2, Feature::avx2}, "");
    expect(Level::avx2, {Feature::fma, Feature::f16c}, "fma, f16c");
    expect(Level::avx2, {Feature::avxvnni, Feature::avx512f, Feature::avx512vnni}, "");
    expect(Level::avxvnni, {Feature::avxvnni}, "avxvnni");
    expect(Level::avxvnni, {Feature::avx512f, Feature::avx512vnni}, "");  // Alder Lake
    expect(Level::avx512, {Feature::f16c}, "f16c");
    expect(Level::avx512, {Feature::avx512vl, Feature::amx_tile}, "avx512vl");
    expect(Level::avx512, {Feature::avxvnni, Feature::avx512bf16}, "");  // Ice Lake
    expect(Level::avx512, {Feature::avx512vnni}, "avx512vnni");
    expect(Level::avx512bw, {Feature::avxvnni, Feature::avx512vnni}, "");  // Skylake
    expect(Level::avx512bw, {Feature::avx512dq}, "avx512dq");
    expect(Level::amx, {Feature::avx512bf16, Feature::amx_tile}, "avx512bf16, amx-tile");
    expect(Level::amx, {Feature::amx_tile, Feature::amx_int8, Feature::amx_bf16}, "amx-tile, amx-int8, amx-bf16");  // Zen 4
    expect(Level::neon, {Feature::asimddp, Feature::i8mm}, "asimddp");  // Cortex-A72
    expect(Level::neon, {Feature::i8mm}, "");                           // Neoverse N1
    expect(Level::i8mm, {Feature::i8mm}, "i8mm");
    expect(Level::i8mm, {Feature::atomics, Feature::asimddp}, "atomics, asimddp");
    for (const Level level : kEmulated) expect(level, {Feature::avx, Feature::avx2, Feature::avx512f, Feature::amx_tile}, "");
    EXPECT_EQ(asked, 0) << "nobody asks for tiles that the machine does not have";
}

TEST(CpuInstructionSets, WhoHidesAFeatureIsSaid) {
    Machine machine = machine_without({Feature::amx_tile, Feature::amx_int8});
    machine.is_virtual = true;
    EXPECT_EQ(missing_for(Level::amx, machine),
              "amx-tile, amx-int8 (this is a virtual machine: its hypervisor may hide what the processor has)");
    EXPECT_EQ(missing_for(Level::avx512, machine), "");
    machine.unsaved[static_cast<size_t>(Feature::amx_tile)] = machine.unsaved[static_cast<size_t>(Feature::amx_int8)] = true;
    EXPECT_EQ(
        missing_for(Level::amx, machine),
        "amx-tile, amx-int8 (the processor has amx-tile, amx-int8, but the operating system does not save the registers)");
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
    for (const Level level : {Level::avx2, Level::avxvnni, Level::avx512bw, Level::avx512, Level::amx})
        EXPECT_EQ(missing_for(level, machine), "an x86-64 processor");
    for (const Level level : kEmulated) EXPECT_EQ(missing_for(level, machine), "an x86-64 processor");
    for (const Level level : {Level::neon, Level::i8mm}) EXPECT_EQ(missing_for(level, machine), "a 64-bit ARM processor");
}

TEST(CpuInstructionSets, MoreInstructionsScoreHigherAndEmulationsLowest) {
    for (size_t i = 1; i < std::size(kNative); ++i) EXPECT_GT(score_of(kNative[i]), score_of(kNative[i - 1]));
    for (size_t i = 1; i < std::size(kArm); ++i) EXPECT_GT(score_of(kArm[i]), score_of(kArm[i - 1]));
    for (const Level level : kEmulated) {
        EXPECT_GT(score_of(Level::portable), score_of(level));
        EXPECT_GT(score_of(level), 0u);
    }
}

TEST(CpuInstructionSets, ThisMachineIsConsistent) {
    EXPECT_STREQ(feature_name(Feature::sse2), "sse2");
    EXPECT_STREQ(feature_name(Feature::amx_bf16), "amx-bf16");
    EXPECT_STREQ(feature_name(Feature::i8mm), "i8mm");
    // A level includes those below it.
    EXPECT_TRUE(!missing_for(Level::amx).empty() || missing_for(Level::avx512).empty());
    EXPECT_TRUE(!missing_for(Level::avxvnni).empty() || missing_for(Level::avx2).empty());
    EXPECT_TRUE(!missing_for(Level::i8mm).empty() || missing_for(Level::neon).empty());
    EXPECT_TRUE(!missing_for(Level::avx512).empty() || missing_for(Level::avx512bw).empty());
    EXPECT_TRUE(!missing_for(Level::avx512bw).empty() || missing_for(Level::avx2).empty());
    // Once given, tiles stay given.
    EXPECT_EQ(missing_for(Level::amx), missing_for(Level::amx));
}

}  // namespace
}  // namespace krait::cpu
