// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/json_input.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/json_error.hpp"
#include "text/chat_template/operators.hpp"

namespace krait::chat {
namespace {

using Json = nlohmann::json;

// Called by the parser, which has no recursion of its own; false ends it.
class Builder {
  public:
    Builder(Author author, Heap& heap) : is_user_(author == Author::user), heap_(heap) {}

    Value result;
    std::string error;

    bool null() { return add(Value::none()); }
    bool boolean(bool value) { return add(Value::of(value)); }
    bool number_integer(Json::number_integer_t value) { return add(Value::of(static_cast<int64_t>(value))); }
    bool number_unsigned(Json::number_unsigned_t value) {
        if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return add(Value::of(static_cast<int64_t>(value)));
        return refuse(fmt::format("the integer {} has more than 64 bits with its sign", value));
    }
    bool number_float(Json::number_float_t value, const std::string& digits) {
        const bool is_integer = digits.find_first_of(".eE") == digits.npos;
        if (is_integer) return refuse(fmt::format("the integer {} has more than 64 bits with its sign", digits.substr(0, 40)));
        return add(Value::of(value));
    }
    bool string(std::string& value) { return add(heap_.text(value, is_user_)); }
    bool binary(Json::binary_t&) { return false; }
    bool start_array(size_t) { return open(heap_.list({})); }
    bool start_object(size_t) { return open(Value::of(heap_.make<Dict>())); }
    bool end_array() { return close(); }
    bool end_object() { return close(); }
    bool key(std::string& value) {
        keys_.back() = heap_.text(value, is_user_);
        return true;
    }
    bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& exception) {
        error = json_error_text(exception.what());
        return false;
    }

  private:
    bool refuse(std::string why) {
        error = std::move(why);
        return false;
    }
    bool add(const Value& value) {
        if (open_.empty()) {
            result = value;
        } else if (open_.back().is(Kind::list)) {
            heap_.budget().take(sizeof(Value));
            open_.back().list->items.push_back(value);
        } else {
            open_.back().dict->entries.emplace_back(keys_.back(), value);
            heap_.budget().take(2 * sizeof(Value));
        }
        return heap_.budget().ok() || refuse("it is larger than a template may make values");
    }
    bool open(const Value& container) {
        if (!add(container)) return false;
        if (open_.size() == kMaxJsonNesting) return refuse(fmt::format("values are nested more than {} deep", kMaxJsonNesting));
        open_.push_back(container);
        keys_.emplace_back();
        return true;
    }
    bool close() {
        if (open_.back().is(Kind::dict)) drop_repeated(open_.back().dict->entries);
        open_.pop_back();
        keys_.pop_back();
        return true;
    }
    // The last value of a key, at the place of the first.
    static void drop_repeated(std::vector<std::pair<Value, Value>>& entries) {
        std::vector<size_t> order(entries.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::ranges::stable_sort(order, {}, [&](size_t i) { return bytes_of(entries[i].first); });
        std::vector<bool> goes(entries.size());
        bool any = false;
        for (size_t i = 0, first = 0; i < order.size(); ++i) {
            if (bytes_of(entries[order[i]].first) != bytes_of(entries[order[first]].first)) first = i;
            if (first == i) continue;
            entries[order[first]].second = entries[order[i]].second;
            goes[order[i]] = any = true;
        }
        if (!any) return;
        size_t kept = 0;
        for (size_t i = 0; i < entries.size(); ++i) {
            if (!goes[i]) entries[kept++] = entries[i];
        }
        entries.resize(kept);
    }

    const bool is_user_;
    Heap& heap_;
    std::vector<Value> open_, keys_;
};

}  // namespace

Result<Value> read_json(std::string_view json, Author author, Heap& heap) {
    Builder builder(author, heap);
    if (Json::sax_parse(json, &builder)) return builder.result;
    return fail(ErrorCode::invalid_argument, "the JSON text cannot be used: {}", builder.error);
}

}  // namespace krait::chat
