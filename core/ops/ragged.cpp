// SPDX-License-Identifier: Apache-2.0
#include "core/ops/ragged.hpp"

namespace krait::ops {

Result<RaggedShape> infer_ragged(int64_t n_tok, const TensorDesc& seq_start, const TensorDesc& src_slot,
                                 const TensorDesc& dst_slot, const TensorDesc* snapshots) {
    RaggedShape shape{n_tok, src_slot.rank == 1 ? src_slot.extent[0] : 0, 0};
    KRAIT_CHECK(expect(dtype_of(src_slot) == DType::I32 && src_slot.rank == 1, "src_slot", src_slot, "I32 [n_seq]"));
    KRAIT_CHECK(expect_i32("dst_slot", dst_slot, {shape.n_seq}));
    KRAIT_CHECK(expect_i32("seq_start", seq_start, {shape.n_seq + 1}));
    if (snapshots) {
        KRAIT_CHECK(expect(dtype_of(*snapshots) == DType::I32 && snapshots->rank == 2 && snapshots->extent[1] == 2, "snapshots",
                           *snapshots, "I32 [n_snapshot, 2]"));
        shape.n_snapshot = snapshots->extent[0];
    }
    return shape;
}

Result<void> check_ragged(int64_t n_tok, int64_t n_slots, std::span<const int32_t> seq_start, std::span<const int32_t> src_slot,
                          std::span<const int32_t> dst_slot, std::span<const int32_t> snapshots,
                          std::vector<int32_t>&& scratch) {
    const size_t n_seq = src_slot.size();
    const auto bad = ErrorCode::invalid_argument;
    if (seq_start.size() != n_seq + 1 || dst_slot.size() != n_seq || snapshots.size() % 2 != 0)
        return fail(bad, "{} sequences need {} starts and {} destination slots; got {} and {}", n_seq, n_seq + 1, n_seq,
                    seq_start.size(), dst_slot.size());
    if (seq_start[0] != 0 || seq_start[n_seq] != n_tok)
        return fail(bad, "seq_start runs from {} to {}; it must run from 0 to the number of rows, {}", seq_start[0],
                    seq_start[n_seq], n_tok);

    constexpr int32_t kNobody = -1, kSeveral = -2;
    scratch.assign(2 * static_cast<size_t>(n_slots), kNobody);
    const auto reader = std::span(scratch).first(static_cast<size_t>(n_slots));  // which sequence reads the slot
    const auto writer = std::span(scratch).last(static_cast<size_t>(n_slots));   // which sequence writes it
    for (size_t b = 0; b < n_seq; ++b) {
        if (seq_start[b] > seq_start[b + 1])
            return fail(bad, "seq_start[{}] = {} is larger than seq_start[{}] = {}", b, seq_start[b], b + 1, seq_start[b + 1]);
        if (src_slot[b] < -1 || src_slot[b] >= n_slots)
            return fail(bad, "src_slot[{}] = {}: slots are -1 (fresh) and 0 to {}", b, src_slot[b], n_slots - 1);
        if (dst_slot[b] < -1 || dst_slot[b] >= n_slots)
            return fail(bad, "dst_slot[{}] = {}: slots are -1 (nowhere) and 0 to {}", b, dst_slot[b], n_slots - 1);
        if (src_slot[b] >= 0) {
            int32_t& by = reader[static_cast<size_t>(src_slot[b])];
            by = by == kNobody ? static_cast<int32_t>(b) : kSeveral;
        }
    }
    const auto claim = [&](int32_t slot, int32_t seq, std::string_view what, size_t index) -> Result<void> {
        int32_t& by = writer[static_cast<size_t>(slot)];
        if (by != kNobody) return fail(bad, "{}[{}]: slot {} is written twice in one run", what, index, slot);
        by = seq;
        const int32_t read_by = reader[static_cast<size_t>(slot)];
        if (read_by != kNobody && read_by != seq)
            return fail(bad, "{}[{}]: slot {} is read by another sequence of the same run", what, index, slot);
        return {};
    };
    for (size_t b = 0; b < n_seq; ++b)
        if (dst_slot[b] >= 0) KRAIT_CHECK(claim(dst_slot[b], static_cast<int32_t>(b), "dst_slot", b));
    for (size_t s = 0; s * 2 < snapshots.size(); ++s) {
        const int32_t row = snapshots[2 * s], slot = snapshots[2 * s + 1];
        if (row == -1) continue;
        if (row < 0 || row >= n_tok) return fail(bad, "snapshots[{}]: row {} is not one of the {} rows", s, row, n_tok);
        if (slot < 0 || slot >= n_slots) return fail(bad, "snapshots[{}]: slot {} is not one of 0 to {}", s, slot, n_slots - 1);
        int32_t seq = 0;
        while (row >= seq_start[static_cast<size_t>(seq) + 1]) ++seq;
        KRAIT_CHECK(claim(slot, seq, "snapshots", s));
    }
    return {};
}

}  // namespace krait::ops
