// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that are the same on every machine and compiler. The engines of <random> are specified, but its
// distributions are not: std::uniform_real_distribution gives other numbers in another library.
//
//   generator   xoshiro256**: D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators",
//               ACM Transactions on Mathematical Software 47(4), 2021. Period 2^256 - 1.
//   seeding     SplitMix64: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
//               Four outputs of it are never all zero, the one state that xoshiro must not have.
//   uniform     the upper 53 bits / 2^53: in [0, 1), each multiple of 2^-53 as likely as another.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace krait {

class Random {
  public:
    using State = std::array<uint64_t, 4>;

    explicit constexpr Random(uint64_t seed) {
        for (uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio, odd
            uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            word = z ^ (z >> 31);
        }
    }
    // The state must not be all zero.
    explicit constexpr Random(const State& state) : state_(state) {}

    [[nodiscard]] constexpr uint64_t next() {
        const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    [[nodiscard]] constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

    [[nodiscard]] constexpr const State& state() const { return state_; }

  private:
    State state_{};
};

}  // namespace krait
