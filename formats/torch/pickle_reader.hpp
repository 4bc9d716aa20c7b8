// SPDX-License-Identifier: Apache-2.0
//
// Reads a pickle as far as a state dict of PyTorch needs it. A pickle is a program for a machine with a stack, which may
// name any function of Python and call it. This reader has the instructions of pickle_opcodes.hpp and these names, and
// calls none:
//
//   collections.OrderedDict                 a dict
//   torch._utils._rebuild_tensor_v2         a tensor, as a record of its arguments
//   torch._utils._rebuild_parameter         the tensor that is its first argument
//   torch.FloatStorage and nine more        the type of a storage
//   torch.float32 and nine more             a value without content
//
// Everything else is refused by its name and byte. Nothing is allocated that the bytes of the pickle do not justify: at most
// kPickleMaxBytes of them, kPickleMaxSteps instructions, kPickleMaxStack values on the stack, kPickleMaxMemo in the memo,
// tuples and dicts that are being written kPickleMaxDepth deep. Private to the reader of PyTorch's archives.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "formats/checkpoint/checkpoint_tensor.hpp"

namespace krait {

inline constexpr uint64_t kPickleMaxBytes = 16u << 20;  // a tensor takes 120 of them and the bytes of its name
inline constexpr size_t kPickleMaxSteps = 4u << 20;     // a tensor takes about 40
inline constexpr size_t kPickleMaxMemo = 1u << 20;      // a tensor takes about 10
inline constexpr size_t kPickleMaxStack = 1u << 16;     // Python writes the entries of a dict in batches of 1000
inline constexpr size_t kPickleMaxDepth = 64;

enum class PickleKind : uint8_t {
    plain,    // None, True, False, a fraction, a number beyond 64 bits, a dtype: without content here
    integer,  // number is its value
    text,     // text is its value
    list,     // without content here
    global,   // of all other kinds, number is an index into the table of the kind
    tuple,
    dict,
    storage,
    tensor,
};

struct PickleValue {
    PickleKind kind = PickleKind::plain;
    uint64_t at = 0;  // byte of the file where it is written
    int64_t number = 0;
    std::string_view text;  // a part of the pickle; UTF-8
};

struct PickleStorage {
    CheckpointType type = CheckpointType::f32;
    std::string_view key;  // of the entry that holds its data
    int64_t n_element = 0;
};

// As the pickle has it: numbers are not checked against each other.
struct PickleTensor {
    size_t storage = 0;
    int64_t offset = 0;                     // of the first element, counted in elements
    std::vector<int64_t> extents, strides;  // at most kCheckpointMaxRank, as many of the one as of the other
};

struct Pickle {
    PickleValue root;
    std::vector<std::vector<PickleValue>> tuples;
    std::vector<std::vector<std::pair<PickleValue, PickleValue>>> dicts;  // as they were written: a key may come twice
    std::vector<PickleStorage> storages;
    std::vector<PickleTensor> tensors;
};

std::string_view pickle_kind_name(PickleKind kind);  // "a number"

// text: the whole pickle, which must outlive the result; it begins at byte first_byte of the file. where: "FILE: ENTRY", for
// errors: corrupt_file where the pickle contradicts itself, unsupported where it asks for what is not read.
Result<Pickle> read_pickle(std::string_view text, uint64_t first_byte, std::string_view where);

}  // namespace krait
