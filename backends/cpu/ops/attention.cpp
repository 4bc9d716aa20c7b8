// SPDX-License-Identifier: Apache-2.0
//
// attention (contract: core/ops/attention.hpp): by blocks of places (attention_block.hpp), which are merged in their order. A
// tile is rows of one sequence that follow each other, with the query heads that share a key head, so that keys and values are
// read once for all of them. Threads share tiles and key heads; where these are few, as in a step of one sequence, they share
// the blocks as well, and merge them when all are done. Neither a block nor the order of merging depends on who computes it.
#include "core/ops/attention.hpp"

#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/ops/attention_block.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

// Rows that are this few wait for memory: a thread then walks all columns of a row of the cache, in one stream.
constexpr int64_t kFewRows = 16;
// Blocks are merged later only where their results take less memory than this.
constexpr int64_t kMaxPartials = int64_t{64} << 20;

// Rows begin .. end of a sequence that are no padding, and the blocks that they see.
struct Tile {
    int32_t sequence;
    int32_t begin, end;
    int32_t first_block, n_blocks;
};

struct Problem {
    const plugin::host::MemoryPool* cache;
    std::span<const int32_t> page_table, positions, seq_start;
    const Tensor *q, *y;
    ops::AttentionParams params;
    int64_t n_head, k_dim, v_dim, per_page, table_width;
    int64_t padded_dim;
    // Query heads of a key head, in groups that are no more than a tile may have.
    int64_t heads_of_key, groups_of_key, n_group;

    int64_t group_head(int64_t group) const {  // its first one
        return group / groups_of_key * heads_of_key + heads_of_key * (group % groups_of_key) / groups_of_key;
    }
};

// How the work is cut, and memory for it.
struct Plan {
    std::span<Tile> tiles;
    int64_t max_blocks = 0;      // of a tile
    int64_t rows_of_tile = 0;    // the largest tile and group
    int64_t groups_of_unit = 1;  // that one thread does together
    int64_t n_parts = 1;         // of the blocks of a tile; 1: a thread merges as it goes
    float* partials = nullptr;   // [T, n_head, max_blocks, Weighted]
};

// Whole rows of the next block, fetched to level 2 while the heads of a step go over this one, a share before each panel. Rows
// of a page lie one behind the other, so that this is a stream, which hardware runs ahead of; the columns of a head are not.
class BlockPrefetcher {
  public:
    BlockPrefetcher(int64_t begin, int64_t end, int64_t bytes, int64_t n_groups)
        : next_(begin),
          end_(end),
          bytes_(bytes),
          share_((kBlock + n_groups * (kBlock / kPanel) - 1) / (n_groups * (kBlock / kPanel))) {}
    void step(const BlockOfRows& block) {
        for (const int64_t stop = std::min(next_ + share_, end_); next_ < stop; ++next_)
            for (int64_t byte = 0; byte < bytes_; byte += 64) __builtin_prefetch(block.place[next_] + byte, 0, 2);
    }

  private:
    int64_t next_, end_, bytes_, share_;
};

class Attention {
  public:
    Attention(const Problem& problem, Context& context) : p_(problem), context_(context) {}

    template <DType F>
    void run() {
        plan();
        // Of one block, and of all blocks for all groups.
        const int64_t n_results = plan_.rows_of_tile * (1 + plan_.groups_of_unit);
        context_.reserve_scratch(AttentionScratch::floats(p_.k_dim, p_.padded_dim, plan_.rows_of_tile) +
                                 n_results * Weighted::floats(p_.padded_dim));
        const int64_t n_units = p_.n_group / plan_.groups_of_unit;
        const auto n_tiles = static_cast<int64_t>(plan_.tiles.size());
        const int64_t n = n_tiles * n_units * plan_.n_parts;
        context_.parallel_for(n, grain_of(work_ / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end, int worker) {
            for (int64_t i = begin; i < end; ++i) {
                const Tile& tile = plan_.tiles[static_cast<size_t>(i / plan_.n_parts / n_units)];
                const int64_t part = i % plan_.n_parts, unit = i / plan_.n_parts % n_units;
                attend<F>(tile, unit * plan_.groups_of_unit, tile.n_blocks * part / plan_.n_parts,
                          tile.n_blocks * (part + 1) / plan_.n_parts, context_.scratch(worker));
            }
        });
        if (plan_.n_parts == 1) return;
        context_.parallel_for(
            n_tiles * p_.n_head, grain_of(plan_.max_blocks * p_.v_dim), [&](int64_t begin, int64_t end, int worker) {
                for (int64_t i = begin; i < end; ++i)
                    merge_parts(plan_.tiles[static_cast<size_t>(i / p_.n_head)], i % p_.n_head, context_.scratch(worker));
            });
    }

