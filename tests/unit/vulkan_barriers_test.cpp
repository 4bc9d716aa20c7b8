// SPDX-License-Identifier: Apache-2.0
//
// Barriers of a program: between a node and each node that touches the same bytes of an operand, for every op and every
// operand, and nowhere else. Counted by what the backend logs of a program, since shaders find memory by address, which the
// validation layer does not follow, and a driver that computes on the processor works in order anyway. Skipped where there is
// no driver.
#include <gtest/gtest.h>

#include <numeric>

#include "tests/harness/device_run.hpp"
#include "tests/harness/suite.hpp"

namespace krait::harness {
namespace {

struct Counts {
    size_t dispatches = 0, barriers = 0;
};

class VulkanBarriers : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        const auto plugin = PluginRegistry::instance().find("vulkan");
        if (!plugin || (*plugin)->api().device_count() == 0) GTEST_SKIP() << "no Vulkan device";
        auto opened = Device::open(GetParam());
        ASSERT_TRUE(opened) << opened.error().message;
        device = *opened;
        arena = std::move(*device->create_buffer(KRAIT_BUFFER_DEVICE, kArenaBytes));
        PluginRegistry::instance().set_log([this](krait_log_level, std::string_view message) {
            unsigned dispatches = 0, barriers = 0;
            const std::string text(message);
            if (std::sscanf(text.c_str(), "a program of %u dispatches with %u barriers", &dispatches, &barriers) == 2)
                logged.push_back({dispatches, barriers});
        });
    }
    void TearDown() override { PluginRegistry::instance().set_log({}); }

    Counts counts(const std::vector<krait_graph_node>& nodes) {
        const krait_graph graph{.struct_size = sizeof graph,
                                .n_tensors = static_cast<uint32_t>(tensors.size()),
                                .tensors = tensors.data(),
                                .n_nodes = static_cast<uint32_t>(nodes.size()),
                                .nodes = nodes.data()};
        logged.clear();
        const auto program = device->create_program(graph);
        EXPECT_TRUE(program) << program.error().message;
        EXPECT_EQ(logged.size(), 1u) << "one line for each program";
        return logged.empty() ? Counts{} : logged[0];
    }
    size_t barriers(const std::vector<krait_graph_node>& nodes) { return counts(nodes).barriers; }

    // A tensor of the arena, at an offset or where nothing else lies. Gives its index.
    int32_t at(const TensorDesc& desc, uint64_t offset) {
        tensors.push_back({.desc = desc, .role = KRAIT_TENSOR_VALUE, .base = -1, .buffer = arena.get(), .offset = offset});
        return static_cast<int32_t>(tensors.size() - 1);
    }
    int32_t somewhere(const TensorDesc& desc) {
        const int32_t tensor = at(desc, arena_end);
        arena_end += (static_cast<uint64_t>(span_bytes(desc)) + 255) / 256 * 256;
        EXPECT_LE(arena_end, kArenaBytes);
        return tensor;
    }
    const TensorDesc& desc_of(int32_t tensor) const { return tensors[static_cast<size_t>(tensor)].desc; }

    static krait_graph_node node(OpId op, std::initializer_list<int32_t> in, std::initializer_list<int32_t> out) {
        krait_graph_node made{};
        made.op = static_cast<uint32_t>(op);
        std::fill(std::begin(made.in), std::end(made.in), -1);
        std::fill(std::begin(made.out), std::end(made.out), -1);
        std::copy(in.begin(), in.end(), made.in);
        std::copy(out.begin(), out.end(), made.out);
        made.name = "node";
        return made;
    }
    static krait_graph_node copy(int32_t x, int32_t y) { return node(OpId::copy, {x}, {y}); }

    static constexpr uint64_t kArenaBytes = 64 << 20;
    std::shared_ptr<const Device> device;
    Buffer arena;
    uint64_t arena_end = 0;
    std::vector<krait_graph_tensor> tensors;
    std::vector<Counts> logged;
};

TEST_P(VulkanBarriers, OfAChainAndOfWhatIsIndependent) {
    const TensorDesc row = make_desc(DType::F32, {1, 64});
    const int32_t x = somewhere(row), a = somewhere(row), b = somewhere(row), c = somewhere(row), d = somewhere(row);
    EXPECT_EQ(counts({copy(x, a), copy(x, b), copy(x, c)}).dispatches, 3u);
    EXPECT_EQ(barriers({copy(x, a), copy(x, b), copy(x, c)}), 0u) << "all read one input and write three results";
    EXPECT_EQ(barriers({copy(x, a), copy(a, b), copy(b, c), copy(c, d)}), 3u) << "a chain";
    EXPECT_EQ(barriers({copy(x, a), copy(x, b), node(OpId::add, {a, b}, {c}), copy(a, d)}), 1u) << "one barrier orders both";
    EXPECT_EQ(barriers({copy(x, a), copy(b, x)}), 1u) << "write after read";
    EXPECT_EQ(barriers({copy(x, a), copy(b, a)}), 1u) << "write after write";
    EXPECT_EQ(barriers({node(OpId::add, {a, b}, {a}), node(OpId::add, {a, c}, {a})}), 1u) << "in place";
}

