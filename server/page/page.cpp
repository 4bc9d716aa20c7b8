// SPDX-License-Identifier: Apache-2.0
#include "server/page/page.hpp"

#include <array>

// KRAIT_PAGE_FOLDER: the folder of the files, as a string literal, from CMakeLists.txt.
#define KRAIT_PAGE_FILE(symbol, name)           \
    __asm__(                                    \
        ".section .rodata\n"                    \
        ".hidden krait_page_" symbol            \
        "_begin\n"                              \
        ".global krait_page_" symbol            \
        "_begin\n"                              \
        "krait_page_" symbol                    \
        "_begin:\n"                             \
        ".incbin \"" KRAIT_PAGE_FOLDER "/" name \
        "\"\n"                                  \
        ".hidden krait_page_" symbol            \
        "_end\n"                                \
        ".global krait_page_" symbol            \
        "_end\n"                                \
        "krait_page_" symbol                    \
        "_end:\n"                               \
        ".byte 0\n"                             \
        ".text\n")

KRAIT_PAGE_FILE("index", "index.html");
KRAIT_PAGE_FILE("style", "style.css");
KRAIT_PAGE_FILE("main", "main.js");
KRAIT_PAGE_FILE("api", "api.js");
KRAIT_PAGE_FILE("conversations", "conversations.js");
KRAIT_PAGE_FILE("markdown", "markdown.js");
KRAIT_PAGE_FILE("settings", "settings.js");

#define KRAIT_PAGE_SYMBOLS(name)                   \
    extern const char krait_page_##name##_begin[]; \
    extern const char krait_page_##name##_end[]

extern "C" {
KRAIT_PAGE_SYMBOLS(index);
KRAIT_PAGE_SYMBOLS(style);
KRAIT_PAGE_SYMBOLS(main);
KRAIT_PAGE_SYMBOLS(api);
KRAIT_PAGE_SYMBOLS(conversations);
KRAIT_PAGE_SYMBOLS(markdown);
KRAIT_PAGE_SYMBOLS(settings);
}

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