  private:
    int64_t heads_of_group() const { return (p_.heads_of_key + p_.groups_of_key - 1) / p_.groups_of_key; }

    void plan() {
        const auto n_tok = static_cast<int64_t>(p_.positions.size());
        std::byte* shared = context_.reserve_shared(n_tok * int64_t{sizeof(Tile)});
        // Halved until every thread has several, as long as keys are shared by some rows.
        int64_t tokens = std::max<int64_t>(1, kMaxRows / heads_of_group());
        make_tiles(reinterpret_cast<Tile*>(shared), tokens);
        while (tokens > 1 && tokens * heads_of_group() > 2 * kFewRows &&
               static_cast<int64_t>(plan_.tiles.size()) * p_.n_group < 3 * context_.n_threads())
            make_tiles(reinterpret_cast<Tile*>(shared), tokens /= 2);

        const auto n_tiles = static_cast<int64_t>(plan_.tiles.size());
        const bool streams = plan_.rows_of_tile <= kFewRows && n_tiles * plan_.max_blocks >= 2 * context_.n_threads();
        plan_.groups_of_unit = streams ? p_.n_group : 1;
        const int64_t n = n_tiles * p_.n_group / plan_.groups_of_unit, wanted = (streams ? 8 : 3) * context_.n_threads();
        const int64_t tiles_bytes = (n_tiles * int64_t{sizeof(Tile)} + 63) / 64 * 64;
        const int64_t partial_bytes =
            n_tok * p_.n_head * plan_.max_blocks * Weighted::floats(p_.padded_dim) * int64_t{sizeof(float)};
        if (context_.n_threads() > 1 && n > 0 && n < wanted && partial_bytes <= kMaxPartials)
            plan_.n_parts = std::clamp<int64_t>((wanted + n - 1) / n, 1, plan_.max_blocks);
        if (plan_.n_parts == 1) return;
        shared = context_.reserve_shared(std::max(n_tok * int64_t{sizeof(Tile)}, tiles_bytes + partial_bytes));
        make_tiles(reinterpret_cast<Tile*>(shared), tokens);
        plan_.partials = reinterpret_cast<float*>(shared + tiles_bytes);
    }

    // Up to `tokens` rows each; rows of padding are in none.
    void make_tiles(Tile* tiles, int64_t tokens) {
        size_t n = 0;
        plan_.max_blocks = plan_.rows_of_tile = work_ = 0;
        for (size_t b = 0; b + 1 < p_.seq_start.size(); ++b)
            for (int32_t t = p_.seq_start[b]; t < p_.seq_start[b + 1];) {
                if (p_.positions[static_cast<size_t>(t)] < 0) {
                    ++t;
                    continue;
                }
                Tile tile{static_cast<int32_t>(b), t, t, 0, 0};
                int64_t first = INT64_MAX, last = 0;
                for (; t < p_.seq_start[b + 1] && t - tile.begin < tokens && p_.positions[static_cast<size_t>(t)] >= 0; ++t) {
                    const int64_t place = p_.positions[static_cast<size_t>(t)];
                    first = std::min(first, p_.params.first_place(place));
                    last = std::max(last, place);
                    work_ += (place + 1 - p_.params.first_place(place)) * p_.n_head * (p_.k_dim + p_.v_dim);
                }
                tile.end = t;
                tile.first_block = static_cast<int32_t>(first / kBlock);
                tile.n_blocks = static_cast<int32_t>(last / kBlock - first / kBlock + 1);
                plan_.max_blocks = std::max<int64_t>(plan_.max_blocks, tile.n_blocks);
                plan_.rows_of_tile = std::max(plan_.rows_of_tile, (tile.end - tile.begin) * heads_of_group());
                tiles[n++] = tile;
            }
        plan_.tiles = {tiles, n};
    }

