// SPDX-License-Identifier: Apache-2.0
//
// The format in which each tensor of a model is stored, when a file is made that shall be mostly of one type.
//
//   kind                            type
//   norms, biases, A, D             F32: less than 1% of the bytes, and every value that passes meets them
//   convolutions, routers           F32 likewise; a router's rounding would send tokens to other experts
//   ssm_x, ssm_dt                   Q8_0 at least: 5% of the weights; they make dt, B and C, whose errors stay in the state
//   adapters of shared blocks       Q8_0 at least (Zamba2: attn_q_lora_a and the like)
//   head (and embedding, if tied)   Q6_K at least: an error here is an error of the logits
//   ssm_out                         the type that was asked for; in mixes ("q4_k_m") the next larger one
//   all other matrices              the type that was asked for; of experts [E, N, K] each is a matrix of its own
//
// A row that is no whole number of blocks takes a format of smaller blocks that is no worse: K and IQ4_XS formats the one of
// 32 weights, and what is no multiple of 32 (dt_rank 48) F16. docs/quant-formats.md gives figures for all of this.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait {

// The formats that are asked for.
struct QuantizeScheme {
    DType body = DType::F32;    // of the large matrices
    std::optional<DType> out;   // of ssm_out, where it shall be another
    std::optional<DType> head;  // of the head, and of an embedding that is tied to it; absent = by the table above
    bool pure = false;  // every matrix in `body`, ssm_x, ssm_dt and a head that is not asked for too, where rows are blocks
};

// The name of a format, in either case; the error lists what there is.
Result<DType> parse_weight_format(std::string_view name);
// The name of a format or of a mix: q3_k_m, q4_k_m and q5_k_m have ssm_out in the next larger K format; q4_k_s is q4_k.
Result<QuantizeScheme> parse_quantize_type(std::string_view name);
// The three words of a command: --type, --head (empty = by the table above) and --pure. A mix is not pure: an error.
Result<QuantizeScheme> parse_quantize_scheme(std::string_view type, std::string_view head, bool pure);
// "F32, F16, ..."
std::string weight_format_names();

struct FormatChoice {
    DType dtype = DType::F32;
    std::string why;
    bool fell_back = false;  // rows are no whole blocks of the format that was wanted
};

class QuantizeRecipe {
  public:
    QuantizeRecipe(const QuantizeScheme& scheme, bool tied_head) : scheme_(scheme), tied_head_(tied_head) {}

    // For a tensor of that name and those extents (Krait's order, the last varies fastest). Never fails: F16 and F32 take any
    // row.
    FormatChoice choose(std::string_view name, std::span<const int64_t> extents) const;

  private:
    FormatChoice wanted(std::string_view kind, size_t rank) const;

    QuantizeScheme scheme_;
    bool tied_head_;
};

// Keys of GGUF that say how a file is quantized, and the value of the second: the version of the formats' layout. Nobody ever
// wrote another K format.
inline constexpr const char* kFileTypeKey = "general.file_type";
inline constexpr const char* kQuantizationVersionKey = "general.quantization_version";
inline constexpr uint32_t kQuantizationVersion = 2;

// GGUF's general.file_type of a file: the format of most weights of its matrices; a file of Q3_K, Q4_K or Q5_K is a mix
// ("Q4_K_M") where ssm_out has the format of that mix. Every tensor of the file is added once.
class FileType {
  public:
    void add(std::string_view name, const TensorDesc& desc);
    uint32_t number() const;

  private:
    std::map<DType, int64_t> n_weight_;
    std::optional<DType> out_;  // of ssm_out, where all of them have one
    bool has_several_outs_ = false;
};

// Whether a tensor of that kind and rank is one of the matrices that formats of blocks are for.
bool is_weight_matrix(std::string_view kind, size_t rank);

// "ssm_in.weight" of "blk.3.ssm_in.weight", "attn_q.weight" of "shared.0.attn_q.weight"; the name itself where it is of no
// block.
std::string_view tensor_kind(std::string_view name);

// The format to use instead of `wanted` for rows of `width`: itself where they are whole blocks.
DType format_for_rows(DType wanted, int64_t width);

}  // namespace krait
