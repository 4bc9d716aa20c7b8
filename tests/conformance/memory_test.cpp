// SPDX-License-Identifier: Apache-2.0
//
// Buffers: what is written is read, at any offset; ranges outside are errors; too much memory is an error.
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

class MemoryLaws : public ConformanceTest {};

TEST_P(MemoryLaws, WhatIsWrittenIsRead) {
    for (const krait_buffer_kind kind : {KRAIT_BUFFER_DEVICE, KRAIT_BUFFER_PINNED}) {
        const Buffer memory = buffer(4099, kind);
        EXPECT_GE(memory.size(), 4099u);
        const auto all = random_bytes(4099);
        ASSERT_TRUE(queue.write(memory, 0, all));
        EXPECT_EQ(read(memory, 0, all.size()), all);
        for (const auto& [offset, size] :
             {std::pair<size_t, size_t>{0, 1}, {1, 1}, {3, 5}, {63, 66}, {64, 64}, {1001, 3001}, {4098, 1}, {4099, 0}}) {
            const std::vector<std::byte> part(all.begin() + static_cast<ptrdiff_t>(offset),
                                              all.begin() + static_cast<ptrdiff_t>(offset + size));
            EXPECT_EQ(read(memory, offset, size), part) << offset << " " << size;
        }
        // A small write in the middle changes its bytes and no other.
        auto expected = all;
        const auto patch = random_bytes(7, 2);
        std::copy(patch.begin(), patch.end(), expected.begin() + 333);
        ASSERT_TRUE(queue.write(memory, 333, patch));
        EXPECT_EQ(read(memory, 0, all.size()), expected);
    }
}

TEST_P(MemoryLaws, SourceOfAWriteMayBeReusedAtOnce) {
    const Buffer memory = buffer(256);
    std::vector<std::byte> bytes = random_bytes(256);
    const auto kept = bytes;
    ASSERT_TRUE(queue.write(memory, 0, bytes));
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    EXPECT_EQ(read(memory, 0, 256), kept);
}

TEST_P(MemoryLaws, CopiesWithinAndBetweenBuffers) {
    const Buffer a = buffer(1000), b = buffer(777, KRAIT_BUFFER_PINNED);
    const auto all = random_bytes(1000);
    ASSERT_TRUE(queue.write(a, 0, all));
    ASSERT_TRUE(queue.write(b, 0, std::vector<std::byte>(777)));
    ASSERT_TRUE(queue.copy(b, 5, a, 501, 333));
    const auto got = read(b, 0, 777);
    for (size_t i = 0; i < 777; ++i) ASSERT_EQ(got[i], i >= 5 && i < 338 ? all[i - 5 + 501] : std::byte{0}) << i;
    ASSERT_TRUE(queue.copy(a, 0, a, 900, 100));
    const std::vector<std::byte> tail(all.begin() + 900, all.end());
    EXPECT_EQ(read(a, 0, 100), tail);
    // Ranges that touch do not overlap.
    EXPECT_TRUE(queue.copy(a, 100, a, 0, 100));
    EXPECT_EQ(read(a, 100, 100), tail);
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_copy(queue.get(), a.get(), 50, a.get(), 0, 100, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_copy(queue.get(), a.get(), 0, a.get(), 0, 1, &err));
}

TEST_P(MemoryLaws, NothingIsAlwaysPossible) {
    const Buffer empty = buffer(0), some = buffer(16);
    EXPECT_DONE(api().queue_write(queue.get(), empty.get(), 0, nullptr, 0, &err));
    EXPECT_DONE(api().queue_read(queue.get(), nullptr, empty.get(), 0, 0, &err));
    EXPECT_DONE(api().queue_copy(queue.get(), some.get(), 16, empty.get(), 0, 0, &err));
    EXPECT_DONE(api().queue_copy(queue.get(), some.get(), 4, some.get(), 4, 0, &err));
    EXPECT_TRUE(queue.sync());
}

TEST_P(MemoryLaws, RangesOutsideAreRefused) {
    const Buffer memory = buffer(100), other = buffer(50);
    std::byte bytes[200]{};
    const auto outside = [&](uint64_t offset, uint64_t size) {
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), memory.get(), offset, bytes, size, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_read(queue.get(), bytes, memory.get(), offset, size, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_copy(queue.get(), memory.get(), offset, other.get(), 0, size, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_copy(queue.get(), other.get(), 0, memory.get(), offset, size, &err));
    };
    outside(0, 101);
    outside(100, 1);
    outside(101, 0);
    outside(60, 41);
    outside(UINT64_MAX, 1);
    outside(8, UINT64_MAX);  // the sum overflows
    outside(UINT64_MAX - 7, 16);
    EXPECT_TRUE(queue.sync()) << "a refused call must not break the queue";
}

