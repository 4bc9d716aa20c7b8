// SPDX-License-Identifier: Apache-2.0
//
// Memories of pages: units go in and come out bit for bit, whatever the element type and the shape; and kv_write stores what
// the indices say, in a run of any size.
#include "core/quant/half.hpp"
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

struct PageShape {
    DType dtype;
    uint32_t rank;
    int64_t n_pages, rows_per_page;
    std::array<int64_t, 3> extent;
    size_t row_bytes() const { return static_cast<size_t>(krait::row_bytes(dtype, extent[0] * extent[1])); }
    size_t bytes() const { return static_cast<size_t>(rows_per_page) * row_bytes(); }
};

// Sizes that are no multiple of any register, and those of models.
const PageShape kShapes[] = {
    {DType::F32, 1, 1, 1, {1, 1, 1}},    {DType::F32, 1, 5, 3, {17, 1, 1}}, {DType::F32, 2, 3, 16, {5, 7, 1}},
    {DType::F16, 1, 4, 1, {2, 1, 1}},    {DType::F16, 1, 3, 5, {34, 1, 1}}, {DType::F16, 2, 3, 7, {3, 6, 1}},
    {DType::F16, 1, 4, 16, {512, 1, 1}}, {DType::F32, 1, 3, 4, {0, 1, 1}},  {DType::Q8_0, 1, 3, 5, {192, 1, 1}}};

const krait_use kCache{static_cast<uint32_t>(OpId::kv_write), static_cast<uint32_t>(find_memory(ops::KvWrite::kIn))};

krait_memory_desc description(const PageShape& shape) {
    return {.struct_size = sizeof(krait_memory_desc),
            .layout = KRAIT_MEMORY_PAGES,
            .dtype = static_cast<uint32_t>(shape.dtype),
            .rank = shape.rank,
            .n_units = shape.n_pages,
            .rows_per_unit = shape.rows_per_page,
            .extent = {shape.extent[0], shape.extent[1], shape.extent[2]},
            .uses = &kCache,
            .n_uses = 1};
}

class PageLaws : public ConformanceTest {
  protected:
    Buffer pages(const PageShape& shape) {
        std::vector<int64_t> extents{shape.n_pages, shape.rows_per_page};
        extents.insert(extents.end(), shape.extent.begin(), shape.extent.begin() + shape.rank);
        auto made = device->create_memory(make_desc(shape.dtype, extents), {&kCache, 1});
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : Buffer();
    }
    std::vector<std::byte> exported(const Buffer& from, int64_t page, size_t size) {
        std::vector<std::byte> bytes(size, std::byte{0xcd});
        EXPECT_TRUE(queue.export_memory(from, page, bytes));
        EXPECT_TRUE(queue.sync());
        return bytes;
    }
};

TEST_P(PageLaws, AnyBitsGoInAndComeOut) {
    for (const PageShape& shape : kShapes) {
        const Buffer memory = pages(shape);
        EXPECT_GE(memory.size(), shape.bytes() * static_cast<size_t>(shape.n_pages));
        for (int64_t p = 0; p < shape.n_pages; ++p)
            ASSERT_TRUE(queue.import_memory(memory, p, random_bytes(shape.bytes(), static_cast<uint64_t>(p + 1))));
        for (int64_t p = shape.n_pages; p-- > 0;)
            EXPECT_EQ(exported(memory, p, shape.bytes()), random_bytes(shape.bytes(), static_cast<uint64_t>(p + 1)))
                << "page " << p;
    }
}

TEST_P(PageLaws, ACopyIsTheSameAndTouchesNoOther) {
    for (const PageShape& shape : kShapes) {
        if (shape.n_pages < 3) continue;
        const Buffer memory = pages(shape);
        for (int64_t p = 0; p < shape.n_pages; ++p)
            ASSERT_TRUE(queue.import_memory(memory, p, random_bytes(shape.bytes(), static_cast<uint64_t>(p + 1))));
        ASSERT_TRUE(queue.copy_memory(memory, 0, 2));
        ASSERT_TRUE(queue.copy_memory(memory, 1, 1));
        for (int64_t p = 0; p < shape.n_pages; ++p)
            EXPECT_EQ(exported(memory, p, shape.bytes()),
                      random_bytes(shape.bytes(), static_cast<uint64_t>(p == 2 ? 1 : p + 1)))
                << "page " << p;
    }
}

