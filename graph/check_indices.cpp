// SPDX-License-Identifier: Apache-2.0
#include "graph/check_indices.hpp"

#include <algorithm>

#include "core/ops/op_list.hpp"
#include "graph/compiled.hpp"

namespace krait::graph {
namespace {

template <class T>
void add_once(std::vector<T>& list, const T& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

// The host's values of an index tensor; empty where a node computes it (then it is right by construction) or it is absent.
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
    for (const Node& node : graph.nodes) {
        const std::span<const OperandSpec> inputs = op_spec(node.op).inputs;
        const auto given = [&](int operand) { return operand < 0 ? kNoTensor : node.in[static_cast<size_t>(operand)]; };
        const auto with = [&](IndexMeaning meaning) { return given(find_operand(inputs, meaning)); };
        // How many the operand has in which an index counts: rows of a table, slots of a pool.
        const auto count_of = [&](const char* operand) { return graph[given(find_operand(inputs, operand))].desc.extent[0]; };
        for (size_t i = 0; i < inputs.size(); ++i) {
            const TensorId index = node.in[i];
            if (index == kNoTensor || graph[index].role != TensorRole::input) continue;
            switch (inputs[i].index) {
                case IndexMeaning::none: break;
                case IndexMeaning::rows: add_once(checks.rows_, {index, count_of(inputs[i].of), &inputs[i]}); break;
                case IndexMeaning::rows_written: {
                    const TensorDesc& pages = graph[given(find_operand(inputs, inputs[i].of))].desc;
                    add_once(checks.rows_written_, {index, ops::rows_of_pages(pages), &inputs[i]});
                    break;
                }
                case IndexMeaning::pages_read: {
                    const TensorDesc& pages = graph[given(find_operand(inputs, inputs[i].of))].desc;
                    add_once(checks.paged_, {index, with(IndexMeaning::positions), with(IndexMeaning::sequence_starts),
                                             pages.extent[0], pages.extent[1]});
                    break;
                }
                case IndexMeaning::positions:
                    if (find_operand(inputs, IndexMeaning::pages_read) < 0)  // else with the pages
                        add_once(checks.positions_, {index, 0, &inputs[i]});
                    break;
                case IndexMeaning::sequence_starts:
                    if (find_state(inputs) < 0) break;  // with the pages
                    add_once(checks.ragged_, {index, with(IndexMeaning::slots_read), with(IndexMeaning::slots_written),
                                              with(IndexMeaning::snapshots), count_of(inputs[i].of),
                                              graph[given(find_state(inputs))].desc.extent[0]});
                    break;
                case IndexMeaning::slots_read:
                case IndexMeaning::slots_written:
                case IndexMeaning::snapshots: break;  // with the starts, which every operator that has them has too
            }
        }
    }
    return checks;
}

Result<void> IndexChecks::check(const Graph& graph, std::span<const InputBytes> inputs) const {
    const auto within = [&](TensorId index, Result<void> checked) -> Result<void> {
        if (!checked) return tl::unexpected<Error>(std::move(checked).error().within(graph[index].name));
        return checked;
    };
    for (const Rows& rows : rows_)
        KRAIT_CHECK(within(rows.index,
                           ops::check_rows(rows.operand->name, values_of(rows.index, inputs), rows.operand->of, rows.n_rows)));
    for (const Rows& rows : rows_written_)
        KRAIT_CHECK(within(rows.index, ops::check_rows_written(rows.operand->name, values_of(rows.index, inputs),
                                                               rows.operand->of, rows.n_rows, std::move(scratch_))));
    for (const Rows& rows : positions_)
        KRAIT_CHECK(within(rows.index, ops::check_positions(rows.operand->name, values_of(rows.index, inputs))));
    for (const Paged& p : paged_)
        KRAIT_CHECK(ops::check_pages_read({values_of(p.page_table, inputs), values_of(p.positions, inputs),
                                           values_of(p.seq_start, inputs), p.n_pages, p.rows_per_page}));
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
