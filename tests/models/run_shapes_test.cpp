// SPDX-License-Identifier: Apache-2.0
//
// Shapes of runs: few, large enough, with room for the padding, and little of it.
#include "models/session/run_shapes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace krait {
namespace {

TEST(RunShapes, AreFewForEveryMixOfPromptsAndSteps) {
    for (const int32_t max_rows : {1, 7, 64, 100, 512, 2048})
        for (const int32_t max_sequences : {1, 2, 33, 64}) {
            const RunShapes shapes(max_rows, max_sequences, 4);
            std::set<std::string> keys;
            for (int64_t n_tok = 1; n_tok <= max_rows; ++n_tok)
                for (int64_t n_seq = 1; n_seq <= std::min<int64_t>(n_tok, max_sequences); ++n_seq)
                    for (const int64_t n_out : {int64_t{0}, int64_t{1}, n_seq})
                        keys.insert(
                            std::string(RunKey(shapes.padded({.n_tok = n_tok, .n_seq = n_seq, .n_out = n_out})).text()));
            EXPECT_LE(keys.size(), 24u) << max_rows << " rows, " << max_sequences << " sequences";
        }
}

TEST(RunShapes, HaveRoomForARunAndItsPadding) {
    for (const int32_t max_rows : {1, 3, 64, 65, 512, 5000})
        for (const int32_t max_sequences : {1, 2, 64, 100, 5000}) {
            const RunShapes shapes(max_rows, max_sequences, 0);
            for (int64_t n_tok = 1; n_tok <= max_rows; n_tok += 1 + n_tok / 7)
                for (const int64_t n_seq : {int64_t{1}, std::min<int64_t>(n_tok, max_sequences)})
                    for (const int64_t n_out : {int64_t{0}, int64_t{1}, n_seq, n_tok}) {
                        const RunShape exact{.n_tok = n_tok, .n_seq = n_seq, .n_out = n_out, .top_k = 3, .n_snapshot = n_seq};
                        const RunShape shape = shapes.padded(exact);
                        EXPECT_GE(shape.n_tok, n_tok);
                        EXPECT_LE(shape.n_tok, max_rows);
                        EXPECT_GE(shape.n_seq, n_seq + (shape.n_tok > n_tok)) << "padding rows belong to a sequence";
                        EXPECT_GE(shape.n_out, n_out);
                        EXPECT_LE(shape.n_out, shape.n_tok);
                        EXPECT_GE(shape.n_snapshot, n_seq);
                        EXPECT_EQ(shape.top_k, shape.n_out > 0 ? 3 : 0);
                    }
        }
}

TEST(RunShapes, PadAPromptLittle) {
    const RunShapes shapes(512, 64, 0);
    EXPECT_EQ(shapes.rows(512), 512);
    for (int64_t n = 65; n <= 512; ++n) EXPECT_LT(shapes.rows(n) - n, 64);
    for (int64_t n = 1; n <= 64; ++n) EXPECT_LT(shapes.rows(n), 2 * n);
    EXPECT_EQ(RunShapes(64, 1, 0).padded({.n_tok = 9, .n_seq = 1, .n_out = 1}).n_out, 1)
        << "one sequence wants one row of logits";
    EXPECT_EQ(RunShapes(512, 1, 0).padded({.n_tok = 1, .n_seq = 1, .n_out = 1}),
              (RunShape{.n_tok = 1, .n_seq = 1, .n_out = 1}));
    EXPECT_EQ(RunShapes(1 << 30, 1, 0).largest().n_tok, 2048) << "no more is reserved beforehand";
}

}  // namespace
}  // namespace krait
