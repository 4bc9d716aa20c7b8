# SPDX-License-Identifier: Apache-2.0
"""Text from a model: generate, stream, chat, grammars, tokenizer."""

from __future__ import annotations

import asyncio
import json
import pickle
import re

import pydantic
import pytest

import krait

from .conftest import DEVICE, TEMPLATE

PROMPT = "The sea was"


def test_generate_is_what_the_command_writes(model: krait.Model) -> None:
    said = krait.run_command("run", "-p", PROMPT, "-n", "40", "--seed", "3", "--device", DEVICE)
    answer = model.generate(PROMPT, max_tokens=40, seed=3)
    assert said.rstrip("\n") == (PROMPT + answer).rstrip("\n")
    assert (len(answer.tokens), answer.finish, answer.prompt_tokens) == (40, "length", len(model.tokenizer.encode(PROMPT)))


def test_stream_pieces_are_the_text(model: krait.Model) -> None:
    whole = model.generate(PROMPT, max_tokens=30, seed=1)
    with model.stream(PROMPT, max_tokens=30, seed=1) as stream:
        pieces = list(stream)
    assert "".join(pieces) == whole and all(pieces) and stream.tokens == whole.tokens and stream.finish == "length"


def test_async_streams_run_side_by_side(model: krait.Model) -> None:
    expected = [model.generate(PROMPT, max_tokens=12, seed=seed) for seed in range(6)]

    async def read(seed: int) -> str:
        return "".join([piece async for piece in model.stream(PROMPT, max_tokens=12, seed=seed)])

    async def read_all() -> list[str]:
        return await asyncio.gather(*(read(seed) for seed in range(6)))

    assert asyncio.run(read_all()) == expected


def test_cancelled_task_gives_its_session_back(model: krait.Model) -> None:
    async def read() -> None:
        stream = model.stream(PROMPT, max_tokens=10_000)
        task = asyncio.ensure_future(stream.async_answer())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(200):
            if stream._closed:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the stream was not closed")

    asyncio.run(read())


def test_stream_left_early_is_closed(model: krait.Model) -> None:
    stream = model.stream(PROMPT)
    next(stream)
    stream.close()
    assert list(stream) == []
    assert model.generate(PROMPT, max_tokens=5) == model.generate(PROMPT, max_tokens=5)


def test_stop_text_ends_before_it(model: krait.Model) -> None:
    whole = model.generate(PROMPT, max_tokens=60, seed=3)
    stop = whole[20:24]
    answer = model.generate(PROMPT, max_tokens=60, seed=3, stop=[stop])
    assert answer == whole[: whole.index(stop)] and answer.finish == "stop"


def test_constraint_changes_the_logits(model: krait.Model) -> None:
    token = model.tokenizer.token("!")

    def only(logits: krait.views.Floats) -> None:  # type: ignore[name-defined]
        logits[:] = -float("inf")
        logits[token] = 0

    assert model.generate(PROMPT, max_tokens=3, constraint=only) == "!!!"
    with pytest.raises(krait.InvalidArgumentError, match="no token is allowed"):
        model.generate(PROMPT, max_tokens=3, constraint=lambda logits: logits.fill(-float("inf")))


