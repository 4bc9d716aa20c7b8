// SPDX-License-Identifier: Apache-2.0
//
// A part of a text or a file, in bytes from its beginning.
#pragma once

#include <cstddef>

namespace krait {

struct ByteRange {
    size_t begin, end;
    bool operator==(const ByteRange&) const = default;
};

}  // namespace krait
