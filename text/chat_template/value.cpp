// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/value.hpp"

namespace krait::chat {
namespace {

struct Missing : Object {
    explicit Missing(std::string what) : name(std::move(what)) {}
    std::string name;
};

}  // namespace

Value* Dict::find(std::string_view key, Budget& budget) {
    budget.work(entries.size() * sizeof(entries[0]));
    for (auto& [name, value] : entries) {
        if (name.is(Kind::text) && bytes_of(name) == key) return &value;
    }
    return nullptr;
}

std::string_view bytes_of(const Value& text) { return text.text->marked.bytes; }

std::string type_name(const Value& value) {
    switch (value.kind) {
        case Kind::undefined: return "Undefined";
        case Kind::none: return "NoneType";
        case Kind::boolean: return "bool";
        case Kind::integer: return "int";
        case Kind::real: return "float";
        case Kind::text: return "str";
        case Kind::dict: return "dict";
        case Kind::names: return "Namespace";
        case Kind::callable: return "function";
        case Kind::loop: return "LoopContext";
        case Kind::list: break;
    }
    switch (value.list->flavor) {
        case Flavor::list: return "list";
        case Flavor::tuple: return "tuple";
        case Flavor::generator: return "generator";
        case Flavor::view: return "dict_items";
        case Flavor::range: return "range";
    }
    return "list";
}

Value Heap::text(std::string_view bytes, bool is_user) {
    TextBuilder builder(budget_);
    builder.append(bytes, is_user);
    return text(builder);
}

Value Heap::part(const Value& text, size_t begin, size_t end) {
    const MarkedText& marked = text.text->marked;
    if (begin == 0 && end == marked.bytes.size()) return text;
    TextBuilder builder(budget_);
    builder.append(marked, begin, end);
    return this->text(builder);
}

Value Heap::list(std::vector<Value> items, Flavor flavor) {
    List* made = make<List>();
    budget_.take(items.size() * sizeof(Value));
    made->items = std::move(items);
    made->flavor = flavor;
    return Value::of(made);
}

Value Heap::missing(std::string what) {
    budget_.take(what.size());
    Value value;
    value.missing = &make<Missing>(std::move(what))->name;
    return value;
}

}  // namespace krait::chat
