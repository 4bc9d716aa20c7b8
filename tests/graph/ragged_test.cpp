// SPDX-License-Identifier: Apache-2.0
//
// check_ragged: which index values a run may have (core/ops/ragged.hpp).
#include "core/ops/ragged.hpp"

#include <gtest/gtest.h>

namespace krait::ops {
namespace {

struct RaggedRun {
    const char* name;
    const char* error;  // words of it; nullptr = legal
    int64_t n_tok;
    std::vector<int32_t> seq_start, src, dst, snapshots;
};

class CheckRagged : public testing::TestWithParam<RaggedRun> {};

TEST_P(CheckRagged, AcceptsOrSaysWhy) {
    const RaggedRun& run = GetParam();
    const auto checked = check_ragged(run.n_tok, 4, run.seq_start, run.src, run.dst, run.snapshots);
    if (!run.error) {
        EXPECT_TRUE(checked) << checked.error().message;
        return;
    }
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(checked.error().message.find(run.error), std::string::npos) << checked.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Runs, CheckRagged,
    testing::Values(
        RaggedRun{"Fresh", nullptr, 3, {0, 3}, {-1}, {0}, {}}, RaggedRun{"InPlace", nullptr, 3, {0, 1, 3}, {1, 2}, {1, 2}, {}},
        RaggedRun{"Fork", nullptr, 2, {0, 1, 2}, {0, 0}, {1, 2}, {}},
        RaggedRun{"EmptySequence", nullptr, 2, {0, 2, 2}, {0, 1}, {0, 2}, {}},
        RaggedRun{"Nowhere", nullptr, 1, {0, 1}, {0}, {-1}, {}}, RaggedRun{"NoSequences", nullptr, 0, {0}, {}, {}, {}},
        RaggedRun{"Snapshots", nullptr, 3, {0, 3}, {0}, {0}, {0, 1, 2, 2}},
        RaggedRun{"UnusedSnapshot", nullptr, 1, {0, 1}, {0}, {0}, {-1, 77}},
        RaggedRun{"SnapshotOverOwnSource", nullptr, 2, {0, 2}, {0}, {1}, {0, 0}},
        RaggedRun{"DoesNotBeginAtZero", "seq_start runs from 1 to 3", 3, {1, 3}, {0}, {0}, {}},
        RaggedRun{"DoesNotEndAtT", "it must run from 0 to the number of rows, 3", 3, {0, 2}, {0}, {0}, {}},
        RaggedRun{"Descends", "seq_start[1] = 2 is larger than seq_start[2] = 1", 3, {0, 2, 1, 3}, {0, 1, 2}, {0, 1, 2}, {}},
        RaggedRun{"SourceTooLarge", "src_slot[0] = 4", 1, {0, 1}, {4}, {0}, {}},
        RaggedRun{"SourceTooSmall", "src_slot[0] = -2", 1, {0, 1}, {-2}, {0}, {}},
        RaggedRun{"TargetTooLarge", "dst_slot[0] = 9", 1, {0, 1}, {0}, {9}, {}},
        RaggedRun{"TargetTwice", "dst_slot[1]: slot 1 is written twice", 2, {0, 1, 2}, {0, 2}, {1, 1}, {}},
        RaggedRun{
            "WritesWhatAnotherReads", "dst_slot[0]: slot 1 is read by another sequence", 2, {0, 1, 2}, {0, 1}, {1, 2}, {}},
        RaggedRun{"WritesWhatSeveralRead", "dst_slot[0]: slot 0 is read by another sequence", 2, {0, 1, 2}, {0, 0}, {0, 2}, {}},
        RaggedRun{"SnapshotRow", "snapshots[0]: row 3 is not one of the 3 rows", 3, {0, 3}, {0}, {0}, {3, 1}},
        RaggedRun{"SnapshotSlot", "snapshots[0]: slot 4 is not one of 0 to 3", 3, {0, 3}, {0}, {0}, {0, 4}},
        RaggedRun{"SnapshotOverTarget", "snapshots[0]: slot 0 is written twice", 3, {0, 3}, {0}, {0}, {0, 0}},
        RaggedRun{"SnapshotOverOtherSource",
                  "snapshots[0]: slot 1 is read by another sequence",
                  2,
                  {0, 1, 2},
                  {0, 1},
                  {0, 2},
                  {0, 1}},
        RaggedRun{"CountsDiffer", "2 sequences need 3 starts and 2 destination slots", 1, {0, 1}, {0, 1}, {0, 1}, {}}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace krait::ops
