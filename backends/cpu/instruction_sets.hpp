// SPDX-License-Identifier: Apache-2.0
//
// The instruction-set levels that the cpu plugins are built for, and what of them a machine has. Compiled without
// instruction-set flags: all of it runs on any machine, also where the kernels of this plugin would not.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace krait::cpu {

// One plugin each; the names are the variants'. The emulated ones are built from the same sources as the levels that they are
// named after, with registers made of SSE2's (simd/intrinsics.hpp) and tiles in plain C++ (simd/tiles.hpp).
enum class Level {
    portable,
    neon,
    i8mm,
    avx2,
    avxvnni,
    avx512bw,
    avx512,
    amx,
    avx2_emulated,
    avxvnni_emulated,
    avx512bw_emulated,
    avx512_emulated,
    amx_emulated
};

enum class Feature : uint8_t {
    sse2,
    avx,
    avx2,
    fma,
    f16c,
    avxvnni,
    avx512f,
    avx512bw,
    avx512dq,
    avx512vl,
    avx512vnni,
    avx512bf16,
    amx_tile,
    amx_int8,
    amx_bf16,
    asimd,
    atomics,
    asimddp,
    i8mm
};
inline constexpr size_t kFeatures = 19;

// "avx512bw", "amx-tile"; those of ARM as Linux has them in /proc/cpuinfo
const char* feature_name(Feature feature);

using Features = std::array<bool, kFeatures>;

struct Machine {
    bool is_x86_64 = false;
    bool is_aarch64 = false;
    bool is_virtual = false;  // a hypervisor says that it is there
    Features features{};      // the processor has it, and the operating system saves its registers
    Features unsaved{};       // the processor has it, but the operating system does not save its registers
    // Asks the operating system to let this process use AMX tiles: "" where it does (from then on, for all threads), else
    // what is missing.
    std::string (*ask_for_tiles)() = nullptr;

    bool has(Feature feature) const { return features[static_cast<size_t>(feature)]; }
};

const Machine& this_machine();

// "" where the machine has all of the level, else all that it lacks: "avx512vnni, avx512bf16", and where that lies if it is
// not the processor. Tiles are asked for only where nothing else is missing, and only for Level::amx.
std::string missing_for(Level level, const Machine& machine = this_machine());

// The score of a plugin of the level on a machine that has all of it: the highest serves the device.
constexpr uint32_t score_of(Level level) {
    switch (level) {
        case Level::amx: return 40;
        case Level::avx512: return 30;
        case Level::avx512bw: return 27;
        case Level::avxvnni: return 25;
        case Level::avx2: return 20;
        case Level::i8mm: return 25;
        case Level::neon: return 20;
        case Level::portable: return 10;
        case Level::avx2_emulated:
        case Level::avxvnni_emulated:
        case Level::avx512bw_emulated:
        case Level::avx512_emulated:
        case Level::amx_emulated: return 1;  // for tests: slower than all others, and used only when named
    }
    return 0;
}

}  // namespace krait::cpu