    Weighted weighted(float* memory, int64_t index) const {
        return {memory + index * Weighted::floats(p_.padded_dim), p_.padded_dim};
    }
    Weighted partial(int64_t t, int64_t head, int64_t block) const {
        return weighted(plan_.partials, (t * p_.n_head + head) * plan_.max_blocks + block);
    }
    AttentionRow row(int64_t t, int64_t head) const {
        const int64_t last = p_.positions[static_cast<size_t>(t)];
        return {p_.q->row<const float>(t) + head * p_.k_dim, p_.params.first_place(last), last};
    }
    void finish(const Weighted& all, int64_t t, int64_t head) const {
        float* y = p_.y->row<float>(t) + head * p_.v_dim;
        const Vec sum = broadcast(all.sum());
        for_each_vec(p_.v_dim, [&](int64_t k, int64_t n) { store_up_to(y + k, load(all.y + k) / sum, n); });
    }

    // The rows of the cache that a tile sees of a block.
    void find_rows(const Tile& tile, int64_t block, BlockOfRows& rows) const {
        rows.start = (tile.first_block + block) * kBlock;
        int64_t first = INT64_MAX, last = -1;
        for (int32_t t = tile.begin; t < tile.end; ++t) {
            const int64_t place = p_.positions[static_cast<size_t>(t)];
            first = std::min(first, p_.params.first_place(place));
            last = std::max(last, place);
        }
        rows.begin = std::max<int64_t>(first - rows.start, 0);
        rows.end = std::min(last + 1 - rows.start, kBlock);
        for (int64_t j = rows.begin; j < rows.end;) {
            const int64_t in_page = (rows.start + j) % p_.per_page;
            const int32_t page =
                p_.page_table[static_cast<size_t>(tile.sequence * p_.table_width + (rows.start + j) / p_.per_page)];
            const int64_t stop = std::min(rows.end, j + p_.per_page - in_page);
            const std::byte* row = p_.cache->row(page * p_.per_page + in_page);
            const int64_t stride = p_.cache->row(1) - p_.cache->row(0);
            for (; j < stop; ++j, row += stride) rows.place[j] = row;
        }
        rows.fill_panels();
    }

    // Blocks from .. to of a tile, for the groups of a unit from first_group on.
    template <DType F>
    void attend(const Tile& tile, int64_t first_group, int64_t from, int64_t to, float* scratch) {
        float* const of_block = scratch + AttentionScratch::floats(p_.k_dim, p_.padded_dim, plan_.rows_of_tile);
        float* const of_all = of_block + plan_.rows_of_tile * Weighted::floats(p_.padded_dim);
        const int64_t end_group = first_group + plan_.groups_of_unit;
        const bool merges = plan_.n_parts == 1, streams = plan_.groups_of_unit > 1;
        BlockOfRows blocks[2];
        find_rows(tile, from, blocks[from % 2]);
        for (int64_t i = from; i < to; ++i) {
            const BlockOfRows& block = blocks[i % 2];
            BlockOfRows& next = blocks[(i + 1) % 2];
            if (i + 1 < to) find_rows(tile, i + 1, next);
            BlockPrefetcher next_rows(i + 1 < to ? next.begin : 0, i + 1 < to ? next.end : 0, bytes_of_row(),
                                      plan_.groups_of_unit);
            for (int64_t group = first_group; group < end_group; ++group) {
                const int64_t head = p_.group_head(group), n_heads = p_.group_head(group + 1) - head;
                AttentionRow rows[kMaxRows];
                Weighted results[kMaxRows];
                const int64_t n_rows = (tile.end - tile.begin) * n_heads;
                for (int64_t r = 0; r < n_rows; ++r) {
                    const int64_t t = tile.begin + r / n_heads, h = head + r % n_heads;
                    rows[r] = row(t, h);
                    results[r] = merges ? weighted(of_block, r) : partial(t, h, i);
                }
                const auto fetch_values = [&](int64_t begin, int64_t end) {
                    if (!streams) fetch(block, begin, end, offsets<F>(group).value, row_bytes(F, p_.v_dim));
                };
                const auto fetch_next = [&](int64_t begin, int64_t end) {
                    const int64_t bytes = row_bytes(F, p_.k_dim);
                    if (streams) next_rows.step(next);
                    else if (group + 1 < end_group) fetch(block, begin, end, offsets<F>(group + 1).key, bytes);
                    else if (i + 1 < to) fetch(next, begin, end, offsets<F>(first_group).key, bytes);
                };
                const AttentionTile of_group{rows,     results,       n_rows,          p_.k_dim,
                                             p_.v_dim, p_.padded_dim, p_.params.scale, p_.params.soft_cap};
                attend_to_block<F>(block, offsets<F>(group), of_group, AttentionScratch(scratch, of_group), fetch_values,
                                   fetch_next);
                if (!merges) continue;
                for (int64_t r = 0; r < n_rows; ++r) {
                    const Weighted all = weighted(of_all, (group - first_group) * plan_.rows_of_tile + r);
                    if (i == from) all.clear();
                    if (rows[r].sees(block.start)) merge(all, results[r]);
                    if (i + 1 == to) finish(all, tile.begin + r / n_heads, head + r % n_heads);
                }
            }
        }
    }

