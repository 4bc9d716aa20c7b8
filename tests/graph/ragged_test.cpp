// SPDX-License-Identifier: Apache-2.0
//
// check_ragged: which index values a run may have (core/ops/ragged.hpp).
#include "core/ops/ragged.hpp"

#include <gtest/gtest.h>

namespace krait::ops {
namespace {

struct Run {
    const char* name;
    const char* error;  // words of it; nullptr = legal
    int64_t n_tok;
    std::vector<int32_t> seq_start, src, dst, snapshots;
};

class CheckRagged : public testing::TestWithParam<Run> {};

TEST_P(CheckRagged, AcceptsOrSaysWhy) {
    const Run& run = GetParam();
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
    testing::Values(Run{"Fresh", nullptr, 3, {0, 3}, {-1}, {0}, {}}, Run{"InPlace", nullptr, 3, {0, 1, 3}, {1, 2}, {1, 2}, {}},
                    Run{"Fork", nullptr, 2, {0, 1, 2}, {0, 0}, {1, 2}, {}}, Run{"EmptySequence", nullptr, 2, {0, 2, 2}, {0, 1}, {0, 2}, {}},
                    Run{"Nowhere", nullptr, 1, {0, 1}, {0}, {-1}, {}}, Run{"NoSequences", nullptr, 0, {0}, {}, {}, {}},
                    Run{"Snapshots", nullptr, 3, {0, 3}, {0}, {0}, {0, 1, 2, 2}}, Run{"UnusedSnapshot", nullptr, 1, {0, 1}, {0}, {0}, {-1, 77}},
                    Run{"SnapshotOverOwnSource", nullptr, 2, {0, 2}, {0}, {1}, {0, 0}},
                    Run{"DoesNotBeginAtZero", "seq_start runs from 1 to 3", 3, {1, 3}, {0}, {0}, {}},
                    Run{"DoesNotEndAtT", "it must run from 0 to the number of rows, 3", 3, {0, 2}, {0}, {0}, {}},
                    Run{"Descends", "seq_start[1] = 2 is larger than seq_start[2] = 1", 3, {0, 2, 1, 3}, {0, 1, 2}, {0, 1, 2}, {}},
                    Run{"SourceTooLarge", "src_slot[0] = 4", 1, {0, 1}, {4}, {0}, {}}, Run{"SourceTooSmall", "src_slot[0] = -2", 1, {0, 1}, {-2}, {0}, {}},
                    Run{"TargetTooLarge", "dst_slot[0] = 9", 1, {0, 1}, {0}, {9}, {}},
                    Run{"TargetTwice", "dst_slot[1]: slot 1 is written twice", 2, {0, 1, 2}, {0, 2}, {1, 1}, {}},
                    Run{"WritesWhatAnotherReads", "dst_slot[0]: slot 1 is read by another sequence", 2, {0, 1, 2}, {0, 1}, {1, 2}, {}},
                    Run{"WritesWhatSeveralRead", "dst_slot[0]: slot 0 is read by another sequence", 2, {0, 1, 2}, {0, 0}, {0, 2}, {}},
                    Run{"SnapshotRow", "snapshots[0]: row 3 is not one of the 3 rows", 3, {0, 3}, {0}, {0}, {3, 1}},
                    Run{"SnapshotSlot", "snapshots[0]: slot 4 is not one of 0 to 3", 3, {0, 3}, {0}, {0}, {0, 4}},
                    Run{"SnapshotOverTarget", "snapshots[0]: slot 0 is written twice", 3, {0, 3}, {0}, {0}, {0, 0}},
                    Run{"SnapshotOverOtherSource", "snapshots[0]: slot 1 is read by another sequence", 2, {0, 1, 2}, {0, 1}, {0, 2}, {0, 1}},
                    Run{"CountsDiffer", "2 sequences need 3 starts and 2 destination slots", 1, {0, 1}, {0, 1}, {0, 1}, {}}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace krait::ops
