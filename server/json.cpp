// SPDX-License-Identifier: Apache-2.0
#include "server/json.hpp"

#include <fmt/format.h>

namespace krait::server {
namespace {

// Builds the value as nlohmann's own parser does, and counts.
class BoundedParser : public nlohmann::detail::json_sax_dom_parser<Json> {
  public:
    using Base = nlohmann::detail::json_sax_dom_parser<Json>;
    explicit BoundedParser(Json& target) : Base(target, false) {}

    bool null() { return count() && Base::null(); }
    bool boolean(bool value) { return count() && Base::boolean(value); }
    bool number_integer(number_integer_t value) { return count() && Base::number_integer(value); }
    bool number_unsigned(number_unsigned_t value) { return count() && Base::number_unsigned(value); }
    bool number_float(number_float_t value, const string_t& text) { return count() && Base::number_float(value, text); }
    bool string(string_t& value) { return count() && Base::string(value); }
    bool start_object(std::size_t size) { return count() && descend() && Base::start_object(size); }
    bool start_array(std::size_t size) { return count() && descend() && Base::start_array(size); }
    bool end_object() { return --depth_, Base::end_object(); }
    bool end_array() { return --depth_, Base::end_array(); }
    template <class Exception>
    bool parse_error(std::size_t position, const std::string& last, const Exception& error) {
        message_ = fmt::format("the body is no JSON at byte {}: near '{}'", position, last.substr(0, 40));
        return Base::parse_error(position, last, error);
    }

    const std::string& message() const { return message_; }

  private:
    bool count() {
        if (++n_value_ <= kMaxJsonValues) return true;
        message_ = fmt::format("the body has more than {} values", kMaxJsonValues);
        return false;
    }
    bool descend() {
        if (++depth_ <= kMaxJsonDepth) return true;
        message_ = fmt::format("the body has more than {} values inside each other", kMaxJsonDepth);
        return false;
    }

    size_t n_value_ = 0, depth_ = 0;
    std::string message_;
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
    Json root;
    BoundedParser parser(root);
    if (!Json::sax_parse(text.begin(), text.end(), &parser)) return unexpected(bad_request("", parser.message()));
    if (!root.is_object()) return unexpected(bad_request("", "the body has to be a JSON object"));
    return root;
}

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace krait::server
