// SPDX-License-Identifier: Apache-2.0
#include "bench/model_work.hpp"

#include <map>

#include "graph/node_work.hpp"
#include "models/architectures/forward.hpp"

namespace krait::bench {

Result<ModelWork> ModelWork::of(const Model& model) {
    KRAIT_TRY(const graph::Graph graph, build_forward(model.architecture(), model.weights().descs(), {.n_slots = 1},
                                                      {.n_tok = 1, .n_seq = 1, .n_out = 1}, model.n_token()));
    ModelWork work;
    std::map<DType, double> weights_of_type;
    for (const graph::Node& node : graph.nodes) {
        const graph::NodeWork of_node = graph::node_work(graph, node);
        const auto bytes = static_cast<double>(of_node.weight_bytes);
        if (node.op == OpId::get_rows) {
            work.embedding_row_bytes += bytes;
            continue;
        }
        const bool is_head = node.layer == graph::kHead && node.op == OpId::mul_mat;
        const double multiplied = static_cast<double>(of_node.operations) / 2;
        work.weight_bytes += bytes;
        work.state_bytes += static_cast<double>(of_node.states_read);
        if (is_head) work.head_bytes += bytes;
        (is_head ? work.head_weights : work.layer_weights) += multiplied;
        static_assert(use_of<ops::MulMat>(OpId::mul_mat, "w").operand == use_of<ops::SsmConv>(OpId::ssm_conv, "w").operand);
        if (multiplied > 0)
            weights_of_type[dtype_of(graph[ops::as_named<ops::MulMat::template In>(node.in).w].desc)] += multiplied;
    }
    double largest = 0;
    for (const auto& [type, count] : weights_of_type)
        if (count > largest) {
            largest = count;
            work.widest = type;
        }
    return work;
}

double ModelWork::bytes(int64_t rows, int64_t sequences, int64_t logits) const {
    return weight_bytes - (logits > 0 ? 0 : head_bytes) + static_cast<double>(rows) * embedding_row_bytes +
           2 * static_cast<double>(sequences) * state_bytes;
}

double ModelWork::operations(int64_t rows, int64_t logits) const {
    return 2 * (static_cast<double>(rows) * layer_weights + static_cast<double>(logits) * head_weights);
}

}  // namespace krait::bench
