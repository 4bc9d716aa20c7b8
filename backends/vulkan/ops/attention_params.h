// SPDX-License-Identifier: Apache-2.0
//
// Parameters of attention, of both its dispatches. Places of a sequence are dealt to parts of part_places each, a work group
// for each; where there is more than one, results of parts meet in a second dispatch.
#ifndef KRAIT_VULKAN_ATTENTION_PARAMS_H
#define KRAIT_VULKAN_ATTENTION_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct AttentionParams {
    Rows q, y;
    Rows cache;  // its rows, counted through all pages
    uint64_t page_table, positions, seq_start;
    // [row, from first_tok on][head][part]: v_dim sums of weighted values, the largest score, the sum of the weights
    uint64_t partial;
    uint64_t n_groups;
    uint32_t first_tok, n_tok;  // the rows that the dispatch is for
    uint32_t n_seq, table_width, rows_per_page;
    uint32_t n_head, n_kv_head, heads_per_key;
    uint32_t heads, tokens;  // of a work group: query heads of one key head, rows of one sequence
    uint32_t head_blocks;    // work groups for the heads of a key head
    uint32_t k_dim, v_dim, v_column;
    uint32_t n_part, part_places;
    uint32_t window;  // 0 = all
    float scale, soft_cap;
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
