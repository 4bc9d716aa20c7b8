#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of `krait serve` in a browser, with the demo model.

    python3 tests/server/page_test.py KRAIT [FOLDER]    needs the package playwright and Debian's chromium; FOLDER: for screenshots
"""

from __future__ import annotations

import shutil
import sys
import unittest

from playwright.sync_api import Page, expect, sync_playwright

from krait_server import Server

FOLDER = sys.argv.pop(1) if len(sys.argv) > 1 else None
MARKDOWN = """# A title

Some **bold**, *slanted* and `x < 1 && y` text, $a_1 + b$, a [link](https://example.org/) and [none](javascript:alert(1)).
<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>

- one
- two
  1. inner

| a | b |
|---|---|
| 1 | <b>2</b> |

```python
print("<b>")
```
> quoted"""


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--slots", "4", "--log", "none")
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.close()
        cls.playwright.stop()
        assert cls.server.stop() == 0

    def setUp(self) -> None:
        self.context = self.browser.new_context(viewport={"width": 1100, "height": 800})
        self.page = self.open()

    def tearDown(self) -> None:
        self.context.close()

    def open(self) -> Page:
        page = self.context.new_page()
        self.problems: list[str] = []
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(self.server.url)
        expect(page.locator("#model option")).to_have_count(1)
        return page

    def shoot(self, name: str) -> None:
        if FOLDER:
            self.page.screenshot(path=f"{FOLDER}/{name}.png")

    def set(self, name: str, value: str) -> None:
        if self.page.locator("#settings").is_hidden():
            self.page.click("#show-settings")
        self.page.fill(f"#{name}", value)
        self.page.locator(f"#{name}").blur()

    def say(self, text: str) -> None:
        self.page.fill("#message", text)
        self.page.press("#message", "Enter")
        expect(self.page.locator("#stop")).to_be_hidden()
        expect(self.page.locator("article.assistant footer").last).to_contain_text("tokens/s")

    def answers(self) -> list[str]:
        return self.page.locator("article.assistant .text").all_inner_texts()

    def test_a_conversation(self) -> None:
        self.set("max_tokens", "40")
        self.say("The old man looked out over the sea.")
        self.say("And then?")
        self.assertEqual(len(self.answers()), 2)
        self.assertTrue(all(self.answers()))
        expect(self.page.locator("article.assistant footer").last).to_contain_text("reused")
        self.shoot("conversation")
        before = self.answers()
        self.page = self.open()  # another tab
        self.assertEqual(self.answers(), before)
        self.assertEqual(self.problems, [])

    def test_branches(self) -> None:
        self.set("max_tokens", "16")
        self.set("temperature", "1.5")
        self.say("Once")
        first = self.answers()
        self.page.click("article.assistant button:has-text('Again')")
        expect(self.page.locator("article.assistant footer")).to_contain_text("2/2")
        expect(self.page.locator("#stop")).to_be_hidden()
        self.assertNotEqual(self.answers(), first)
        self.page.click("article.assistant button:has-text('‹')")
        self.assertEqual(self.answers(), first)
        self.page.click("article.user button:has-text('Edit')")
        self.page.fill("article textarea", "Twice")
        self.page.click("article button:has-text('Send')")
        expect(self.page.locator("article.user .text")).to_have_text("Twice")
        expect(self.page.locator("article.user footer")).to_contain_text("2/2")

    def test_stop(self) -> None:
        self.set("max_tokens", "4000")
        self.page.fill("#message", "The sea")
        self.page.press("#message", "Enter")
        expect(self.page.locator("article.assistant .text")).not_to_be_empty()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#stop")).to_be_hidden()
        self.assertTrue(self.answers()[0])

    def test_texts_are_never_html(self) -> None:
        self.set("max_tokens", "4")
        self.say(MARKDOWN)
        text = self.page.locator("article.user .text")
        self.assertEqual(text.locator("img, script, b").count(), 0)
        self.assertEqual(text.locator("h3").inner_text(), "A title")
        self.assertEqual(text.locator("strong").inner_text(), "bold")
        self.assertEqual(text.locator("p code").inner_text(), "x < 1 && y")
        self.assertEqual(text.locator(".math").inner_text(), "a_1 + b")
        self.assertEqual([a.get_attribute("href") for a in text.locator("a").all()], ["https://example.org/"])
        self.assertEqual(text.locator("pre code").inner_text(), 'print("<b>")')
        self.assertEqual(text.locator("td").all_inner_texts(), ["1", "<b>2</b>"])
        self.assertEqual(text.locator("ul > li").count(), 2)
        self.assertEqual(text.locator("ul ol li").inner_text(), "inner")
        self.assertEqual(text.locator("blockquote").inner_text().strip(), "quoted")
        self.assertEqual(self.page.title(), "Krait")
        self.shoot("markdown")

    def test_errors_are_shown(self) -> None:
        self.set("temperature", "-3")
        self.page.fill("#message", "a")
        self.page.press("#message", "Enter")
        expect(self.page.locator("article .error")).to_contain_text("temperature")

    def test_policy(self) -> None:
        answer = self.page.request.get(self.server.url)
        self.assertIn("script-src 'self'", answer.headers["content-security-policy"])
        self.page.evaluate("""() => { const made = document.createElement("script");
            made.textContent = "document.title = 'broken'"; document.body.append(made); }""")
        self.assertEqual(self.page.title(), "Krait")
        self.assertTrue(any("Content Security Policy" in problem for problem in self.problems))

    def test_themes_and_width(self) -> None:
        self.page.click("#theme")
        dark = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.page.click("#theme")
        self.assertNotEqual(self.page.evaluate("getComputedStyle(document.body).backgroundColor"), dark)
        self.page.click("#theme")
        self.shoot("dark")
        self.page.set_viewport_size({"width": 380, "height": 700})
        self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), 380)
        expect(self.page.locator("#side")).to_be_hidden()
        self.page.click("#menu")
        expect(self.page.locator("#side")).to_be_visible()
        self.shoot("mobile")

    def test_every_control_has_a_name(self) -> None:
        nameless = self.page.evaluate("""() => [...document.querySelectorAll("button, input, select, textarea")].filter(
            (e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)""")
        self.assertEqual(nameless, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
