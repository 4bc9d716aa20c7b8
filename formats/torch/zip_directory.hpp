// SPDX-License-Identifier: Apache-2.0
//
// The directory of a zip archive of stored entries, so that their data can be used where they lie in the file. Private to the
// reader of PyTorch's archives.
//
//   entries      each: "PK\3\4" header, name, data
//   directory    a record for each: "PK\1\2", sizes, place of the header, name
//   end          "PK\6\6" and "PK\6\7" (zip64: numbers of 64 bits), "PK\5\6"
//
// Sizes and places are those of the directory. Checked for all entries before the function returns: the directory ends where
// the end records begin and has as many records as they say; nothing is compressed or encrypted; names are unique, relative and
// without ".."; every entry's own header tells the same as the directory; entries lie in front of the directory and do not
// overlap. Comments, archives of several files and bytes in front of the archive are refused. Checksums of the data are not
// compared: PyTorch can be told to write none.
#pragma once

#include <vector>

#include "formats/data_file.hpp"

namespace krait {

struct ZipEntry {
    std::string name;
    uint64_t data_offset = 0;    // of its first byte, from the start of the file
    uint64_t size = 0;           // bytes of data, all inside the file
    uint64_t record_offset = 0;  // of its record in the directory
};

inline constexpr uint64_t kZipMaxDirectoryBytes = 100'000'000;  // PyTorch's records have about 60

// In the order of their data. Errors name the file and the byte.
Result<std::vector<ZipEntry>> read_zip_directory(const DataFile& file);

}  // namespace krait
