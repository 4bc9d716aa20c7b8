// SPDX-License-Identifier: Apache-2.0
#include "server/page/page.hpp"

#include <array>

#include "server/embedded_file.hpp"

// KRAIT_PAGE_FOLDER: the folder of the files, as a string literal, from CMakeLists.txt.
KRAIT_EMBEDDED_FILE(page_index, KRAIT_PAGE_FOLDER "/index.html");
KRAIT_EMBEDDED_FILE(page_style, KRAIT_PAGE_FOLDER "/style.css");
KRAIT_EMBEDDED_FILE(page_main, KRAIT_PAGE_FOLDER "/main.js");
KRAIT_EMBEDDED_FILE(page_api, KRAIT_PAGE_FOLDER "/api.js");
KRAIT_EMBEDDED_FILE(page_conversations, KRAIT_PAGE_FOLDER "/conversations.js");
KRAIT_EMBEDDED_FILE(page_markdown, KRAIT_PAGE_FOLDER "/markdown.js");
KRAIT_EMBEDDED_FILE(page_settings, KRAIT_PAGE_FOLDER "/settings.js");

namespace krait::server {
namespace {

struct File {
    std::string_view path, type;
    const char *begin, *end;
};

constexpr std::string_view kScript = "text/javascript; charset=utf-8";
const std::array<File, 7> kFiles{{
    {"/", "text/html; charset=utf-8", krait_page_index_begin, krait_page_index_end},
    {"/page/style.css", "text/css; charset=utf-8", krait_page_style_begin, krait_page_style_end},
    {"/page/main.js", kScript, krait_page_main_begin, krait_page_main_end},
    {"/page/api.js", kScript, krait_page_api_begin, krait_page_api_end},
    {"/page/conversations.js", kScript, krait_page_conversations_begin, krait_page_conversations_end},
    {"/page/markdown.js", kScript, krait_page_markdown_begin, krait_page_markdown_end},
    {"/page/settings.js", kScript, krait_page_settings_begin, krait_page_settings_end},
}};

// Scripts and styles are these files alone, and nobody may show the page inside of another one.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

}  // namespace

void add_page(Router& router) {
    for (const File& file : kFiles)
        router.add(
            "GET", file.path,
            [&file](Context&, const ExchangePtr& exchange) {
                exchange->send({.status = 200,
                                .content_type = std::string(file.type),
                                .body = std::string(file.begin, file.end),
                                .headers = {{"Content-Security-Policy", std::string(kPolicy)},
                                            {"X-Content-Type-Options", "nosniff"},
                                            {"Referrer-Policy", "no-referrer"},
                                            {"Cache-Control", "no-cache"}}});
            },
            true);
}

}  // namespace krait::server
