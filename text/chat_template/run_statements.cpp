// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/chat_template/interpreter.hpp"
#include "text/chat_template/lexer.hpp"
#include "text/chat_template/printing.hpp"

namespace krait::chat {

Value* Scope::find(NameId name) {
    for (Scope* scope = this; scope; scope = scope->parent) {
        budget.work(scope->variables.size() * 4);
        for (auto& [id, value] : scope->variables) {
            if (id == name) return &value;
        }
    }
    return nullptr;
}

void Scope::set(NameId name, const Value& value) {
    budget.work(variables.size() * 4);
    for (auto& [id, old] : variables) {
        if (id == name) {
            old = value;
            return;
        }
    }
    variables.emplace_back(name, value);
}

NameId Interpreter::id_of(std::string_view name) const {
    const auto found = std::ranges::find(syntax_.names, name);
    return found == syntax_.names.end() ? kNoName : static_cast<NameId>(found - syntax_.names.begin());
}

Result<void> Interpreter::enter(Place place) {
    Budget& budget = environment_.heap.budget();
    if (!budget.step()) {
        return fail_at(place, "the template is stopped here: it {}",
                       budget.out_of_steps() ? "takes too many steps, as one that never ends does" : "makes too much text");
    }
    if (depth_ >= max_depth_)
        return fail_at(place, "the template is stopped here: expressions and macros are nested more than {} deep", max_depth_);
    return {};
}

Result<MarkedText> Interpreter::run(std::span<const Variable> variables) {
    loop_name_ = id_of("loop");
    caller_name_ = id_of("caller");
    varargs_name_ = id_of("varargs");
    kwargs_name_ = id_of("kwargs");
    auto* scope = environment_.heap.make<Scope>(nullptr, environment_.heap.budget());
    for (const Variable& variable : variables) {
        if (const NameId name = id_of(variable.name); name != kNoName) scope->set(name, variable.value);
    }
    TextBuilder out(environment_.heap.budget());
    KRAIT_TRY(const Flow ignored, run_body(syntax_.body, *scope, out));
    static_cast<void>(ignored);
    KRAIT_CHECK(enter({1, 1}));  // what is cut short by a limit is no result
    return out.take();
}

Result<Interpreter::Flow> Interpreter::run_body(const Body& body, Scope& scope, TextBuilder& out) {
    const Depth depth(depth_);
    for (const auto& statement : body) {
        KRAIT_CHECK(enter(statement->place));
        KRAIT_TRY(const Flow flow, run_statement(*statement, scope, out));
        if (flow != Flow::on) return flow;
    }
    return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run_statement(const Statement& statement, Scope& scope, TextBuilder& out) {
    switch (statement.kind) {
        case StatementKind::text: out.append(statement.constant.text->marked); break;
        case StatementKind::output:
            for (const auto& expression : statement.expressions) {
                KRAIT_TRY(const Value value, evaluate(*expression, scope));
                KRAIT_CHECK(located(statement.place, print(value, out)));
            }
            break;
        case StatementKind::condition: return run_condition(statement, scope, out);
        case StatementKind::loop: {
            KRAIT_TRY(const Value iterated, evaluate(*statement.loop->iterated, scope));
            KRAIT_CHECK(run_loop(*statement.loop, iterated, 0, statement.place, scope, out));
            break;
        }
        case StatementKind::set: KRAIT_CHECK(run_set(statement, scope)); break;
        case StatementKind::set_block: KRAIT_CHECK(run_set_block(statement, scope)); break;
        case StatementKind::macro: scope.set(statement.macro->name, macro_value(*statement.macro, scope)); break;
        case StatementKind::call_block: KRAIT_CHECK(run_call_block(statement, scope, out)); break;
        case StatementKind::filter_block: {
            KRAIT_TRY(const Value value, filtered_block(statement, scope));
            KRAIT_CHECK(located(statement.place, print(value, out)));
            break;
        }
        case StatementKind::with: return run_with(statement, scope, out);
        case StatementKind::block:
            return run_body(statement.bodies[0], *environment_.heap.make<Scope>(&scope, environment_.heap.budget()), out);
        case StatementKind::break_: return Flow::break_;
        case StatementKind::continue_: return Flow::continue_;
    }
    return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run_condition(const Statement& statement, Scope& scope, TextBuilder& out) {
    for (size_t i = 0; i < statement.expressions.size(); ++i) {
        KRAIT_TRY(const Value condition, evaluate(*statement.expressions[i], scope));
        if (is_true(condition)) return run_body(statement.bodies[i], scope, out);
    }
    if (statement.bodies.size() > statement.expressions.size()) return run_body(statement.bodies.back(), scope, out);
    return Flow::on;
}

Result<void> Interpreter::run_loop(const For& statement, const Value& iterated, uint32_t depth, Place place, Scope& scope,
                                   TextBuilder& out) {
    Heap& heap = environment_.heap;
    KRAIT_TRY(std::vector<Value> items, located(place, elements(iterated, heap)));
    auto* loop = heap.make<Loop>();
    loop->depth = depth;
    loop->scope = &scope;
    if (statement.is_recursive) loop->statement = &statement;
    if (!statement.condition) {
        loop->items = std::move(items);
    } else {
        for (const Value& item : items) {
            auto* inner = heap.make<Scope>(&scope, heap.budget());
            KRAIT_CHECK(assign(statement.target, item, *inner));
            KRAIT_TRY(const Value taken, evaluate(*statement.condition, *inner));
            if (is_true(taken)) loop->items.push_back(item);
        }
    }
    for (; loop->index < loop->items.size(); ++loop->index) {
        auto* inner = heap.make<Scope>(&scope, heap.budget());
        KRAIT_CHECK(enter(place));
        KRAIT_CHECK(assign(statement.target, loop->items[loop->index], *inner));
        if (loop_name_ != kNoName) inner->set(loop_name_, Value::of(loop));
        KRAIT_TRY(const Flow flow, run_body(statement.body, *inner, out));
        if (flow == Flow::break_) break;
    }
    if (!loop->items.empty()) return {};
    KRAIT_TRY(const Flow flow, run_body(statement.otherwise, *heap.make<Scope>(&scope, heap.budget()), out));
    static_cast<void>(flow);
    return {};
}

Result<void> Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
    switch (target.kind) {
        case Target::Kind::name: scope.set(target.name, value); return {};
        case Target::Kind::attribute: {
            const Value* owner = scope.find(target.name);
            if (!owner || !owner->is(Kind::names)) {
                return fail_at(target.place, "{} is no namespace(), so that its attributes cannot be set",
                               syntax_.names[target.name]);
            }
            return located(target.place, set_entry(*owner->dict, target.attribute, value, environment_.heap.budget()));
        }
        case Target::Kind::several: break;
    }
    KRAIT_TRY(const std::vector<Value> items, located(target.place, elements(value, environment_.heap)));
    if (items.size() != target.parts.size())
        return fail_at(target.place, "{} names stand for {} values", target.parts.size(), items.size());
    for (size_t i = 0; i < items.size(); ++i) KRAIT_CHECK(assign(target.parts[i], items[i], scope));
    return {};
}

Result<void> Interpreter::run_set(const Statement& statement, Scope& scope) {
    KRAIT_TRY(const Value value, evaluate(*statement.expressions[0], scope));
    return assign(statement.targets[0], value, scope);
}

// The text of a block, through its filters if it has some.
Result<Value> Interpreter::filtered_block(const Statement& statement, Scope& scope) {
    Heap& heap = environment_.heap;
    TextBuilder text(heap.budget());
    KRAIT_TRY(const Flow flow, run_body(statement.bodies[0], *heap.make<Scope>(&scope, heap.budget()), text));
    static_cast<void>(flow);
    const Value block = heap.text(text);
    if (!statement.expressions[0]) return block;
    const Value* around = std::exchange(block_, &block);
    auto value = evaluate(*statement.expressions[0], scope);
    block_ = around;
    return value;
}

Result<void> Interpreter::run_set_block(const Statement& statement, Scope& scope) {
    KRAIT_TRY(const Value value, filtered_block(statement, scope));
    return assign(statement.targets[0], value, scope);
}

Value Interpreter::macro_value(const Macro& macro, Scope& scope) {
    auto* callable = environment_.heap.make<Callable>();
    callable->name = syntax_.names[macro.name];
    callable->macro = &macro;
    callable->scope = &scope;
    return Value::of(callable);
}

Result<void> Interpreter::run_call_block(const Statement& statement, Scope& scope, TextBuilder& out) {
    const Value caller = macro_value(*statement.macro, scope);
    KRAIT_TRY(const Value value, call(*statement.expressions[0], scope, &caller));
    return located(statement.place, print(value, out));
}

Result<Interpreter::Flow> Interpreter::run_with(const Statement& statement, Scope& scope, TextBuilder& out) {
    auto* inner = environment_.heap.make<Scope>(&scope, environment_.heap.budget());
    for (size_t i = 0; i < statement.targets.size(); ++i) {
        KRAIT_TRY(const Value value, evaluate(*statement.expressions[i], scope));
        KRAIT_CHECK(assign(statement.targets[i], value, *inner));
    }
    return run_body(statement.bodies[0], *inner, out);
}

}  // namespace krait::chat