def test_schema_of_pydantic(model: krait.Model) -> None:
    class Ship(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")
        name: str = pydantic.Field(max_length=6, pattern="^[a-z]*$")
        masts: int = pydantic.Field(ge=1, le=5)

    answer = model.generate("A ship: ", schema=Ship, max_tokens=2000)
    assert answer.finish == "stop"
    Ship.model_validate_json(answer)


def test_grammars(model: krait.Model) -> None:
    assert re.fullmatch("[a-f]{4}", model.generate(PROMPT, regex="[a-f]{4}"))
    assert model.generate(PROMPT, grammar='root ::= "yes" | "no"') in ("yes", "no")
    assert json.loads(model.generate("{}", schema={"enum": ["a", 1]})) in ("a", 1)
    with pytest.raises(krait.InvalidArgumentError, match="grammar and regex"):
        model.generate(PROMPT, regex="a", grammar='root ::= "a"')
    grammar = krait.Grammar.regex("ab*")
    assert grammar.match("abb") == (True, 3) and grammar.match("ac") == (False, 1)
    state = grammar.state(model)
    a, b = model.tokenizer.token("a"), model.tokenizer.token("b")
    assert a in state.allowed() and b not in state.allowed()
    state.accept(a)
    copy = state.clone()
    state.accept(b)
    state.rollback(1)
    assert state.allowed() == copy.allowed() and state.is_accepting and not state.is_finished
    with pytest.raises(krait.InvalidArgumentError):
        state.accept(model.tokenizer.token("c"))
    with pytest.raises(krait.InvalidArgumentError, match="line 1"):
        krait.Grammar.gbnf("root ::= (")


def test_tokenizer(model: krait.Model) -> None:
    tokenizer = model.tokenizer
    text = "Grüße, \0 the sea 🌊"
    tokens = tokenizer.encode(text, begin=False)
    assert tokenizer.decode(tokens) == text and tokenizer.decode_bytes(tokens) == text.encode()
    assert tokenizer.encode("") in ([], [tokenizer.bos])
    assert [tokenizer.token(tokenizer.token_text(token)) for token in tokens] == tokens
    assert all(tokenizer.is_end(end) for end in tokenizer.ends) and len(tokenizer) == 4096
    detokenizer = tokenizer.detokenizer()
    assert "".join(detokenizer.push(token) for token in tokens) + detokenizer.finish() == text
    with pytest.raises(krait.InvalidArgumentError):
        tokenizer.decode([5000])
    with pytest.raises(krait.InvalidArgumentError, match="32 bits"):
        tokenizer.decode([2**40])


def test_chat(model: krait.Model) -> None:
    messages = [{"role": "user", "content": "Where do ships sleep?"}]
    prompt = model.chat_prompt(messages, template=TEMPLATE)
    assert prompt.text == "user: Where do ships sleep?\nassistant:" and prompt.user_parts == ["Where do ships sleep?"]
    assert model.chat(messages, template=TEMPLATE, max_tokens=8) == model.generate(prompt, max_tokens=8)
    with pytest.raises(krait.NotFoundError, match="template"):
        model.chat(messages)
    with pytest.raises(krait.InvalidArgumentError, match="line 1"):
        krait.ChatTemplate(model, "{% if %}")


def test_conversation_reads_each_turn_once(model: krait.Model) -> None:
    with krait.Conversation(model, template=TEMPLATE, system="Be brief.") as conversation:
        first = conversation.say("Where do ships sleep?", max_tokens=10)
        read = conversation.n_read
        second = conversation.say("And the crew?", max_tokens=10)
        expected = model.chat(conversation.messages[:-1], template=TEMPLATE, max_tokens=10)
        assert second == expected and conversation.n_read < expected.prompt_tokens - 15
        conversation.undo()
        assert conversation.say("And the crew?", max_tokens=10) == second
        conversation.undo()
        conversation.undo()
        assert conversation.say("Where do ships sleep?", max_tokens=10) == first


def test_prompts_that_cannot_be(model: krait.Model) -> None:
    with pytest.raises(krait.InvalidArgumentError, match="no tokens"):
        model.generate([])
    with pytest.raises(krait.InvalidArgumentError, match="4096"):
        model.generate([4096])
    with pytest.raises(krait.InvalidArgumentError, match="max_tokens"):
        model.generate(PROMPT, max_tokens=-1)
    with pytest.raises(TypeError, match="temprature"):
        model.generate(PROMPT, temprature=1)  # type: ignore[call-arg]
    with pytest.raises(krait.InvalidArgumentError, match="top_p"):
        model.generate(PROMPT, top_p=7)
    with pytest.raises(krait.InvalidArgumentError, match="out of range"):
        model.generate(PROMPT, top_k=2**40)
    assert model.generate(PROMPT, max_tokens=0) == ""


def test_answer_is_a_text_that_can_be_pickled(model: krait.Model) -> None:
    answer = model.generate(PROMPT, max_tokens=4)
    copy = pickle.loads(pickle.dumps(answer))
    assert copy == answer and copy.tokens == answer.tokens and copy.finish == answer.finish
