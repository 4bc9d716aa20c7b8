// SPDX-License-Identifier: Apache-2.0
//
// IndexChecks on every operator of the list, from its contract alone: right values pass, and a wrong one in any element of any
// index operand is refused before a run. A new operator is tested here without a line.
#include "graph/check_indices.hpp"

#include <gtest/gtest.h>

#include <map>

#include "core/ops/op_list.hpp"
#include "graph/compiled.hpp"

namespace krait::graph {
namespace {

constexpr int64_t kRows = 4;  // every operand has as many rows, slots or pages
constexpr int64_t kRowsPerPage = 8;

std::vector<int32_t> right_values(IndexMeaning meaning) {
    switch (meaning) {
        case IndexMeaning::none: break;
        case IndexMeaning::rows: return {0, kRows - 1, 2};
        case IndexMeaning::sequence_starts: return {0, 3, kRows};
        case IndexMeaning::slots_read: return {0, 1};
        case IndexMeaning::slots_written: return {0, 2};
        case IndexMeaning::snapshots: return {kRows - 1, 3};
        case IndexMeaning::rows_written: return {kRowsPerPage * kRows - 1, -1, 0};
        case IndexMeaning::pages_read: return {kRows - 1, 0, -1, 2, 3, 1};  // of two sequences, which have 2 and 3
        case IndexMeaning::positions: return {0, 2 * kRowsPerPage - 1, 7, 3 * kRowsPerPage - 1};
    }
    ADD_FAILURE() << "an index without values for it";
    return {};
}

// One node, all operands present. Its shapes are not those of the contract: only the first extents matter here.
struct OneNode {
    Graph graph;
    std::map<TensorId, std::vector<int32_t>> values;
    std::vector<std::string> names;

    explicit OneNode(const OpSpec& spec) {
        Node node;
        node.op = spec.id;
        node.in.fill(kNoTensor);
        for (size_t i = 0; i < spec.inputs.size(); ++i) {
            const OperandSpec& operand = spec.inputs[i];
            node.in[i] = static_cast<TensorId>(graph.tensors.size());
            Tensor tensor;
            tensor.name = operand.name;
            tensor.role = is_memory(operand.kind)     ? TensorRole::memory
                          : is_constant(operand.kind) ? TensorRole::constant
                                                      : TensorRole::input;
            tensor.desc = make_desc(DType::F32, {kRows, kRowsPerPage});
            if (operand.kind == OperandKind::index) values[node.in[i]] = right_values(operand.index);
            graph.tensors.push_back(std::move(tensor));
        }
        graph.nodes.push_back(node);
    }
    Result<void> check() const {
        std::vector<InputBytes> inputs;
        for (const auto& [tensor, list] : values) inputs.push_back({tensor, std::as_bytes(std::span(list))});
        return IndexChecks::of(graph).check(graph, inputs);
    }
};

TEST(CheckIndices, OfEveryOperatorRefuseWhatIsOutOfRange) {
    size_t n_index = 0;
    for (const OpSpec& spec : kOps) {
        OneNode node(spec);
        const auto right = node.check();
        EXPECT_TRUE(right) << spec.name << ": " << right.error().message;
        for (auto& [tensor, list] : node.values) {
            ++n_index;
            const std::string& name = node.graph[tensor].name;
            for (int32_t& value : list)
                for (const int32_t wrong : {-7, 1 << 30}) {
                    const int32_t before = std::exchange(value, wrong);
                    const auto checked = node.check();
                    ASSERT_FALSE(checked) << spec.name << ": " << name << " takes " << wrong;
                    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
                    EXPECT_NE(checked.error().message.find(name), std::string::npos) << checked.error().message;
                    value = before;
                }
        }
    }
    EXPECT_GE(n_index, 14u);  // get_rows, ssm_conv, ssm_scan, kv_write, attention, rope
}

TEST(CheckIndices, NameTheOperandAndTheRange) {
    OneNode node(op_spec(OpId::get_rows));
    node.values.begin()->second[1] = 9;
    EXPECT_EQ(node.check().error().message, "ids: ids[1] = 9: the table has rows 0 to 3");
}

}  // namespace
}  // namespace krait::graph
