// SPDX-License-Identifier: Apache-2.0
#include "tools/chat.hpp"

#include <algorithm>

namespace krait::tools {

api::Result<std::optional<int32_t>> Chat::end_of_answer() const {
    Messages probe = messages_.cleared();
    probe.add("user", "a");
    TOOLS_CHECK(template_.render(probe.json()));
    probe.add("assistant", "b");
    TOOLS_TRY(const api::ChatPrompt prompt, template_.render(probe.json(), false));
    return prompt.end_of_answer(context_.model);
}

api::Status Chat::say(Generator& generator, std::string_view text) {
    messages_.add("user", text);
    const api::Status done = answer(generator);
    if (!done && messages_.last_role() == "user") messages_.undo();
    return done;
}

api::Status Chat::answer(Generator& generator) {
    TOOLS_TRY(const api::ChatPrompt rendered, template_.render(messages_.json()));
    TOOLS_TRY(const std::vector<int32_t> prompt, rendered.tokenize());
    if (prompt.empty())
        return failure(KRAIT_INVALID_ARGUMENT, "{} writes nothing for these messages: there is nothing to answer",
                       template_.name());
    TOOLS_CHECK(generator.check(prompt));
    TOOLS_TRY(std::vector<int32_t> unread, unread_part(generator, prompt));
    const api::Status done = generator.go_on(std::move(unread));
    const auto chosen = generator.chosen();
    if (!done && (done.failure().code != KRAIT_CANCELLED || chosen.empty())) {
        generator.reset();  // nobody knows how far the state has come
        read_.clear();
        return done;
    }
    read_ = prompt;
    read_.insert(read_.end(), chosen.begin(), chosen.empty() ? chosen.end() : chosen.end() - 1);
    messages_.add("assistant", generator.answer());
    return done;
}

// A recurrent state cannot be cut: it goes on where the prompt begins with all that it has read, else from the latest snapshot
// that the two have in common, else from nothing.
api::Result<std::vector<int32_t>> Chat::unread_part(Generator& generator, const std::vector<int32_t>& prompt) {
    generator.drop_unread_token();  // the template writes it, or leaves it out
    const auto differs = std::mismatch(prompt.begin(), prompt.end(), read_.begin(), read_.end());
    auto n_common = static_cast<size_t>(differs.first - prompt.begin());
    if (differs.second != read_.end() || n_common == prompt.size()) {
        TOOLS_TRY(const auto snapshots, context_.session.snapshots());
        size_t n_kept = 0;
        for (const size_t n_tok : snapshots)
            if (n_tok <= n_common && n_tok < prompt.size()) n_kept = n_tok;
        TOOLS_CHECK(context_.session.rollback(n_kept));
        n_common = n_kept;
        read_.resize(n_kept);
    }
    return std::vector<int32_t>(prompt.begin() + static_cast<ptrdiff_t>(n_common), prompt.end());
}

}  // namespace krait::tools