TEST_P(VulkanBarriers, OfViewsThatOverlapByAnElement) {
    TensorDesc strided = make_desc(DType::F32, {3, 8});
    strided.stride[0] = 64;  // 2 * 64 + 32 bytes from the first to the last
    const TensorDesc word = make_desc(DType::F32, {1});
    const int32_t whole = somewhere(make_desc(DType::F32, {64})), view = at(strided, 32), elsewhere = somewhere(strided);
    ASSERT_EQ(tensors[static_cast<size_t>(whole)].offset, 0u);
    const int32_t before = at(word, 28), first = at(word, 32), last = at(word, 32 + 2 * 64 + 28),
                  behind = at(word, 32 + 2 * 64 + 32);
    const int32_t y = somewhere(word), y_view = somewhere(make_desc(DType::F32, {3, 8}));
    for (const auto& [element, expected] : {std::pair(before, 0u), {first, 1u}, {last, 1u}, {behind, 0u}}) {
        EXPECT_EQ(barriers({copy(y, element), copy(view, y_view)}), expected) << "written, then read through the view";
        EXPECT_EQ(barriers({copy(view, y_view), copy(y, element)}), expected) << "read through the view, then written";
        EXPECT_EQ(barriers({copy(element, y), copy(view, y_view)}), 0u) << "read twice";
    }
    EXPECT_EQ(barriers({copy(view, y_view), copy(elsewhere, y_view)}), 1u);
}

// The case of each op with the most operands, between copies that write what it reads and read what it writes.
TEST_P(VulkanBarriers, OfEveryOperandOfEveryOp) {
    for (const OpSpec& spec : kOps) {
        SCOPED_TRACE(spec.name);
        const auto n_operands = [](const Case& c) {
            return std::count_if(c.in.begin(), c.in.end(), [](const Operand& o) { return o.present() && !o.as_constant; });
        };
        const Case* chosen = nullptr;
        for (const Case* c : select({.op = spec.name, .quick = true})) {
            const bool has_work = std::all_of(c->in.begin(), c->in.end(),
                                              [](const Operand& o) { return !o.present() || element_count(o.desc) > 0; });
            if (c->legal() && has_work && (!chosen || n_operands(*c) > n_operands(*chosen))) chosen = c;
        }
        ASSERT_TRUE(chosen);
        const auto data = materialize(*chosen);
        ASSERT_TRUE(data) << data.error().message;
        const auto resources = Resources::create(device, *chosen, *data, true);
        ASSERT_TRUE(resources) << resources.error().message;

        tensors.clear();
        arena_end = 0;
        krait_graph_node tested = node(spec.id, {}, {});
        tested.params = chosen->params.data();
        tested.params_size = spec.params_size;
        bool has_memory = false;
        for (size_t i = 0; i < spec.inputs.size(); ++i) {
            if (!chosen->in[i].present()) continue;
            tested.in[i] = somewhere(chosen->in[i].desc);
            krait_graph_tensor& tensor = tensors.back();
            tensor.name = spec.inputs[i].name;
            const bool is_memory = krait::is_memory(spec.inputs[i].kind);
            if (!is_memory && !resources->constants[i]) continue;
            tensor.role = is_memory ? KRAIT_TENSOR_MEMORY : KRAIT_TENSOR_CONSTANT;
            tensor.buffer = is_memory ? resources->memory->get() : resources->constants[i]->get();
            tensor.offset = 0;
            has_memory = has_memory || is_memory;
        }
        krait_graph_node again = tested;  // with results of its own
        for (size_t i = 0; i < spec.outputs.size(); ++i) {
            tested.out[i] = somewhere(data->out[i]);
            again.out[i] = somewhere(data->out[i]);
        }

        const size_t own = barriers({tested});
        EXPECT_EQ(barriers({tested, tested}), 2 * own + 1) << "the same results";
        EXPECT_EQ(barriers({tested, again}), 2 * own + (has_memory ? 1 : 0)) << "of what is shared only a memory is written";
        const auto around = [&](int32_t operand, size_t read_before, std::string_view name) {
            const int32_t other =
                somewhere(make_desc(dtype_of(desc_of(operand)), std::span(desc_of(operand).extent, desc_of(operand).rank)));
            EXPECT_EQ(barriers({copy(other, operand), tested}), own + 1) << name << " is written before";
            EXPECT_EQ(barriers({tested, copy(other, operand)}), own + 1) << name << " is written behind";
            EXPECT_EQ(barriers({copy(operand, other), tested}), own + read_before) << name << " is read before";
            EXPECT_EQ(barriers({tested, copy(operand, other)}), own + read_before) << name << " is read behind";
        };
        for (size_t i = 0; i < spec.inputs.size(); ++i)
            if (tested.in[i] >= 0 && tensors[static_cast<size_t>(tested.in[i])].role == KRAIT_TENSOR_VALUE)
                around(tested.in[i], 0, spec.inputs[i].name);
        for (size_t i = 0; i < spec.outputs.size(); ++i) around(tested.out[i], 1, spec.outputs[i].name);
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, VulkanBarriers, testing::Values("vulkan0:cache=off", "vulkan0:gpu_kernels=on:cache=off"),
                         [](const auto& param) { return std::string(param.index == 0 ? "own" : "gpu"); });

}  // namespace
}  // namespace krait::harness