TEST_P(PageLaws, UnitsAndSizesOutsideAreRefused) {
    const PageShape shape{DType::F16, 1, 3, 5, {34, 1, 1}};
    const Buffer memory = pages(shape);
    std::vector<std::byte> bytes(shape.bytes() + 4);
    for (const int64_t page : {int64_t{-1}, int64_t{3}, INT64_MIN}) {
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_memory_export(queue.get(), memory.get(), page, bytes.data(), shape.bytes(), &err));
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_memory_copy(queue.get(), memory.get(), 0, page, &err));
    }
    for (const size_t size : {shape.bytes() - 4, shape.bytes() + 4, shape.row_bytes()})
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().queue_memory_import(queue.get(), memory.get(), 0, bytes.data(), size, &err));
    EXPECT_TRUE(queue.sync());
}

TEST_P(PageLaws, DescriptionsThatMakeNoSenseAreRefused) {
    const PageShape shape{DType::F16, 1, 3, 5, {34, 1, 1}};
    const auto refused = [&](std::string_view words, auto change) {
        krait_memory_desc desc = description(shape);
        change(desc);
        krait_buffer* none = nullptr;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().memory_create(device->get(), &desc, &none, &err));
        EXPECT_TRUE(err.says(words)) << err.message;
        EXPECT_EQ(none, nullptr);
    };
    refused("layout", [](krait_memory_desc& desc) { desc.layout = 2; });
    for (const DType dtype : {DType::BF16, DType::Q4_0, DType::I32})
        refused("element type", [&](krait_memory_desc& desc) { desc.dtype = static_cast<uint32_t>(dtype); });
    refused("element type", [](krait_memory_desc& desc) { desc.dtype = 4711; });
    for (const uint32_t rank : {0u, 3u, 99u}) refused("rank", [&](krait_memory_desc& desc) { desc.rank = rank; });
    for (const int64_t rows : {0, -1}) refused("rows", [&](krait_memory_desc& desc) { desc.rows_per_unit = rows; });
    refused("units", [](krait_memory_desc& desc) { desc.n_units = 0; });
    refused("", [](krait_memory_desc& desc) { desc.extent[0] = -34; });
    refused("", [](krait_memory_desc& desc) { desc.extent[1] = 2; });  // of rank 1
    refused("", [](krait_memory_desc& desc) { desc.n_units = desc.rows_per_unit = desc.extent[0] = int64_t{1} << 40; });
    refused("multiple of 4", [](krait_memory_desc& desc) { desc.extent[0] = 33; });
    refused("multiple of 32", [](krait_memory_desc& desc) {
        desc.dtype = static_cast<uint32_t>(DType::Q8_0);
        desc.extent[0] = 48;
    });
    refused("multiple of 4", [](krait_memory_desc& desc) {
        desc.dtype = static_cast<uint32_t>(DType::Q8_0);
        desc.extent[0] = 96;
    });
    refused("uses", [](krait_memory_desc& desc) { desc.n_uses = 0; });
    refused("uses", [](krait_memory_desc& desc) { desc.uses = nullptr; });
    // Slots are what an operand of kind state has, and pages one of kind pages.
    static const krait_use kState{static_cast<uint32_t>(OpId::ssm_scan), static_cast<uint32_t>(find_state(ops::SsmScan::kIn))},
        kValue{static_cast<uint32_t>(OpId::kv_write), 0}, kNone{4711, 0}, kBeyond{static_cast<uint32_t>(OpId::kv_write), 9};
    for (const krait_use* use : {&kState, &kValue, &kNone, &kBeyond})
        refused("", [&](krait_memory_desc& desc) { desc.uses = use; });
    refused("", [](krait_memory_desc& desc) {
        desc.layout = KRAIT_MEMORY_SLOTS;
        desc.dtype = static_cast<uint32_t>(DType::F32);
        desc.rows_per_unit = 1;
    });
}

// x, rows and a cache, with a dynamic dimension of up to `max` rows; x and rows lie in one buffer.
struct WriteGraph {
    static constexpr uint64_t kRowsOffset = 4096;
    krait_graph_tensor tensors[3]{};
    krait_graph_node node{};
    krait_graph graph{};
    ops::KvWriteParams params;
    int64_t max;

