// SPDX-License-Identifier: Apache-2.0
//
// Constants and programs: every format is taken in, a device declines with a reason, a program outlives the graph that it was
// made from and keeps nothing of it, programs do not disturb each other.
#include <thread>

#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

class ProgramLaws : public ConformanceTest {
  protected:
    // The reason where the device declines; tests that need an op are skipped with it.
    std::string declined(const krait_graph& graph) {
        err.clear();
        const krait_status status = api().supports(device->get(), &graph, 0, &err);
        if (status == KRAIT_STATUS_OK) return {};
        EXPECT_EQ(status, KRAIT_STATUS_UNSUPPORTED);
        EXPECT_GT(std::strlen(err.message), 5u) << "declined without a reason";
        return err.message;
    }
    static std::vector<std::byte> bytes_of(const std::vector<float>& values) {
        const auto bytes = std::as_bytes(std::span(values));
        return {bytes.begin(), bytes.end()};
    }
    static std::vector<float> numbers(size_t n, uint64_t seed) {
        harness::Random random(seed);
        std::vector<float> values(n);
        for (float& v : values) v = random.uniform(-1, 1);
        return values;
    }
    std::vector<float> read_floats(Queue& from_queue, const Buffer& from, uint64_t offset, size_t n) {
        std::vector<float> values(n);
        EXPECT_TRUE(from_queue.read(std::as_writable_bytes(std::span(values)), from, offset));
        EXPECT_TRUE(from_queue.sync());
        return values;
    }
};

#define SKIP_IF_DECLINED(graph) \
    if (const std::string why = declined(graph); !why.empty()) GTEST_SKIP() << "unsupported: " << why

TEST_P(ProgramLaws, ConstantsOfEveryFormatAreTaken) {
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        for (const int64_t n_rows : {1, 7, 33}) {
            const TensorDesc desc = make_desc(format.dtype, {n_rows, 512});
            const auto bytes = std::vector<std::byte>(static_cast<size_t>(span_bytes(desc)));
            const krait_use uses[] = {{static_cast<uint32_t>(OpId::mul_mat), 1}, {static_cast<uint32_t>(OpId::get_rows), 0}};
            for (size_t n_uses = 0; n_uses <= 2; ++n_uses)
                for (const uint32_t flags : {0u, KRAIT_UPLOAD_BYTES_PERSIST}) {
                    const auto constant = device->upload_constant(desc, {uses, n_uses}, bytes, flags);
                    EXPECT_TRUE(constant) << format.name << ": " << constant.error().message;
                }
        }
        const TensorDesc none = make_desc(format.dtype, {0, 512});
        EXPECT_TRUE(device->upload_constant(none, {}, {})) << format.name;
    }
}

TEST_P(ProgramLaws, ConstantsThatMakeNoSenseAreRefused) {
    std::vector<std::byte> bytes(4096);
    const TensorDesc good = make_desc(DType::Q8_0, {2, 64});
    const auto upload = [&](const TensorDesc& desc, uint64_t size) {
        krait_buffer* none = nullptr;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT,
                       api().constant_upload(device->get(), &desc, nullptr, 0, bytes.data(), size, 0, &none, &err));
        EXPECT_EQ(none, nullptr);
    };
    const auto size = static_cast<uint64_t>(span_bytes(good));
    upload(good, size - 1);
    upload(good, size + 1);
    TensorDesc desc = good;
    desc.extent[1] = 48;  // no whole blocks
    upload(desc, size);
    desc = good, desc.dtype = 4711;
    upload(desc, size);
    desc = good, desc.rank = 9;
    upload(desc, size);
    desc = good, desc.extent[0] = -1;
    upload(desc, size);
    desc = good, desc.extent[0] = desc.extent[1] = int64_t{1} << 40;
    upload(desc, size);
    desc = good, desc.stride[0] += 34;  // with a gap
    upload(desc, size + 34);
    // A plugin that makes one layout of everything need not look at uses; one that looks must refuse these.
    for (const krait_use use : {krait_use{4711, 0}, krait_use{static_cast<uint32_t>(OpId::mul_mat), 9}}) {
        const auto constant = device->upload_constant(good, {&use, 1}, std::span(bytes).first(size));
        EXPECT_TRUE(constant || constant.error().code == ErrorCode::invalid_argument);
    }
}

