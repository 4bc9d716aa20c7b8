// SPDX-License-Identifier: Apache-2.0
//
// State pools: the canonical layout goes in and comes out bit for bit, slots do not touch each other.
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

struct Shape {
    OpId op;
    int64_t n_slots;
    std::array<int64_t, 3> extent;
    size_t bytes() const { return static_cast<size_t>(extent[0] * extent[1] * extent[2]) * sizeof(float); }
};

// Sizes that are no multiple of any register, and those of models.
const Shape kShapes[] = {
    {OpId::ssm_conv, 1, {3, 1, 1}},    {OpId::ssm_conv, 5, {3, 17, 1}},   {OpId::ssm_conv, 4, {1, 130, 1}},
    {OpId::ssm_conv, 3, {3, 5120, 1}}, {OpId::ssm_scan, 1, {1, 1, 1}},    {OpId::ssm_scan, 5, {19, 1, 16}},
    {OpId::ssm_scan, 4, {33, 1, 17}},  {OpId::ssm_scan, 3, {5, 3, 7}},    {OpId::ssm_scan, 3, {4, 64, 128}},
    {OpId::ssm_scan, 2, {2, 80, 33}},  {OpId::ssm_scan, 7, {16, 1, 256}}, {OpId::ssm_conv, 2, {0, 8, 1}}};

class StateLaws : public ConformanceTest {
  protected:
    Buffer pool(const Shape& shape) {
        krait_state_desc desc{};
        desc.op = static_cast<uint32_t>(shape.op);
        desc.n_slots = shape.n_slots;
        std::copy(shape.extent.begin(), shape.extent.end(), desc.extent);
        auto made = device->create_state(desc);
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : Buffer();
    }
    std::vector<std::byte> exported(const Buffer& from, int64_t slot, size_t size) {
        std::vector<std::byte> bytes(size, std::byte{0xcd});
        EXPECT_TRUE(queue.export_state(from, slot, bytes));
        EXPECT_TRUE(queue.sync());
        return bytes;
    }
};

TEST_P(StateLaws, AnyBitsGoInAndComeOut) {
    for (const Shape& shape : kShapes) {
        const Buffer slots = pool(shape);
        EXPECT_GE(slots.size(), shape.bytes() * static_cast<size_t>(shape.n_slots));
        // Random bytes: NaNs of every kind, infinities and denormals among them.
        for (int64_t s = 0; s < shape.n_slots; ++s)
            ASSERT_TRUE(queue.import_state(slots, s, random_bytes(shape.bytes(), static_cast<uint64_t>(s + 1))));
        for (int64_t s = shape.n_slots; s-- > 0;)
            EXPECT_EQ(exported(slots, s, shape.bytes()), random_bytes(shape.bytes(), static_cast<uint64_t>(s + 1)))
                << "slot " << s << " of " << op_name(shape.op);
    }
}

TEST_P(StateLaws, ACopyIsTheSameAndTouchesNoOther) {
    for (const Shape& shape : kShapes) {
        if (shape.n_slots < 3) continue;
        const Buffer slots = pool(shape);
        for (int64_t s = 0; s < shape.n_slots; ++s)
            ASSERT_TRUE(queue.import_state(slots, s, random_bytes(shape.bytes(), static_cast<uint64_t>(s + 1))));
        ASSERT_TRUE(queue.copy_state(slots, 0, 2));
        ASSERT_TRUE(queue.copy_state(slots, 1, 1));
        for (int64_t s = 0; s < shape.n_slots; ++s)
            EXPECT_EQ(exported(slots, s, shape.bytes()), random_bytes(shape.bytes(), static_cast<uint64_t>(s == 2 ? 1 : s + 1)))
                << "slot " << s;
    }
}

TEST_P(StateLaws, PoolsAreIndependent) {
    const Shape shape{OpId::ssm_scan, 3, {5, 3, 7}};
    const Buffer a = pool(shape), b = pool(shape);
    ASSERT_TRUE(queue.import_state(a, 1, random_bytes(shape.bytes(), 1)));
    ASSERT_TRUE(queue.import_state(b, 1, random_bytes(shape.bytes(), 2)));
    EXPECT_EQ(exported(a, 1, shape.bytes()), random_bytes(shape.bytes(), 1));
    EXPECT_EQ(exported(b, 1, shape.bytes()), random_bytes(shape.bytes(), 2));
}

TEST_P(StateLaws, SlotsAndSizesOutsideAreRefused) {
    const Shape shape{OpId::ssm_scan, 3, {5, 3, 7}};
    const Buffer slots = pool(shape), values = buffer(4096);
    std::vector<std::byte> bytes(shape.bytes() + 8);
    for (const int64_t slot : {int64_t{-1}, int64_t{3}, int64_t{1} << 40, INT64_MIN}) {
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_state_export(queue.get(), slots.get(), slot, bytes.data(), shape.bytes(), &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_state_import(queue.get(), slots.get(), slot, bytes.data(), shape.bytes(), &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_state_copy(queue.get(), slots.get(), slot, 0, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_state_copy(queue.get(), slots.get(), 0, slot, &err));
    }
    for (const size_t size : {shape.bytes() - 4, shape.bytes() + 4, size_t{0}}) {
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_state_export(queue.get(), slots.get(), 0, bytes.data(), size, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_state_import(queue.get(), slots.get(), 0, bytes.data(), size, &err));
    }
    // A pool's bytes are the plugin's own, and other memory is no pool.
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_read(queue.get(), bytes.data(), slots.get(), 0, 4, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), slots.get(), 0, bytes.data(), 4, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                   api().queue_state_export(queue.get(), values.get(), 0, bytes.data(), shape.bytes(), &err));
    EXPECT_TRUE(queue.sync());
}

TEST_P(StateLaws, DescriptionsThatMakeNoSenseAreRefused) {
    const auto refused = [&](krait_state_desc desc) {
        krait_buffer* none = nullptr;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().state_create(device->get(), &desc, &none, &err));
        EXPECT_EQ(none, nullptr);
    };
    const krait_state_desc good{.struct_size = sizeof(krait_state_desc),
                                .op = static_cast<uint32_t>(OpId::ssm_scan),
                                .n_slots = 2,
                                .extent = {4, 3, 8}};
    krait_state_desc desc = good;
    desc.struct_size = 8;
    refused(desc);
    desc = good, desc.op = static_cast<uint32_t>(OpId::mul_mat);
    refused(desc);
    desc = good, desc.op = 9999;
    refused(desc);
    desc = good, desc.n_slots = 0;
    refused(desc);
    desc = good, desc.n_slots = -3;
    refused(desc);
    desc = good, desc.extent[1] = -1;
    refused(desc);
    desc = good, desc.extent[0] = desc.extent[1] = desc.extent[2] = int64_t{1} << 40;
    refused(desc);
}

KRAIT_ON_EVERY_DEVICE(StateLaws);

}  // namespace
}  // namespace krait
