// SPDX-License-Identifier: Apache-2.0
//
// config.json: settings of a model, under any of the names that its kinds of checkpoints give them. A name "ssm_cfg.d_state" is
// of a member of the object ssm_cfg, "mlp_multipliers.1" of the second element of a list. Errors are corrupt_file and name the
// file, the key and the byte.
#pragma once

#include <optional>
#include <span>

#include "formats/json/json_value.hpp"

namespace krait::huggingface {

using Names = std::span<const std::string_view>;

class Config {
  public:
    static Result<Config> open(const std::filesystem::path& path);

    [[nodiscard]] const std::string& file() const { return file_; }
    // The first of the names that is there and not null; nullptr where none is.
    [[nodiscard]] const JsonValue* find(Names names) const;
    [[nodiscard]] const JsonValue* find(std::string_view name) const { return find(Names(&name, 1)); }

    // nullopt where no name is there. Where several are, they must say the same. size: a whole number from `min` to what int32
    // indices reach.
    Result<std::optional<int64_t>> size(Names names, int64_t min = 1) const;
    Result<std::optional<double>> number(Names names) const;
    Result<std::optional<bool>> boolean(Names names) const;
    Result<std::optional<std::string>> text(Names names) const;

    [[nodiscard]] tl::unexpected<Error> wrong(Names names, const JsonValue& found, std::string_view wanted) const;
    [[nodiscard]] tl::unexpected<Error> wrong(std::string_view name, const JsonValue& found, std::string_view wanted) const {
        return wrong(Names(&name, 1), found, wanted);
    }
    [[nodiscard]] tl::unexpected<Error> missing(Names names, std::string_view wanted) const;

  private:
    const JsonValue* member(std::string_view name) const;
    // find(), or an error where another of the names says something else.
    Result<const JsonValue*> find_agreed(Names names) const;

    std::string file_;
    JsonValue root_;
};

}  // namespace krait::huggingface