TEST_P(ProgramLaws, ADeviceTakesANodeOrSaysWhyNot) {
    const ScaleGraph scaled(nullptr, 0, 0, 3, 8, 2, 1);
    const std::string why = declined(scaled.graph);  // checks that there is a reason
    EXPECT_EQ(declined(scaled.graph), why) << "the same question, another answer";
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().supports(device->get(), &scaled.graph, 1, &err));
}

TEST_P(ProgramLaws, GraphsThatMakeNoSenseAreRefused) {
    const Buffer memory = buffer(4096);
    const auto refused = [&](auto change) {
        ScaleGraph scaled(memory.get(), 0, 1024, 3, 8, 2, 1);
        change(scaled);
        krait_program* none = nullptr;
        err.clear();
        const krait_status status = api().program_create(device->get(), &scaled.graph, &none, &err);
        // A device without ops may decline before it looks.
        EXPECT_TRUE(status == KRAIT_STATUS_INVALID_ARGUMENT || status == KRAIT_STATUS_UNSUPPORTED)
            << status << " " << err.message;
        EXPECT_GT(std::strlen(err.message), 10u);
        EXPECT_EQ(none, nullptr);
    };
    refused([](ScaleGraph& g) { g.graph.struct_size = 4; });
    refused([](ScaleGraph& g) { g.node.op = 4711; });
    refused([](ScaleGraph& g) { g.node.in[0] = 2; });
    refused([](ScaleGraph& g) { g.node.in[0] = -1; });
    refused([](ScaleGraph& g) { g.node.in[0] = -7; });
    refused([](ScaleGraph& g) { g.node.out[0] = -1; });
    refused([](ScaleGraph& g) { g.node.params_size = 4; });
    refused([](ScaleGraph& g) { g.node.params = nullptr; });
    refused([](ScaleGraph& g) { g.tensors[0].buffer = nullptr; });
    refused([](ScaleGraph& g) { g.tensors[1].offset = 4096 - 4; });
    refused([](ScaleGraph& g) { g.tensors[1].offset = UINT64_MAX - 16; });
    refused([](ScaleGraph& g) { g.tensors[0].role = KRAIT_TENSOR_CONSTANT; });
    refused([](ScaleGraph& g) { g.tensors[0].role = 77; });
    refused([](ScaleGraph& g) { g.tensors[0].desc.dtype = 4711; });
    refused([](ScaleGraph& g) { g.tensors[0].desc.rank = 0; });
    refused([](ScaleGraph& g) { g.tensors[0].desc.extent[0] = -3; });
    refused([](ScaleGraph& g) { g.graph.tensors = nullptr; });
}

TEST_P(ProgramLaws, AProgramOutlivesItsGraph) {
    const Buffer memory = buffer(1 << 14);
    const uint64_t y_offset = 1 << 13;
    const auto x = numbers(33 * 17, 1);
    ASSERT_TRUE(queue.write(memory, 0, bytes_of(x)));
    Program program;
    {
        auto scaled = std::make_unique<ScaleGraph>(memory.get(), 0, y_offset, 33, 17, 2.0f, 0.0f);
        SKIP_IF_DECLINED(scaled->graph);
        auto made = device->create_program(scaled->graph);
        ASSERT_TRUE(made) << made.error().message;
        program = std::move(*made);
        std::memset(static_cast<void*>(scaled.get()), 0xee, sizeof *scaled);
    }
    ASSERT_TRUE(queue.run(program));
    const auto y = read_floats(queue, memory, y_offset, x.size());
    for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], 2 * x[i]) << i;
}

