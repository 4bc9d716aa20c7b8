// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that are the same on every machine: a case's data follow from its name and nothing else.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

namespace krait::harness {

// FNV-1a, 64 bits.
constexpr uint64_t seed_of(std::string_view text, uint64_t salt = 0) {
    uint64_t h = 0xcbf29ce484222325ull ^ (salt * 0x9e3779b97f4a7c15ull);
    for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
    return h;
}

// SplitMix64 (Steele, Lea and Flood 2014).
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t bits() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    // [0, 1)
    double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
    float uniform(float low, float high) { return static_cast<float>(low + (static_cast<double>(high) - low) * unit()); }
    // 0 .. n-1
    int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }
    // Twelve uniforms (Irwin and Hall): the same bits everywhere, which log and cos of a C library would not promise.
    float normal(float mean, float deviation) {
        double sum = -6.0;
        for (int i = 0; i < 3; ++i) {
            const uint64_t word = bits();  // four 16-bit uniforms, centred in their cells
            for (int k = 0; k < 4; ++k) sum += (static_cast<double>((word >> (16 * k)) & 0xffff) + 0.5) * 0x1p-16;
        }
        return static_cast<float>(mean + deviation * sum);
    }

  private:
    uint64_t state_;
};

}  // namespace krait::harness
