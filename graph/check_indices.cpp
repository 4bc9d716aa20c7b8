// SPDX-License-Identifier: Apache-2.0
#include "graph/check_indices.hpp"

#include <algorithm>

#include "core/ops/get_rows.hpp"
#include "core/ops/ssm_conv.hpp"
#include "core/ops/ssm_scan.hpp"
#include "graph/compiled.hpp"

namespace krait::graph {
namespace {

template <class Op>
typename Op::template In<TensorId> operands(const Node& node) {
    return ops::as_named<Op::template In>(node.in);
}

template <class T>
void add_once(std::vector<T>& list, const T& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

// What the host gave for an index tensor; empty where a node computes it (then it is right by construction) or it is absent.
std::span<const int32_t> values_of(TensorId id, std::span<const InputBytes> inputs) {
    for (const InputBytes& input : inputs)
        if (input.tensor == id && id != kNoTensor)
            return {reinterpret_cast<const int32_t*>(input.bytes.data()), input.bytes.size() / sizeof(int32_t)};
    return {};
}

// Whether `known` is these values, one operand after another. How many each has is fixed by the graph.
bool are(std::span<const int32_t> known, std::span<const std::span<const int32_t>> operands) {
    for (const auto& values : operands) {
        if (known.size() < values.size() || !std::equal(values.begin(), values.end(), known.begin())) return false;
        known = known.subspan(values.size());
    }
    return known.empty();
}

}  // namespace

IndexChecks IndexChecks::of(const Graph& graph) {
    IndexChecks checks;
    const auto from_host = [&](TensorId id) { return graph[id].role == TensorRole::input; };
    const auto add_ragged = [&](const auto& in, int64_t n_tok) {
        if (from_host(in.seq_start))
            add_once(checks.ragged_,
                     {in.seq_start, in.src_slot, in.dst_slot, in.snapshots, n_tok, graph[in.state].desc.extent[0]});
    };
    for (const Node& node : graph.nodes) {
        switch (node.op) {
            case OpId::get_rows: {
                const auto in = operands<ops::GetRows>(node);
                if (from_host(in.ids)) add_once(checks.ids_, {in.ids, graph[in.table].desc.extent[0]});
                break;
            }
            case OpId::ssm_conv: {
                const auto in = operands<ops::SsmConv>(node);
                add_ragged(in, graph[in.x].desc.extent[0]);
                break;
            }
            case OpId::ssm_scan: {
                const auto in = operands<ops::SsmScan>(node);
                add_ragged(in, graph[in.x].desc.extent[0]);
                break;
            }
            default: break;
        }
    }
    return checks;
}

Result<void> IndexChecks::check(const Graph& graph, std::span<const InputBytes> inputs) const {
    for (const Ids& ids : ids_) {
        if (auto ok = ops::GetRows::check_ids(values_of(ids.ids, inputs), ids.n_rows); !ok)
            return tl::unexpected<Error>(std::move(ok).error().within(graph[ids.ids].name));
    }
    known_.resize(ragged_.size());
    for (size_t i = 0; i < ragged_.size(); ++i) {
        const Ragged& r = ragged_[i];
        const std::span<const int32_t> operands[] = {values_of(r.seq_start, inputs), values_of(r.src_slot, inputs),
                                                     values_of(r.dst_slot, inputs), values_of(r.snapshots, inputs)};
        if (are(known_[i], operands)) continue;
        known_[i].clear();
        KRAIT_CHECK(
            ops::check_ragged(r.n_tok, r.n_slots, operands[0], operands[1], operands[2], operands[3], std::move(scratch_)));
        for (const auto& values : operands) known_[i].insert(known_[i].end(), values.begin(), values.end());
    }
    return {};
}

}  // namespace krait::graph
