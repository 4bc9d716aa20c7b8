// SPDX-License-Identifier: Apache-2.0
//
// One request and its answer. All calls are made on the loop's thread (http_server.hpp), as are the functions that are set
// here. Once the client has gone, calls have no effect.
//   exchange->send({.status = 404, .content_type = "application/json", .body = "{}"});
//   exchange->begin({.content_type = "text/event-stream"}), exchange->write("data: 1\n\n"), exchange->end();
#pragma once

#include <functional>
#include <memory>

#include "server/http/message.hpp"

namespace krait::server {

class Exchange {
  public:
    Exchange() = default;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    virtual ~Exchange() = default;

    // Other threads may read it until the answer has ended: nothing changes it.
    virtual const Request& request() const = 0;
    // For the head of the answer, in front of it.
    virtual void add_header(std::string name, std::string value) = 0;

    virtual void send(Response response) = 0;  // the whole answer
    // An answer whose parts come one by one; the body of `head` is the first of them.
    virtual void begin(Response head) = 0;
    virtual void write(std::string_view part) = 0;
    virtual void end() = 0;
    // Breaks the connection, so that nobody takes the part that was sent for the whole.
    virtual void abort() = 0;

    virtual bool has_begun() const = 0;  // send() or begin() was called
    // More is queued than a slow client may have: wait for `room`.
    virtual bool is_full() const = 0;
    virtual void on_room(std::function<void()> room) = 0;
    // The client has gone before the end; called once, at once where it has gone already.
    virtual void on_gone(std::function<void()> gone) = 0;
    // The answer has ended, or cannot: called once.
    virtual void on_end(std::function<void()> ended) = 0;
    virtual int status() const = 0;  // of the answer; 0 before it

    // Whose request it is: clients share the engine by these names. Empty where nobody needs a key.
    const std::string& client() const { return client_; }
    void set_client(std::string client) { client_ = std::move(client); }

  private:
    std::string client_;
};

}  // namespace krait::server
