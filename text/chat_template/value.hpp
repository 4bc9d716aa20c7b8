// SPDX-License-Identifier: Apache-2.0
//
// The values of a template: what JSON has, and what Jinja adds to it. A Value is a number or a borrowed pointer, 16 bytes,
// copied freely; the objects belong to a Heap, and live until it is destroyed. So lists may hold themselves, and nothing is
// ever freed by recursion.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "text/chat_template/limits.hpp"
#include "text/chat_template/marked_text.hpp"

namespace krait::chat {

class Heap;
struct Object {
    Object() = default;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    virtual ~Object() = default;
};
struct Text;
struct List;
struct Dict;
struct Callable;
struct Loop;

enum class Kind : uint8_t {
    undefined,  // a name or an attribute that is not there
    none,
    boolean,
    integer,
    real,
    text,
    list,  // also a tuple, a generator, a view of a dict, a range: List::flavor
    dict,
    names,  // namespace()
    callable,
    loop,
};

struct Value {
    Kind kind = Kind::undefined;
    union {
        bool boolean;
        int64_t integer;
        double real;
        const Text* text;
        List* list;
        Dict* dict;  // of names too
        Callable* callable;
        Loop* loop;
        const std::string* missing = nullptr;  // of undefined: what is not there, for messages; may be null
    };

    bool is(Kind other) const { return kind == other; }
    bool is_number() const { return kind == Kind::boolean || kind == Kind::integer || kind == Kind::real; }
    bool is_integral() const { return kind == Kind::boolean || kind == Kind::integer; }
    int64_t as_integer() const { return kind == Kind::boolean ? (boolean ? 1 : 0) : integer; }
    double as_real() const { return kind == Kind::real ? real : static_cast<double>(as_integer()); }

    static Value none() { return with(Kind::none, &Value::integer, int64_t{0}); }
    static Value of(bool value) { return with(Kind::boolean, &Value::boolean, value); }
    static Value of(int64_t value) { return with(Kind::integer, &Value::integer, value); }
    static Value of(size_t value) { return of(static_cast<int64_t>(value)); }
    static Value of(double value) { return with(Kind::real, &Value::real, value); }
    static Value of(const char*) = delete;
    static Value of(const Text* value) { return with(Kind::text, &Value::text, value); }
    static Value of(List* value) { return with(Kind::list, &Value::list, value); }
    static Value of(Dict* value, Kind kind = Kind::dict) { return with(kind, &Value::dict, value); }
    static Value of(Callable* value) { return with(Kind::callable, &Value::callable, value); }
    static Value of(Loop* value) { return with(Kind::loop, &Value::loop, value); }

  private:
    template <class T>
    static Value with(Kind kind, T Value::*member, T given) {
        Value value;
        value.kind = kind;
        value.*member = given;
        return value;
    }
};

struct Text : Object {
    explicit Text(MarkedText given) : marked(std::move(given)) {}
    MarkedText marked;
};

enum class Flavor : uint8_t { list, tuple, generator, view, range };
struct List : Object {
    std::vector<Value> items;
    Flavor flavor = Flavor::list;
};

// Entries in the order in which they came. Keys are texts, numbers, booleans, none, or tuples of those.
struct Dict : Object {
    std::vector<std::pair<Value, Value>> entries;
    // Null where it is not there. Entries are looked through from the first on, and the budget is charged for all.
    Value* find(std::string_view key, Budget& budget);
};

std::string_view bytes_of(const Value& text);  // of Kind::text
std::string type_name(const Value& value);     // as Python names it: "str", "int", "dict"

// Makes objects, owns them, and charges a budget for them.
class Heap {
  public:
    explicit Heap(Budget& budget) : budget_(budget) {}
    Budget& budget() { return budget_; }

    template <class T, class... Args>
    T* make(Args&&... args) {
        budget_.step();  // an allocation takes as long as a node of the tree
        budget_.take(sizeof(T) + 16);
        auto made = std::make_unique<T>(std::forward<Args>(args)...);
        T* object = made.get();
        objects_.push_back(std::move(made));
        return object;
    }
    Value text(std::string_view bytes, bool is_user = false);
    Value text(MarkedText marked) { return Value::of(make<Text>(std::move(marked))); }
    Value text(TextBuilder& builder) { return text(builder.take()); }
    Value part(const Value& text, size_t begin, size_t end);  // a range of bytes
    Value list(std::vector<Value> items, Flavor flavor = Flavor::list);
    Value missing(std::string what);  // undefined

  private:
    Budget& budget_;
    std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace krait::chat