TEST_P(MemoryLaws, PinnedMemoryIsMapped) {
    const Buffer pinned = buffer(300, KRAIT_BUFFER_PINNED);
    const auto all = random_bytes(300);
    ASSERT_TRUE(queue.write(pinned, 0, all));
    ASSERT_TRUE(queue.sync());
    const auto mapped = pinned.map();
    ASSERT_TRUE(mapped) << mapped.error().message;
    EXPECT_EQ(std::memcmp(*mapped, all.data(), 300), 0);
    std::memset(*mapped, 0x11, 300);
    EXPECT_EQ(read(pinned, 0, 300), std::vector<std::byte>(300, std::byte{0x11}));
}

TEST_P(MemoryLaws, DeviceMemoryIsMappedOrSaysWhyNot) {
    const Buffer memory = buffer(64);
    const auto mapped = memory.map();
    if (!mapped) {
        EXPECT_EQ(mapped.error().code, ErrorCode::unsupported);
        return;
    }
    std::memset(*mapped, 0x22, 64);
    EXPECT_EQ(read(memory, 0, 64), std::vector<std::byte>(64, std::byte{0x22}));
}

TEST_P(MemoryLaws, HostMemoryIsUsedInPlaceOrRefused) {
    auto bytes = random_bytes(512);
    const auto kept = bytes;
    const auto imported = device->import_host(bytes.data(), bytes.size());
    if (!imported) {
        EXPECT_EQ(imported.error().code, ErrorCode::unsupported) << imported.error().message;
        return;
    }
    EXPECT_EQ(read(*imported, 0, 512), kept);
    const auto patch = random_bytes(10, 3);
    ASSERT_TRUE(queue.write(*imported, 100, patch));
    ASSERT_TRUE(queue.sync());
    EXPECT_TRUE(std::equal(patch.begin(), patch.end(), bytes.begin() + 100)) << "it was copied, not imported";
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), imported->get(), 510, patch.data(), 10, &err));
}

TEST_P(MemoryLaws, TooMuchIsAnError) {
    for (const uint64_t size : {uint64_t{1} << 50, uint64_t{1} << 62, UINT64_MAX - 4096, UINT64_MAX}) {
        for (const krait_buffer_kind kind : {KRAIT_BUFFER_DEVICE, KRAIT_BUFFER_PINNED}) {
            krait_buffer* none = nullptr;
            EXPECT_REFUSED(KRAIT_STATUS_OUT_OF_MEMORY, api().buffer_create(device->get(), kind, size, &none, &err));
            EXPECT_TRUE(err.says(fmt::format("{}", size))) << "the message names the size: " << err.message;
            EXPECT_EQ(none, nullptr);
        }
    }
    EXPECT_TRUE(buffer(64)) << "the device works on";
    const krait_use scan{static_cast<uint32_t>(OpId::ssm_scan), static_cast<uint32_t>(find_state(ops::SsmScan::kIn))},
        write{static_cast<uint32_t>(OpId::kv_write), static_cast<uint32_t>(find_memory(ops::KvWrite::kIn))};
    const auto slots = device->create_memory(make_desc(DType::F32, {1 << 20, 1 << 14, 1 << 6, 1 << 12}), {&scan, 1});
    ASSERT_FALSE(slots);
    EXPECT_EQ(slots.error().code, ErrorCode::out_of_memory) << slots.error().message;
    const auto pages = device->create_memory(make_desc(DType::F16, {1 << 26, 1 << 8, 1 << 12}), {&write, 1});
    ASSERT_FALSE(pages);
    EXPECT_EQ(pages.error().code, ErrorCode::out_of_memory) << pages.error().message;
}

TEST_P(MemoryLaws, KindsThatDoNotExist) {
    krait_buffer* none = nullptr;
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().buffer_create(device->get(), 2, 64, &none, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().buffer_create(device->get(), UINT32_MAX, 64, &none, &err));
}

TEST_P(MemoryLaws, ManyBuffersDoNotShareBytes) {
    std::vector<Buffer> buffers;
    std::vector<std::vector<std::byte>> contents;
    for (uint64_t i = 0; i < 40; ++i) {
        buffers.push_back(buffer(1 + i * 37));
        contents.push_back(random_bytes(1 + i * 37, i));
        ASSERT_TRUE(queue.write(buffers.back(), 0, contents.back()));
    }
    for (size_t i = 0; i < buffers.size(); i += 2) {
        EXPECT_EQ(read(buffers[i], 0, contents[i].size()), contents[i]);
        buffers[i] = Buffer();
    }
    for (size_t i = 1; i < buffers.size(); i += 2) EXPECT_EQ(read(buffers[i], 0, contents[i].size()), contents[i]);
}

KRAIT_ON_EVERY_DEVICE(MemoryLaws);

}  // namespace
}  // namespace krait