TEST_P(ProgramLaws, AProgramRunsAgainOnNewContents) {
    const Buffer memory = buffer(1 << 14);
    const ScaleGraph scaled(memory.get(), 0, 4096, 5, 100, 0.5f, 0);
    SKIP_IF_DECLINED(scaled.graph);
    const auto program = device->create_program(scaled.graph);
    ASSERT_TRUE(program) << program.error().message;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        const auto x = numbers(500, seed);
        ASSERT_TRUE(queue.write(memory, 0, bytes_of(x)));
        ASSERT_TRUE(queue.run(*program));
        const auto y = read_floats(queue, memory, 4096, 500);
        for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], 0.5f * x[i]) << i;
    }
}

TEST_P(ProgramLaws, TwoProgramsShareABuffer) {
    // The second reads what the first wrote, in the order of the queue.
    const Buffer memory = buffer(1 << 14);
    const ScaleGraph first(memory.get(), 0, 4096, 5, 100, 2, 0), second(memory.get(), 4096, 8192, 5, 100, 4, 0);
    SKIP_IF_DECLINED(first.graph);
    const auto one = device->create_program(first.graph);
    const auto two = device->create_program(second.graph);
    ASSERT_TRUE(one) << one.error().message;
    ASSERT_TRUE(two) << two.error().message;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        const auto x = numbers(500, seed);
        ASSERT_TRUE(queue.write(memory, 0, bytes_of(x)));
        ASSERT_TRUE(queue.run(*one));
        ASSERT_TRUE(queue.run(*two));
        const auto y = read_floats(queue, memory, 8192, 500);
        for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], 8 * x[i]) << i;
    }
}

// A run may be smaller than its program: its own rows are right, whether or not the device computes the others.
TEST_P(ProgramLaws, ARunHasTheRowsThatItSays) {
    const Buffer memory = buffer(1 << 14);
    ScaleGraph scaled(memory.get(), 0, 4096, 5, 100, 0.5f, 0);
    SKIP_IF_DECLINED(scaled.graph);
    const int64_t largest = 4;  // of the rows that are dynamic; one more is always there
    scaled.tensors[0].dim = scaled.tensors[1].dim = 1;
    scaled.graph.n_dims = 1;
    scaled.graph.dim_max = &largest;
    const auto program = device->create_program(scaled.graph);
    ASSERT_TRUE(program) << program.error().message;
    for (const int64_t size : {2, 0, 4, 1, 3}) {
        const auto x = numbers(500, static_cast<uint64_t>(size) + 1);
        ASSERT_TRUE(queue.write(memory, 0, bytes_of(x)));
        ASSERT_TRUE(queue.write(memory, 4096, bytes_of(std::vector<float>(500, 7))));
        ASSERT_TRUE(queue.run(*program, {&size, 1}));
        const auto y = read_floats(queue, memory, 4096, 500);
        const size_t n = static_cast<size_t>(size + 1) * 100;
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(y[i], 0.5f * x[i]) << size << ": " << i;
        for (size_t i = n; i < y.size() && device->can(KRAIT_DEVICE_RUNS_ROWS_ALONE); ++i)
            ASSERT_EQ(y[i], 7) << size << ": row " << i / 100 << " was computed";
    }
    for (const int64_t wrong : {int64_t{5}, int64_t{-1}, INT64_MAX})
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_run(queue.get(), program->get(), &wrong, 1, &err));
    const int64_t several[] = {1, 1};
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_run(queue.get(), program->get(), several, 2, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_run(queue.get(), program->get(), nullptr, 1, &err));

    krait_program* made = nullptr;
    scaled.tensors[0].dim = 2;
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().program_create(device->get(), &scaled.graph, &made, &err));
    scaled.tensors[0].dim = 1;
    for (const int64_t impossible : {int64_t{6}, int64_t{-1}}) {
        scaled.graph.dim_max = &impossible;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().program_create(device->get(), &scaled.graph, &made, &err));
    }
    scaled.graph.n_dims = KRAIT_MAX_DIMS + 1;
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().program_create(device->get(), &scaled.graph, &made, &err));
}

