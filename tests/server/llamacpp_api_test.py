#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's endpoints of `krait serve`, with the demo model: what its own clients read.

    python3 tests/server/llamacpp_api_test.py KRAIT
"""

from __future__ import annotations

import json
import unittest
import urllib.error
import urllib.request

from krait_server import Server

PROMPT = "The old man looked out over the sea and"


class LlamaCpp(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--slots", "4", "--log", "none")

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0

    def get(self, path: str):
        with urllib.request.urlopen(self.server.url + path, timeout=60) as answer:
            return json.load(answer)

    def post(self, path: str, **body: object):
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
        if not body.get("stream"):
            return json.loads(text)
        return [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line]

    def test_completion(self) -> None:
        answer = self.post("/completion", prompt=PROMPT, n_predict=12, temperature=0)
        self.assertTrue(answer["stop"])
        self.assertEqual(answer["stop_type"], "limit")
        self.assertEqual(answer["tokens_predicted"], 12)
        self.assertEqual(answer["prompt"], PROMPT)
        self.assertEqual(answer["tokens"], [])
        self.assertGreater(answer["timings"]["predicted_per_second"], 0)

    def test_completion_streamed(self) -> None:
        whole = self.post("/completion", prompt=PROMPT, n_predict=12, temperature=0, return_tokens=True)
        parts = self.post("/completion", prompt=PROMPT, n_predict=12, temperature=0, return_tokens=True, stream=True)
        self.assertEqual("".join(p["content"] for p in parts), whole["content"])
        self.assertEqual(sum((p["tokens"] for p in parts), []), whole["tokens"])
        self.assertEqual([p["stop"] for p in parts], [False] * (len(parts) - 1) + [True])

    def test_stopping_word(self) -> None:
        whole = self.post("/completion", prompt=PROMPT, n_predict=40, temperature=0)["content"]
        answer = self.post("/completion", prompt=PROMPT, n_predict=40, temperature=0, stop=[whole[8:12], "never written"])
        self.assertEqual((answer["stop_type"], answer["stopping_word"]), ("word", whole[8:12]))

    def test_text(self) -> None:
        tokens = self.post("/tokenize", content=PROMPT)["tokens"]
        self.assertEqual(self.post("/detokenize", tokens=tokens)["content"], PROMPT)
        pieces = self.post("/tokenize", content="é🐍", with_pieces=True)["tokens"]
        joined = b"".join(bytes(p["piece"]) if isinstance(p["piece"], list) else p["piece"].encode() for p in pieces)
        self.assertEqual(joined.decode(), "é🐍")
        rendered = self.post("/apply-template", messages=[{"role": "user", "content": PROMPT}])["prompt"]
        self.assertIn(PROMPT, rendered)

    def test_slots(self) -> None:
        slots = self.get("/slots")
        self.assertEqual([s["id"] for s in slots], [0, 1, 2, 3])
        self.assertFalse(any(s["is_processing"] for s in self.get("/slots?fail_on_no_slot=1")))

    def test_props(self) -> None:
        props = self.get("/props")
        self.assertEqual(props["total_slots"], 4)
        self.assertEqual(props["chat_template_origin"], "plain")

    def test_errors(self) -> None:
        for path, body in (("/completion", {}), ("/completion", {"prompt": "a", "n_probs": 2}), ("/tokenize", {}),
                           ("/completion", {"prompt": "a", "mirostat": 2}), ("/detokenize", {"tokens": [10**9]}),
                           ("/detokenize", {"tokens": ["a"]}), ("/apply-template", {"messages": 3})):
            with self.subTest(path=path, body=body), self.assertRaises(urllib.error.HTTPError) as caught:
                self.post(path, **body)
            with caught.exception:
                self.assertEqual(caught.exception.code, 400)


if __name__ == "__main__":
    unittest.main(verbosity=1)
