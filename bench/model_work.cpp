// SPDX-License-Identifier: Apache-2.0
#include "bench/model_work.hpp"

#include <algorithm>
#include <map>

namespace krait::bench {

ModelWork ModelWork::of(const Model& model) {
    ModelWork work;
    std::map<DType, double> weights_of_type;
    for (const WeightSpec& spec : model.architecture().weights()) {
        const GgufTensor* tensor = model.file().find_tensor(spec.name);
        if (!tensor) continue;
        const bool is_embedding = spec.name == "token_embd.weight";
        const bool is_head = is_embedding ? model.shape().tied_head : spec.name == "output.weight";
        const auto bytes = static_cast<double>(tensor->byte_size());
        const auto count = static_cast<double>(element_count(tensor->desc));
        if (is_embedding) work.embedding_row_bytes = bytes / static_cast<double>(model.shape().n_vocab);
        if (is_embedding && !is_head) continue;
        work.weight_bytes += bytes;
        if (is_head) work.head_bytes += bytes;
        const bool is_multiplied = std::any_of(spec.uses.begin(), spec.uses.end(), [](const krait_use& use) {
            return (use.op == static_cast<uint32_t>(OpId::mul_mat) || use.op == static_cast<uint32_t>(OpId::ssm_conv)) &&
                   use.operand == use_of<ops::MulMat>(OpId::mul_mat, "w").operand;
        });
        if (!is_multiplied) continue;
        (is_head ? work.head_weights : work.layer_weights) += count;
        weights_of_type[tensor->dtype()] += count;
    }
    static_assert(use_of<ops::MulMat>(OpId::mul_mat, "w").operand == use_of<ops::SsmConv>(OpId::ssm_conv, "w").operand);
    work.state_bytes = static_cast<double>(model.architecture().state_bytes());
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
