#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many streams of `krait serve` at the same time: whether each gets the text that it gets alone, and what that costs.

    python3 bench/server_streams.py build/release/bin/krait --streams 1000 --seconds 600

Prints a JSON object: streams and their tokens, texts that differ from those of the same request alone, streams that broke off,
tokens/s, times to the first token, /health's times meanwhile, memory and processor time of the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import time

PROMPTS = 16  # different ones, each of which is asked for alone first


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000)[min(int(share * 1000), 998)] if len(values) > 1 else sum(values)


class Server:
    def __init__(self, krait: str, slots: int) -> None:
        self.process = subprocess.Popen(
            [krait, "serve", "--port", "0", "--log", "none", "--slots", str(slots), "--queue", str(slots * 2),
             "--batch", str(max(512, slots)), "--max-connections", str(slots + 64)], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"http://[\d.]+:(\d+)", line):
                self.port = int(found[1])
                return
        raise SystemExit("krait serve did not start")

    def kilobytes(self) -> int:
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])

    def processor_seconds(self) -> dict[str, float]:
        """Of the thread that serves HTTP, which is the process's first, and of all threads."""
        def of(path: str) -> float:
            with open(path, encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        pid = self.process.pid
        return {"http": of(f"/proc/{pid}/task/{pid}/stat"), "all": of(f"/proc/{pid}/stat")}


async def ask(port: int, request: bytes):
    """Gives the events of an answer; raises where it has no end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        while size := int(await reader.readuntil(b"\r\n"), 16):
            part = await reader.readexactly(size + 2)
            for event in part[:-2].decode().split("\n\n"):
                if event == "data: [DONE]":
                    return
                if event:
                    yield json.loads(event.removeprefix("data: "))
        raise ConnectionError("no [DONE]")
    finally:
        writer.close()


def request_of(prompt: int, n_token: int) -> bytes:
    body = json.dumps({"prompt": f"Chapter {prompt}. The {'old ' * prompt}house", "stream": True, "max_tokens": n_token, "ignore_eos": True,
                       "temperature": 0.9, "seed": prompt}).encode()
    return (f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Load:
    def __init__(self, port: int, n_token: int) -> None:
        self.port, self.n_token = port, n_token
        self.expected: dict[int, str] = {}
        self.firsts: list[float] = []
        self.health: list[float] = []
        self.errors: list[str] = []
        self.n_text = self.n_different = self.n_chunk = 0

    async def text(self, prompt: int) -> str:
        began, texts = time.monotonic(), []
        async for event in ask(self.port, request_of(prompt, self.n_token)):
            if not texts:
                self.firsts.append(time.monotonic() - began)
            texts.append(event["choices"][0]["text"])
        self.n_chunk += len(texts)
        return "".join(texts)

    async def stream(self, number: int, until: float) -> None:
        while time.monotonic() < until:
            try:
                text = await self.text(number % PROMPTS)
                self.n_text += 1
                self.n_different += text != self.expected[number % PROMPTS]
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                self.errors.append(str(error))
                await asyncio.sleep(0.1)

    async def watch(self, until: float) -> None:
        while time.monotonic() < until:
            began = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            self.health.append(time.monotonic() - began)
            writer.close()
            await asyncio.sleep(0.1)


async def measure(server: Server, n_stream: int, seconds: float, n_token: int) -> dict:
    load = Load(server.port, n_token)
    for prompt in range(PROMPTS):
        load.expected[prompt] = await load.text(prompt)
    load.firsts.clear()
    load.n_chunk = 0
    idle, before, began = server.kilobytes(), server.processor_seconds(), time.monotonic()
    until = began + seconds
    tasks = [asyncio.create_task(load.stream(i, until)) for i in range(n_stream)] + [asyncio.create_task(load.watch(until))]
    memory = []
    while time.monotonic() < until:
        await asyncio.sleep(min(5, max(0.1, until - time.monotonic())))
        memory.append(server.kilobytes())
    await asyncio.gather(*tasks)
    wall, after = time.monotonic() - began, server.processor_seconds()
    return {"streams": n_stream, "seconds": round(wall, 1), "texts": load.n_text, "different": load.n_different,
            "broken_off": len(load.errors), "errors": sorted(set(load.errors))[:5], "chunks": load.n_chunk,
            "tokens_per_second": round(load.n_text * n_token / wall, 1),
            "first_token_seconds": {f"p{p}": round(percentile(load.firsts, p / 100), 3) for p in (50, 90, 99)},
            "health_ms": {f"p{p}": round(percentile(load.health, p / 100) * 1e3, 1) for p in (50, 99)},
            "http_microseconds_per_chunk": round((after["http"] - before["http"]) * 1e6 / max(load.n_chunk, 1), 1),
            "processor_seconds": {name: round(after[name] - before[name], 1) for name in after},
            "memory_kib": {"before": idle, "first": memory[0], "last": memory[-1],
                           "per_stream": round((memory[-1] - idle) / n_stream, 1)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("krait")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a stream broke off or got another text")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, arguments.streams + 256), hard))
    server = Server(arguments.krait, arguments.streams)
    try:
        measured = asyncio.run(measure(server, arguments.streams, arguments.seconds, arguments.tokens))
        print(json.dumps(measured, indent=2))
    finally:
        server.process.terminate()
        server.process.wait()
    if arguments.check and (measured["different"] or measured["broken_off"] or not measured["texts"]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
