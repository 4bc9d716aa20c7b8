// SPDX-License-Identifier: Apache-2.0
//
// The instructions of a pickle, as Python's pickletools names them: those that a state dict is written with, and names of all
// others, which are refused. Private to the reader.
#pragma once

#include <cstdint>
#include <string_view>

namespace krait {

enum class PickleOpcode : uint8_t {
    proto = 0x80,
    stop = '.',
    mark = '(',
    none = 'N',
    newtrue = 0x88,
    newfalse = 0x89,
    binint = 'J',
    binint1 = 'K',
    binint2 = 'M',
    long1 = 0x8A,
    binfloat = 'G',
    binunicode = 'X',
    empty_dict = '}',
    empty_list = ']',
    empty_tuple = ')',
    tuple = 't',
    tuple1 = 0x85,
    tuple2 = 0x86,
    tuple3 = 0x87,
    setitem = 's',
    setitems = 'u',
    append = 'a',
    appends = 'e',
    global = 'c',
    reduce = 'R',
    build = 'b',
    binpersid = 'Q',
    binget = 'h',
    long_binget = 'j',
    binput = 'q',
    long_binput = 'r',
};

// "NEWOBJ"; empty where no version of the format has such an instruction.
std::string_view pickle_opcode_name(uint8_t code);

}  // namespace krait
