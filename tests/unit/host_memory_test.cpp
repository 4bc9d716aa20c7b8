// SPDX-License-Identifier: Apache-2.0
//
// Memory of backends in host memory: allocations that share blocks of large pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "backends/common/host_device.hpp"

namespace krait::plugin::host {
namespace {

constexpr uint64_t kPart = uint64_t{100} << 10;  // shares a block

void fill(const Allocation& memory, int value) { std::fill_n(memory.data(), memory.size(), static_cast<std::byte>(value)); }
bool has(const Allocation& memory, int value) {
    return std::all_of(memory.data(), memory.data() + memory.size(),
                       [&](std::byte b) { return b == static_cast<std::byte>(value); });
}

// More than one block of 32 MiB.
TEST(HostMemory, PartsOfBlocksAreApart) {
    std::vector<Allocation> parts;
    size_t n_adjacent = 0;
    for (int i = 0; i < 500; ++i) {
        parts.emplace_back(kPart);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(parts.back().data()) % kAlignment, 0u);
        EXPECT_EQ(parts.back().size(), kPart);
        fill(parts.back(), i % 251);
        if (i > 0) n_adjacent += parts[parts.size() - 2].data() + kPart == parts.back().data();
    }
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(has(parts[static_cast<size_t>(i)], i % 251)) << i;
    EXPECT_GT(n_adjacent, 490u) << "they share blocks";
}

TEST(HostMemory, APartOutlivesItsNeighbours) {
    std::optional<Allocation> before(kPart);
    Allocation part(kPart);
    fill(part, 7);
    before.reset();
    { Allocation behind(kPart); }
    for (int i = 0; i < 500; ++i) fill(Allocation(kPart), 9);
    EXPECT_TRUE(has(part, 7));
}

TEST(HostMemory, WhatWasMovedIsEmpty) {
    for (const uint64_t size : {uint64_t{100}, kPart, uint64_t{5} << 20}) {
        Allocation first(size);
        fill(first, 3);
        const Allocation second = std::move(first);
        EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move): the test's subject
        EXPECT_EQ(first.size(), 0u);       // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
        EXPECT_TRUE(has(second, 3));
        EXPECT_GE(second.size(), size);
    }
}

}  // namespace
}  // namespace krait::plugin::host