    void merge_parts(const Tile& tile, int64_t head, float* scratch) const {
        const Weighted all{scratch, p_.padded_dim};
        for (int64_t t = tile.begin; t < tile.end; ++t) {
            all.clear();
            for (int64_t i = 0; i < tile.n_blocks; ++i)
                if (row(t, head).sees((tile.first_block + i) * kBlock)) merge(all, partial(t, head, i));
            finish(all, t, head);
        }
    }

    template <DType F>
    HeadOffsets offsets(int64_t group) const {
        const int64_t key_head = group / p_.groups_of_key;
        return {row_bytes(F, key_head * p_.k_dim), row_bytes(F, p_.params.v_column + key_head * p_.v_dim)};
    }

    int64_t bytes_of_row() const { return p_.cache->row(1) - p_.cache->row(0); }

    // `bytes` of each row, to level 2.
    static void fetch(const BlockOfRows& block, int64_t begin, int64_t end, int64_t offset, int64_t bytes) {
        constexpr int64_t kLine = 64;
        constexpr int kLevel2 = 2;
        for (int64_t j = std::max(begin, block.begin); j < std::min(end, block.end); ++j) {
            const std::byte* const first = block.place[j] + offset;
            const std::byte* const line = first - reinterpret_cast<uintptr_t>(first) % kLine;
            for (const std::byte* p = line; p < first + bytes; p += kLine) __builtin_prefetch(p, 0, kLevel2);
        }
    }

    const Problem& p_;
    Context& context_;
    Plan plan_;
    int64_t work_ = 0;  // multiply-adds
};

}  // namespace

void attention(const ops::Attention::In<Tensor>& in, const ops::Attention::Params& params,
               const ops::Attention::Out<Tensor>& out, Context& context) {
    Problem p{};
    p.cache = &plugin::host::memory_pool(in.cache);
    p.page_table = in.page_table.index();
    p.positions = in.positions.index();
    p.seq_start = in.seq_start.index();
    p.q = &in.q;
    p.y = &out.y;
    p.params = params;
    p.n_head = in.q.extent(1);
    p.k_dim = in.q.extent(2);
    p.v_dim = params.v_dim;
    p.padded_dim = blocks_of_lanes(p.v_dim) * kLanes;
    p.per_page = in.cache.extent(1);
    p.table_width = in.page_table.extent(1);
    p.heads_of_key = p.n_head / params.n_kv_head;
    p.groups_of_key = (p.heads_of_key + kMaxRows - 1) / kMaxRows;
    p.n_group = params.n_kv_head * p.groups_of_key;
    for (size_t t = 0; t < p.positions.size(); ++t)
        if (p.positions[t] < 0) std::fill_n(out.y.row<float>(static_cast<int64_t>(t)), p.n_head * p.v_dim, 0.0f);
    Attention attention(p, context);
    switch (in.cache.dtype()) {
        case DType::F16: return attention.run<DType::F16>();
        case DType::Q8_0: return attention.run<DType::Q8_0>();
        default: return attention.run<DType::F32>();
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
