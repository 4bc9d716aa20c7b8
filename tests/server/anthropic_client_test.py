#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The client of Anthropic as it comes from PyPI against `krait serve` with the demo model.

    python3 tests/server/anthropic_client_test.py KRAIT    needs the package anthropic
"""

from __future__ import annotations

import asyncio
import unittest

import anthropic

from krait_server import Server

PROMPT = "The old man looked out over the sea and"


def sampled(options: dict) -> dict:
    """The client has no names for these any more; the API has."""
    body = {name: options.pop(name) for name in ("temperature", "top_p", "top_k") if name in options}
    return {**options, "extra_body": body}


class Client(unittest.TestCase):
    server: Server
    client: anthropic.Anthropic

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--slots", "4", "--log", "none")
        cls.client = anthropic.Anthropic(base_url=cls.server.url, api_key="none", max_retries=0)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0

    def ask(self, content: object = PROMPT, **options: object):
        return self.client.messages.create(**{"model": "krait-demo", "max_tokens": 12,
                                              "messages": [{"role": "user", "content": content}], **sampled(options)})


class Messages(Client):
    def test_shape(self) -> None:
        answer = self.ask()
        self.assertEqual((answer.type, answer.role, answer.model), ("message", "assistant", "krait-demo"))
        self.assertTrue(answer.id.startswith("msg_"))
        self.assertEqual([b.type for b in answer.content], ["text"])
        self.assertIn(answer.stop_reason, ("end_turn", "max_tokens"))
        self.assertIsNone(answer.stop_sequence)
        self.assertLessEqual(answer.usage.output_tokens, 12)

    def test_greedy_is_always_the_same(self) -> None:
        self.assertEqual(self.ask(temperature=0).content[0].text, self.ask(temperature=0).content[0].text)

    def test_stream(self) -> None:
        whole = self.ask(temperature=0).content[0].text
        with self.client.messages.stream(model="krait-demo", max_tokens=12, extra_body={"temperature": 0},
                                         messages=[{"role": "user", "content": PROMPT}]) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole)
        self.assertEqual(final.content[0].text, whole)
        self.assertEqual(final.usage.output_tokens, 12)

    def test_events(self) -> None:
        events = [e.type for e in self.ask(stream=True)]
        self.assertEqual(events[:2], ["message_start", "content_block_start"])
        self.assertEqual(events[-3:], ["content_block_stop", "message_delta", "message_stop"])
        self.assertEqual(set(events[2:-3]), {"content_block_delta"})

    def test_max_tokens(self) -> None:
        self.assertEqual(self.ask(max_tokens=3, temperature=0).stop_reason, "max_tokens")

    def test_stop_sequence(self) -> None:
        whole = self.ask(temperature=0, max_tokens=40).content[0].text
        stop = whole[10:14]
        answer = self.ask(temperature=0, max_tokens=40, stop_sequences=[stop])
        self.assertEqual(answer.content[0].text, whole[:whole.index(stop)])
        self.assertEqual((answer.stop_reason, answer.stop_sequence), ("stop_sequence", stop))

    def test_which_of_several_stop_sequences(self) -> None:
        whole = self.ask(temperature=0, max_tokens=40).content[0].text
        stops = [whole[30:36], "never written", whole[8:12]]
        answer = self.ask(temperature=0, max_tokens=40, stop_sequences=stops)
        self.assertEqual(answer.stop_sequence, min((s for s in stops if s in whole), key=whole.index))

    def test_system(self) -> None:
        alone = self.ask(temperature=0, max_tokens=24).content[0].text
        for system in ("It was a dark night.", [{"type": "text", "text": "It was a dark night."}]):
            self.assertNotEqual(self.ask(temperature=0, max_tokens=24, system=system).content[0].text, alone)

    def test_blocks(self) -> None:
        blocks = [{"type": "text", "text": PROMPT[:9]},
                  {"type": "text", "text": PROMPT[9:], "cache_control": {"type": "ephemeral"}}]
        self.assertEqual(self.ask(blocks, temperature=0).content[0].text, self.ask(temperature=0).content[0].text)

    def test_cached_tokens(self) -> None:
        content = "There was once a house by the river, in which nobody had lived for years. " * 3
        first, second = self.ask(content).usage, self.ask(content).usage
        self.assertEqual(first.cache_read_input_tokens, 0)
        self.assertEqual(second.cache_read_input_tokens, first.input_tokens)
        self.assertEqual(second.input_tokens, 0)

    def test_conversation(self) -> None:
        self.ask(messages=[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."},
                           {"role": "user", "content": "Go on"}])

    def test_count_tokens(self) -> None:
        count = self.client.messages.count_tokens(model="krait-demo", messages=[{"role": "user", "content": PROMPT}])
        usage = self.ask().usage
        self.assertEqual(count.input_tokens, usage.input_tokens + usage.cache_read_input_tokens)

    def test_sampling(self) -> None:
        self.ask(top_k=5, top_p=0.5, temperature=0.3)

    def test_tools_that_may_not_be_called(self) -> None:
        tool = {"name": "f", "input_schema": {"type": "object"}}
        self.ask(tools=[tool], tool_choice={"type": "none"})

    def test_async(self) -> None:
        async def ask() -> set[str]:
            async with anthropic.AsyncAnthropic(base_url=self.server.url, api_key="none") as client:
                answers = await asyncio.gather(*(client.messages.create(
                    model="krait-demo", max_tokens=6, extra_body={"temperature": 0},
                    messages=[{"role": "user", "content": PROMPT}])
                    for _ in range(4)))
                return {a.content[0].text for a in answers}
        self.assertEqual(len(asyncio.run(ask())), 1)


class Errors(Client):
    def expect(self, kind: type[anthropic.APIStatusError], word: str, **options: object) -> None:
        with self.assertRaises(kind) as caught:
            self.ask(**options)
        self.assertEqual(caught.exception.body["type"], "error")
        self.assertIn(word, caught.exception.body["error"]["message"])

    def test_unknown_model(self) -> None:
        self.expect(anthropic.NotFoundError, "krait-demo", model="other")

    def test_bad_values(self) -> None:
        self.expect(anthropic.BadRequestError, "temperature", temperature=2)
        self.expect(anthropic.BadRequestError, "max_tokens", max_tokens=0)
        self.expect(anthropic.BadRequestError, "messages", messages=[])
        self.expect(anthropic.BadRequestError, "role", messages=[{"role": "system", "content": "a"}])
        self.expect(anthropic.BadRequestError, "text alone",
                    content=[{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}])

    def test_what_is_missing_is_refused(self) -> None:
        self.expect(anthropic.BadRequestError, "tools", tools=[{"name": "f", "input_schema": {"type": "object"}}])
        self.expect(anthropic.BadRequestError, "thinking", thinking={"type": "enabled", "budget_tokens": 1024})
        self.expect(anthropic.BadRequestError, "user's", messages=[{"role": "user", "content": "a"},
                                                                   {"role": "assistant", "content": "b"}])


class Keys(unittest.TestCase):
    def test_keys(self) -> None:
        import tempfile
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("a-key-that-nobody-guesses\n")
            file.flush()
            server = Server("--api-keys", file.name, "--log", "none")
            ask = {"model": "krait-demo", "max_tokens": 2, "messages": [{"role": "user", "content": "a"}]}
            try:
                with self.assertRaises(anthropic.AuthenticationError) as caught:
                    anthropic.Anthropic(base_url=server.url, api_key="wrong", max_retries=0).messages.create(**ask)
                self.assertEqual(caught.exception.body["error"]["type"], "authentication_error")
                anthropic.Anthropic(base_url=server.url, api_key="a-key-that-nobody-guesses").messages.create(**ask)
            finally:
                self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
