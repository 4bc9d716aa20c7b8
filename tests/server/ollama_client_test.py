#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The client of Ollama as it comes from PyPI against `krait serve` with the demo model.

    python3 tests/server/ollama_client_test.py KRAIT    needs the package ollama
"""

from __future__ import annotations

import unittest

import ollama

from krait_server import Server

PROMPT = "The old man looked out over the sea and"
GREEDY = {"temperature": 0, "num_predict": 12}


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--slots", "4", "--log", "none")
        cls.client = ollama.Client(host=cls.server.url)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0

    def test_list(self) -> None:
        models = self.client.list().models
        self.assertEqual([m.model for m in models], ["krait-demo"])
        self.assertEqual(models[0].details.family, "mamba")
        self.assertGreater(models[0].size, 0)

    def test_running(self) -> None:
        self.assertEqual([m.model for m in self.client.ps().models], ["krait-demo"])

    def test_show(self) -> None:
        shown = self.client.show("krait-demo")
        self.assertEqual(shown.modelinfo["general.architecture"], "mamba")
        self.assertEqual(shown.capabilities, ["completion"])

    def test_generate(self) -> None:
        answer = self.client.generate("krait-demo:latest", PROMPT, options=GREEDY)
        self.assertTrue(answer.done)
        self.assertEqual(answer.done_reason, "length")
        self.assertEqual(answer.eval_count, 12)
        self.assertGreater(answer.total_duration, 0)
        self.assertTrue(answer.response)

    def test_generate_streamed(self) -> None:
        whole = self.client.generate("krait-demo", PROMPT, options=GREEDY).response
        parts = list(self.client.generate("krait-demo", PROMPT, options=GREEDY, stream=True))
        self.assertEqual("".join(p.response for p in parts), whole)
        self.assertEqual([p.done for p in parts], [False] * (len(parts) - 1) + [True])

    def test_generate_raw(self) -> None:
        raw = self.client.generate("krait-demo", PROMPT, options=GREEDY, raw=True)
        self.assertEqual(raw.eval_count, 12)
        self.assertNotEqual(raw.response, self.client.generate("krait-demo", PROMPT, options=GREEDY).response)

    def test_system(self) -> None:
        self.assertNotEqual(self.client.generate("krait-demo", PROMPT, options=GREEDY, system="It was dark.").response,
                            self.client.generate("krait-demo", PROMPT, options=GREEDY).response)

    def test_chat(self) -> None:
        messages = [{"role": "user", "content": PROMPT}]
        answer = self.client.chat("krait-demo", messages, options=GREEDY)
        self.assertEqual(answer.message.role, "assistant")
        self.assertEqual(answer.message.content, self.client.generate("krait-demo", PROMPT, options=GREEDY).response)

    def test_chat_streamed(self) -> None:
        messages = [{"role": "user", "content": PROMPT}]
        whole = self.client.chat("krait-demo", messages, options=GREEDY).message.content
        parts = list(self.client.chat("krait-demo", messages, options=GREEDY, stream=True))
        self.assertEqual("".join(p.message.content for p in parts), whole)

    def test_stop(self) -> None:
        whole = self.client.generate("krait-demo", PROMPT, options={**GREEDY, "num_predict": 40}).response
        answer = self.client.generate("krait-demo", PROMPT, options={**GREEDY, "num_predict": 40, "stop": [whole[10:14]]})
        self.assertEqual(answer.response, whole[:whole.index(whole[10:14])])
        self.assertEqual(answer.done_reason, "stop")

    def expect(self, status: int, word: str, ask) -> None:
        with self.assertRaises(ollama.ResponseError) as caught:
            ask()
        self.assertEqual(caught.exception.status_code, status)
        self.assertIn(word, caught.exception.error)

    def test_errors(self) -> None:
        self.expect(404, "krait-demo", lambda: self.client.generate("other", "a"))
        self.expect(400, "temperature", lambda: self.client.generate("krait-demo", "a", options={"temperature": -1}))
        self.expect(400, "grammars", lambda: self.client.generate("krait-demo", "a", format="json"))
        self.expect(400, "messages", lambda: self.client.chat("krait-demo", []))


if __name__ == "__main__":
    unittest.main(verbosity=1)
