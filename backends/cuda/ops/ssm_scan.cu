// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/ssm_scan.cuh"

#include <algorithm>

#include "backends/cuda/fusion.hpp"
#include "backends/cuda/ops/sequences.hpp"
#include "backends/cuda/ops/ssm_scan_chunks.cuh"
#include "core/ops/mul_mat.hpp"
#include "core/ops/ssm_scan.hpp"

namespace krait::cuda {
namespace {

ScanOperands scan_operands(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params,
                           const ops::SsmScan::Out<Tensor>& out) {
    static_assert(ops::SsmScan::kSoftplusThreshold == 20.0f, "scan_step has it");
    ScanOperands op{};
    op.x = input_rows<float>(in.x);
    op.dt = input_rows<float>(in.dt);
    op.B = input_rows<float>(in.B);
    op.C = input_rows<float>(in.C);
    op.z = input_rows<float>(in.z);
    op.dt_bias = input_elements<float>(in.dt_bias);
    op.A = input_elements<float>(in.A);
    op.D = input_elements<float>(in.D);
    op.state = slots_of(in.state);
    op.sequences = sequences_of(in);
    op.y = output_rows<float>(out.y);
    op.n_head = static_cast<int32_t>(in.x.extent(1));
    op.head_dim = static_cast<int32_t>(in.x.extent(2));
    op.n_group = static_cast<int32_t>(in.B.extent(1));
    op.d_state = static_cast<int32_t>(in.B.extent(2));
    op.A_per_state = in.A.extent(1) == op.d_state;
    op.D_per_channel = in.D && in.D.desc.rank == 2;
    op.softplus = params.dt_softplus != 0;
    op.dt_min = params.dt_min;
    op.dt_max = params.dt_max;
    return op;
}

template <int kLanes, int kStates, class DtBlock = void>
void launch_scan(ScanOperands op, Context& context) {
    using Work = Scan<kLanes, kStates, DtBlock>;
    const int64_t group_channels = int64_t{op.n_head} / op.n_group * op.head_dim;
    op.blocks_per_group = static_cast<int32_t>(blocks_for(group_channels, Work::kChannels));
    const Extent3 grid{static_cast<uint32_t>(op.n_group * op.blocks_per_group),
                       static_cast<uint32_t>(std::min(op.sequences.n_seq, 65535))};
    launch(context.stream,
           {.name = "ssm_scan", .grid = grid, .block = {kScanBlock}, .dynamic_shared = 2 * sizeof(typename Work::Tile)},
           &ssm_scan_kernel<kLanes, kStates, DtBlock>, op);
}

template <int kParts>
void launch_chunks(ScanOperands op, Context& context) {
    static_assert(sizeof(ChunkMemory<kParts>) <= 99 * 1024, "what a block gets from sm_80 on");
    op.blocks_per_head = static_cast<int32_t>(blocks_for(op.head_dim, kSlab));
    op.vectors = aligned_rows(op.B, 16) && aligned_rows(op.C, 16) && op.d_state % 4 == 0;
    const Extent3 grid{static_cast<uint32_t>(op.n_head * op.blocks_per_head),
                       static_cast<uint32_t>(std::min(op.sequences.n_seq, 65535))};
    launch(context.stream,
           {.name = "ssm_scan_chunks",
            .grid = grid,
            .block = {ScanChunks<kParts>::kThreads},
            .dynamic_shared = sizeof(ChunkMemory<kParts>)},
           &ssm_scan_chunks_kernel<kParts>, op);
}

// Whether chunks on the matrix unit are less work than row after row: tiles are full enough, and there are rows for chunks, at
// least if sequences are equally long. One that is shorter pays for a tile of 16 rows.
bool chunks_pay(const ScanOperands& op, int64_t n_tok, const Gpu& gpu) {
    constexpr int64_t kMinRows = 64, kMinRowsOfSequence = 16;
    return gpu.is_sm80() && !op.A_per_state && op.head_dim >= 2 * kSlice && op.d_state > kPart / 2 && n_tok >= kMinRows &&
           n_tok >= kMinRowsOfSequence * op.sequences.n_seq;
}

// The weight formats that a product with dt_rank columns has in real files, and the rows for which it is no work.
constexpr int64_t kMaxDtRows = 4;
bool is_dt_format(DType format) {
    return format == DType::F32 || format == DType::F16 || format == DType::BF16 || format == DType::Q8_0;
}

}  // namespace

void ssm_scan(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params, const ops::SsmScan::Out<Tensor>& out,
              Context& context) {
    const ScanOperands op = scan_operands(in, params, out);
    if (op.head_dim == 0 || op.n_head == 0) return;
    if (chunks_pay(op, in.x.extent(0), context.stream.gpu()))
        return op.d_state <= kPart ? launch_chunks<1>(op, context) : launch_chunks<2>(op, context);
    // As few lanes a channel as hold its states in 4 or 8 registers each.
    if (op.d_state <= 16) return launch_scan<4, 4>(op, context);
    if (op.d_state <= 32) return launch_scan<8, 4>(op, context);
    if (op.d_state <= 64) return launch_scan<8, 8>(op, context);
    if (op.d_state <= 128) return launch_scan<16, 8>(op, context);
    return launch_scan<32, 8>(op, context);
}

bool can_take_dt(const ops::MulMat::In<Tensor>& dt, const ops::SsmScan::In<Tensor>& in) {
    return !dt.bias && !dt.residual && is_dt_format(dt.w.dtype()) && in.x.extent(0) > 0 && in.x.extent(0) <= kMaxDtRows &&
           in.x.extent(2) == 1 && in.B.extent(2) <= 16;
}

void dt_ssm_scan(const ops::MulMat::In<Tensor>& dt_in, const ops::MulMat::Out<Tensor>& dt_out,
                 const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params, const ops::SsmScan::Out<Tensor>& out,
                 Context& context) {
    ScanOperands op = scan_operands(in, params, out);
    op.dt_product.x = input_rows<float>(dt_in.x);
    op.dt_product.w = planes_of(dt_in.w);
    op.dt_product.y = output_rows<float>(dt_out.y);
    op.dt_product.n_in = dt_in.x.extent(1);
    op.dt_product.early = context.stream.gpu().uses_pdl();
    visit_block(dt_in.w.dtype(), [&]<class Block>() {
        if constexpr (std::is_same_v<Block, BlockF32> || std::is_same_v<Block, BlockF16> || std::is_same_v<Block, BlockBF16> ||
                      std::is_same_v<Block, BlockQ8_0>)
            launch_scan<4, 4, Block>(op, context);
    });
}

}  // namespace krait::cuda
