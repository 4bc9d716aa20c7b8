// SPDX-License-Identifier: Apache-2.0
#include "models/model_work.hpp"

#include <map>

#include "graph/node_work.hpp"
#include "models/architectures/forward.hpp"

namespace krait {

Result<ModelWork> ModelWork::of(const Model& model) {
    KRAIT_TRY(const graph::Graph graph, build_forward(model.architecture(), model.weights().descs(), {.n_slots = 1},
                                                      {.n_tok = 1, .n_seq = 1, .n_out = 1}, model.n_token()));
    ModelWork work;
    std::map<DType, uint64_t> weights_of_type;
    for (const graph::Node& node : graph.nodes) {
        const graph::NodeWork of_node = graph::node_work(graph, node);
        if (node.op == OpId::get_rows) {
            work.embedding_row_bytes += of_node.weight_bytes;
            continue;
        }
        const bool is_head = node.layer == graph::kHead && node.op == OpId::mul_mat;
        const uint64_t multiplied = of_node.operations / 2;
        work.weight_bytes += of_node.weight_bytes;
        if (is_head) work.head_bytes += of_node.weight_bytes;
        (is_head ? work.head_weights : work.layer_weights) += multiplied;
        constexpr auto kWeight = use_of<ops::MulMat>(OpId::mul_mat, "w").operand;
        static_assert(kWeight == use_of<ops::SsmConv>(OpId::ssm_conv, "w").operand);
        static_assert(kWeight == use_of<ops::MulMatExperts>(OpId::mul_mat_experts, "w").operand);
        if (multiplied > 0)
            weights_of_type[dtype_of(graph[ops::as_named<ops::MulMat::template In>(node.in).w].desc)] += multiplied;
    }
    uint64_t largest = 0;
    for (const auto& [type, count] : weights_of_type)
        if (count > largest) {
            largest = count;
            work.widest = type;
        }
    return work;
}

}  // namespace krait