    WriteGraph(const Buffer& values, const Buffer& cache, const PageShape& shape, int64_t max_rows) : max(max_rows) {
        const auto tensor = [](const TensorDesc& desc, uint32_t role, krait_buffer* buffer, uint64_t offset, const char* name) {
            return krait_graph_tensor{desc, role, -1, buffer, offset, name, role == KRAIT_TENSOR_VALUE ? 1u : 0u, 0};
        };
        const int64_t width = shape.extent[0];
        tensors[0] = tensor(make_desc(DType::F32, {max, width}), KRAIT_TENSOR_VALUE, values.get(), 0, "x");
        tensors[1] = tensor(make_desc(shape.dtype, {shape.n_pages, shape.rows_per_page, width}), KRAIT_TENSOR_MEMORY,
                            cache.get(), 0, "cache");
        tensors[2] = tensor(make_desc(DType::I32, {max}), KRAIT_TENSOR_VALUE, values.get(), kRowsOffset, "rows");
        std::fill(std::begin(node.in), std::end(node.in), -1);
        std::fill(std::begin(node.out), std::end(node.out), -1);
        node.op = static_cast<uint32_t>(OpId::kv_write);
        node.params = &params;
        node.params_size = sizeof params;
        std::iota(node.in, node.in + 3, 0);
        node.name = "written";
        graph = {.struct_size = sizeof graph, .n_tensors = 3, .tensors = tensors, .n_nodes = 1, .nodes = &node};
        graph.n_dims = 1;
        graph.dim_max = &max;
    }
    WriteGraph(const WriteGraph&) = delete;
    WriteGraph& operator=(const WriteGraph&) = delete;
};

TEST_P(PageLaws, ARunWritesItsRowsAndPaddingWritesNothing) {
    for (const DType dtype : {DType::F32, DType::F16}) {
        const PageShape shape{dtype, 1, 3, 4, {6, 1, 1}};
        const Buffer cache = pages(shape), values = buffer(8192);
        const WriteGraph written(values, cache, shape, 8);
        if (device->declines(written.graph, 0)) GTEST_SKIP() << device->declines(written.graph, 0)->message;
        const auto program = device->create_program(written.graph);
        ASSERT_TRUE(program) << program.error().message;
        for (const int64_t size : {3, 8, 0, 1}) {
            for (int64_t p = 0; p < shape.n_pages; ++p)
                ASSERT_TRUE(queue.import_memory(cache, p, random_bytes(shape.bytes(), static_cast<uint64_t>(p + 7))));
            std::vector<float> x(8 * 6);
            for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) + 0.5f;
            std::vector<int32_t> rows{11, 0, 4, 7, 1, 2, 9, 3};
            std::fill(rows.begin() + size, rows.end(), -1);  // what a host pads with
            ASSERT_TRUE(queue.write(values, 0, std::as_bytes(std::span(x))));
            ASSERT_TRUE(queue.write(values, WriteGraph::kRowsOffset, std::as_bytes(std::span(rows))));
            ASSERT_TRUE(queue.run(*program, {&size, 1}));
            for (int64_t p = 0; p < shape.n_pages; ++p) {
                auto expected = random_bytes(shape.bytes(), static_cast<uint64_t>(p + 7));
                for (size_t t = 0; t < static_cast<size_t>(size); ++t) {
                    if (rows[t] / 4 != p) continue;
                    std::byte* row = expected.data() + static_cast<size_t>(rows[t] % 4) * shape.row_bytes();
                    for (size_t i = 0; i < 6; ++i) {
                        const uint16_t half = f32_to_f16(x[t * 6 + i]);
                        if (dtype == DType::F32) std::memcpy(row + 4 * i, &x[t * 6 + i], 4);
                        else std::memcpy(row + 2 * i, &half, 2);
                    }
                }
                EXPECT_EQ(exported(cache, p, shape.bytes()), expected)
                    << dtype_name(dtype) << ", " << size << " rows, page " << p;
            }
        }
    }
}

TEST_P(PageLaws, AGraphUsesAMemoryAsItWasCreated) {
    const PageShape shape{DType::F32, 1, 3, 4, {6, 1, 1}};
    const Buffer cache = pages(shape), values = buffer(8192);
    const WriteGraph right(values, cache, shape, 8);
    if (device->declines(right.graph, 0)) GTEST_SKIP() << device->declines(right.graph, 0)->message;
    ASSERT_TRUE(device->create_program(right.graph));
    const auto refused = [&](auto change) {
        WriteGraph written(values, cache, shape, 8);
        change(written);
        krait_program* none = nullptr;
        err.clear();
        const krait_status status = api().program_create(device->get(), &written.graph, &none, &err);
        EXPECT_EQ(status, KRAIT_STATUS_INVALID_ARGUMENT) << err.message;
        EXPECT_EQ(none, nullptr);
    };
    refused([](WriteGraph& g) { g.tensors[1].desc = make_desc(DType::F32, {4, 3, 6}); });
    refused([](WriteGraph& g) { g.tensors[1].desc = make_desc(DType::F16, {3, 4, 6}); });
    refused([](WriteGraph& g) { g.tensors[1].desc = make_desc(DType::F32, {12, 6}); });
    refused([](WriteGraph& g) { g.tensors[1].role = KRAIT_TENSOR_VALUE; });
    refused([](WriteGraph& g) { g.tensors[1].offset = 24; });
}

KRAIT_ON_EVERY_DEVICE(PageLaws);

}  // namespace
}  // namespace krait
