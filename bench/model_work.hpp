// SPDX-License-Identifier: Apache-2.0
//
// What a model has to read and to multiply, at least: the baseline with which a measured time is compared.
//   a run of n rows in B sequences, with logits for m of the rows
//     reads     the weights once and 2 * B states (one in, one out); of an embedding that is not the head, only the n rows
//     computes  2 * (n * weights of the layers + m * weights of the head) operations, where a weight is one that some row is
//               multiplied with (mul_mat, ssm_conv); norms, the scan and activations are left out
// Bytes are those of the file: what a device makes of them in its memory is its own affair.
#pragma once

#include <cstdint>

#include "models/model.hpp"

namespace krait::bench {

struct ModelWork {
    double weight_bytes = 0;         // read by every run that wants logits
    double head_bytes = 0;           // the part of it that is the head's
    double embedding_row_bytes = 0;  // of a token
    double state_bytes = 0;          // of a sequence
    double layer_weights = 0;        // multiplied for each row
    double head_weights = 0;         // multiplied for each row whose logits are wanted
    DType widest{};                  // format of most of the multiplied weights

    static Result<ModelWork> of(const Model& model);  // from the graph of a step (graph/node_work.hpp)

    double bytes(int64_t rows, int64_t sequences, int64_t logits) const;
    double operations(int64_t rows, int64_t logits) const;
};

}  // namespace krait::bench
