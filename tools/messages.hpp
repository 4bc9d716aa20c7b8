// SPDX-License-Identifier: Apache-2.0
//
// The messages of a conversation, as chat templates read them: a list of objects with a role and a content, in JSON. A file may
// hold the list alone, or an object with "messages" and whatever else the template reads ("tools", "enable_thinking"), which is
// kept.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tools/result.hpp"

namespace krait::tools {

class Messages {
  public:
    Messages();
    Messages(Messages&&) noexcept;
    Messages& operator=(Messages&&) noexcept;
    ~Messages();

    // Fails with the line and column at which the text stops being JSON, or with the message that lacks a role. name: of the
    // source, for errors.
    static api::Result<Messages> parse(std::string_view json, const std::string& name);

    void add(std::string_view role, std::string_view content);
    // The system message comes first: it is replaced, added, or with an empty text removed.
    void set_system(std::string_view content);
    std::string system() const;
    // Removes the latest message of the user and all after it; false where there is none.
    bool undo();
    // Removes all but the system message.
    void clear();
    // The system message alone, with whatever else the template reads.
    Messages cleared() const;
    size_t size() const;
    std::string last_role() const;  // empty where there is no message

    // As a chat template takes them; with line breaks for people. Bytes that are no UTF-8 become U+FFFD.
    std::string json(bool for_people = false) const;

  private:
    struct Document;
    std::unique_ptr<Document> document_;
};

}  // namespace krait::tools