TEST_P(ProgramLaws, AnEmptyGraphRuns) {
    const krait_graph none{.struct_size = sizeof(krait_graph),
                           .n_tensors = 0,
                           .tensors = nullptr,
                           .n_nodes = 0,
                           .nodes = nullptr,
                           .n_dims = 0,
                           .dim_max = nullptr};
    krait_program* program = nullptr;
    err.clear();
    const krait_status status = api().program_create(device->get(), &none, &program, &err);
    if (status == KRAIT_STATUS_UNSUPPORTED) GTEST_SKIP() << "unsupported: " << err.message;
    ASSERT_EQ(status, KRAIT_STATUS_OK) << err.message;
    EXPECT_DONE(api().queue_run(queue.get(), program, nullptr, 0, &err));
    EXPECT_TRUE(queue.sync());
    api().program_destroy(program);
}

TEST_P(ProgramLaws, NodesWithoutElementsRun) {
    const Buffer memory = buffer(256);
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{0, 8}, {3, 0}, {0, 0}}) {
        const ScaleGraph scaled(memory.get(), 256, 256, rows, columns, 2, 1);
        SKIP_IF_DECLINED(scaled.graph);
        const auto before = random_bytes(256);
        ASSERT_TRUE(queue.write(memory, 0, before));
        const auto program = device->create_program(scaled.graph);
        ASSERT_TRUE(program) << program.error().message;
        ASSERT_TRUE(queue.run(*program));
        EXPECT_EQ(read(memory, 0, 256), before);
    }
}

TEST_P(ProgramLaws, TwoThreadsRunAProgramEach) {
    const ScaleGraph probe(nullptr, 0, 0, 3, 8, 2, 1);
    SKIP_IF_DECLINED(probe.graph);
    const auto work = [&](float scale, uint64_t seed) {
        auto own = device->create_queue();
        ASSERT_TRUE(own);
        const auto memory = device->create_buffer(KRAIT_BUFFER_DEVICE, 1 << 17);
        ASSERT_TRUE(memory);
        const ScaleGraph scaled(memory->get(), 0, 1 << 16, 16, 1000, scale, 0);
        const auto program = device->create_program(scaled.graph);
        ASSERT_TRUE(program);
        for (uint64_t i = 0; i < 30; ++i) {
            const auto x = numbers(16000, seed * 100 + i);
            ASSERT_TRUE(own->write(*memory, 0, bytes_of(x)));
            ASSERT_TRUE(own->run(*program));
            const auto y = read_floats(*own, *memory, 1 << 16, x.size());
            for (size_t k = 0; k < x.size(); ++k) ASSERT_EQ(y[k], scale * x[k]) << k;
        }
    };
    std::thread first(work, 2.0f, 1), second(work, 0.25f, 2);
    first.join();
    second.join();
}

TEST_P(ProgramLaws, MemoryOfAnotherDeviceIsRefused) {
    const auto other = Device::open(GetParam());
    ASSERT_TRUE(other);
    const auto foreign = (*other)->create_buffer(KRAIT_BUFFER_DEVICE, 4096);
    ASSERT_TRUE(foreign);
    const ScaleGraph scaled(foreign->get(), 0, 1024, 3, 8, 2, 1);
    krait_program* none = nullptr;
    err.clear();
    const krait_status status = api().program_create(device->get(), &scaled.graph, &none, &err);
    EXPECT_TRUE(status == KRAIT_STATUS_INVALID_ARGUMENT || status == KRAIT_STATUS_UNSUPPORTED) << err.message;
    EXPECT_EQ(none, nullptr);
}

KRAIT_ON_EVERY_DEVICE(ProgramLaws);

}  // namespace
}  // namespace krait
