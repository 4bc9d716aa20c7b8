// SPDX-License-Identifier: Apache-2.0
//
// Memories of slots: the canonical layout goes in and comes out bit for bit, slots do not touch each other.
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

struct Shape {
    OpId op;
    int64_t n_slots;
    std::array<int64_t, 3> extent;
    krait_use use() const { return {static_cast<uint32_t>(op), static_cast<uint32_t>(find_state(op_spec(op).inputs))}; }
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
        const krait_use use = shape.use();
        const size_t rank = shape.op == OpId::ssm_conv ? 2 : 3;
        std::vector<int64_t> extents{shape.n_slots};
        extents.insert(extents.end(), shape.extent.begin(), shape.extent.begin() + static_cast<ptrdiff_t>(rank));
        auto made = device->create_memory(make_desc(DType::F32, extents), {&use, 1});
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : Buffer();
    }
    std::vector<std::byte> exported(const Buffer& from, int64_t slot, size_t size) {
        std::vector<std::byte> bytes(size, std::byte{0xcd});
        EXPECT_TRUE(queue.export_memory(from, slot, bytes));
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
            ASSERT_TRUE(queue.import_memory(slots, s, random_bytes(shape.bytes(), static_cast<uint64_t>(s + 1))));
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
            ASSERT_TRUE(queue.import_memory(slots, s, random_bytes(shape.bytes(), static_cast<uint64_t>(s + 1))));
        ASSERT_TRUE(queue.copy_memory(slots, 0, 2));
        ASSERT_TRUE(queue.copy_memory(slots, 1, 1));
        for (int64_t s = 0; s < shape.n_slots; ++s)
            EXPECT_EQ(exported(slots, s, shape.bytes()), random_bytes(shape.bytes(), static_cast<uint64_t>(s == 2 ? 1 : s + 1)))
                << "slot " << s;
    }
}

TEST_P(StateLaws, PoolsAreIndependent) {
    const Shape shape{OpId::ssm_scan, 3, {5, 3, 7}};
    const Buffer a = pool(shape), b = pool(shape);
    ASSERT_TRUE(queue.import_memory(a, 1, random_bytes(shape.bytes(), 1)));
    ASSERT_TRUE(queue.import_memory(b, 1, random_bytes(shape.bytes(), 2)));
    EXPECT_EQ(exported(a, 1, shape.bytes()), random_bytes(shape.bytes(), 1));
    EXPECT_EQ(exported(b, 1, shape.bytes()), random_bytes(shape.bytes(), 2));
}

TEST_P(StateLaws, SlotsAndSizesOutsideAreRefused) {
    const Shape shape{OpId::ssm_scan, 3, {5, 3, 7}};
    const Buffer slots = pool(shape), values = buffer(4096);
    std::vector<std::byte> bytes(shape.bytes() + 8);
    for (const int64_t slot : {int64_t{-1}, int64_t{3}, int64_t{1} << 40, INT64_MIN}) {
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_memory_export(queue.get(), slots.get(), slot, bytes.data(), shape.bytes(), &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_memory_import(queue.get(), slots.get(), slot, bytes.data(), shape.bytes(), &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_memory_copy(queue.get(), slots.get(), slot, 0, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_memory_copy(queue.get(), slots.get(), 0, slot, &err));
    }
    for (const size_t size : {shape.bytes() - 4, shape.bytes() + 4, size_t{0}}) {
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_memory_export(queue.get(), slots.get(), 0, bytes.data(), size, &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_memory_import(queue.get(), slots.get(), 0, bytes.data(), size, &err));
    }
    // A memory's bytes are the plugin's own, and a buffer of values is no memory.
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_read(queue.get(), bytes.data(), slots.get(), 0, 4, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), slots.get(), 0, bytes.data(), 4, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                   api().queue_memory_export(queue.get(), values.get(), 0, bytes.data(), shape.bytes(), &err));
    EXPECT_TRUE(queue.sync());
}

TEST_P(StateLaws, DescriptionsThatMakeNoSenseAreRefused) {
    const Shape shape{OpId::ssm_scan, 2, {4, 3, 8}};
    const krait_use use = shape.use();
    const auto refused = [&](auto change) {
        krait_memory_desc desc{.struct_size = sizeof(krait_memory_desc),
                               .layout = KRAIT_MEMORY_SLOTS,
                               .dtype = static_cast<uint32_t>(DType::F32),
                               .rank = 3,
                               .n_units = shape.n_slots,
                               .rows_per_unit = 1,
                               .extent = {4, 3, 8},
                               .uses = &use,
                               .n_uses = 1};
        change(desc);
        krait_buffer* none = nullptr;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().memory_create(device->get(), &desc, &none, &err));
        EXPECT_EQ(none, nullptr);
    };
    using Desc = krait_memory_desc;
    refused([](Desc& desc) { desc.struct_size = 8; });
    refused([](Desc& desc) { desc.layout = 7; });
    refused([](Desc& desc) { desc.dtype = static_cast<uint32_t>(DType::F16); });
    refused([](Desc& desc) { desc.rank = 0; });
    refused([](Desc& desc) { desc.rank = 4; });
    refused([](Desc& desc) { desc.rank = 2; });  // the last extent is not 1
    refused([](Desc& desc) { desc.n_units = 0; });
    refused([](Desc& desc) { desc.n_units = -3; });
    refused([](Desc& desc) { desc.rows_per_unit = 2; });
    refused([](Desc& desc) { desc.rows_per_unit = 0; });
    refused([](Desc& desc) { desc.extent[1] = -1; });
    refused([](Desc& desc) { desc.extent[0] = desc.extent[1] = desc.extent[2] = int64_t{1} << 40; });
    // Few enough to be counted, and too many for a layout that pads them.
    refused([](Desc& desc) { desc.extent[0] = desc.extent[1] = 1, desc.extent[2] = int64_t{1} << 58; });
    refused([](Desc& desc) { desc.extent[0] = INT64_MAX, desc.extent[1] = 1, desc.extent[2] = 0; });
    refused([](Desc& desc) { desc.n_uses = 0; });
    const krait_use no_memory{static_cast<uint32_t>(OpId::mul_mat), 0}, no_op{9999, 0}, no_operand{use.op, 99},
        of_pages{static_cast<uint32_t>(OpId::kv_write), static_cast<uint32_t>(find_memory(ops::KvWrite::kIn))};
    for (const krait_use* wrong : {&no_memory, &no_op, &no_operand, &of_pages}) refused([&](Desc& desc) { desc.uses = wrong; });
}

// One memory for several operands: every use is looked at.
TEST_P(StateLaws, EveryUseIsLookedAt) {
    const Shape shape{OpId::ssm_scan, 2, {4, 3, 8}};
    const krait_use right[] = {shape.use(), Shape{OpId::ssm_conv, 1, {1, 1, 1}}.use()};
    const TensorDesc desc = make_desc(DType::F32, {2, 4, 3, 8});
    const auto made = device->create_memory(desc, right);
    EXPECT_TRUE(made) << made.error().message;
    const krait_use wrong[] = {shape.use(), {shape.use().op, 0}};
    const auto refused = device->create_memory(desc, wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument) << refused.error().message;
}

KRAIT_ON_EVERY_DEVICE(StateLaws);

}  // namespace
}  // namespace krait
