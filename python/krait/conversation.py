# SPDX-License-Identifier: Apache-2.0
"""A conversation that reads each turn once: the state of the turns before is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from krait.chat import ChatTemplate, Message
from krait.errors import InvalidArgumentError
from krait.session import Session

if TYPE_CHECKING:
    from krait.generation import Answer, TextOptions
    from krait.model import Model

# The end of the prompt of this turn and of the one before, to which undo() goes back.
_MAX_SNAPSHOTS = 2


class Conversation:
    """Messages and answers, through a chat template.

    messages may be changed between turns: what the new text has in common with the one before is not read again, as far as there is a
    snapshot to go back to. Threads: one at a time.
    """

    def __init__(self, model: Model, *, system: str | None = None, template: ChatTemplate | str | None = None, **variables: Any) -> None:
        """template: Jinja instead of the model's. variables: for the template, such as tools=[...]."""
        self.messages: list[Message] = [] if system is None else [{"role": "system", "content": system}]
        self.n_read = 0  # tokens of the latest turn that were read, of its prompt
        self._template = template if isinstance(template, ChatTemplate) else ChatTemplate(model, template)
        self._variables = variables
        self._session = Session(model, max_snapshots=_MAX_SNAPSHOTS)
        self._tokens: list[int] = []  # that the sequence has read

    def say(self, text: str, **options: Unpack[TextOptions]) -> Answer:
        """The answer to a message. Where it fails, the messages are as before."""
        self.messages.append({"role": "user", "content": text})
        try:
            answer = self._answer(options)
        except BaseException:
            self.messages.pop()
            raise
        self.messages.append({"role": "assistant", "content": str(answer)})
        return answer

    def _answer(self, options: TextOptions) -> Answer:
        prompt = self._template.render(self.messages, **self._variables).tokens
        if not prompt:
            raise InvalidArgumentError("the chat template makes an empty text of these messages")
        begin = self._go_back(prompt)
        before, last = prompt[begin:-1], prompt[-1]
        session = self._session
        if before:
            snapshots = session.snapshots()
            if len(snapshots) == _MAX_SNAPSHOTS:
                session.drop_snapshot(snapshots[0])
            session.read(before, want="none", snapshots=[len(before)])
        self.n_read = len(before) + 1
        self._tokens = prompt[:-1]
        answer = session.generate([last], **options)
        self._tokens = [*prompt, *answer.tokens][: session.length()]
        return answer

    def _go_back(self, prompt: list[int]) -> int:
        """To the latest place that the sequence shares with the prompt, before its last token; returns it."""
        common = 0
        # A turn that failed may have left the sequence anywhere.
        known = self._tokens if self._session.length() == len(self._tokens) else []
        for read, wanted in zip(known, prompt[:-1], strict=False):
            if read != wanted:
                break
            common += 1
        if common < len(known) or not known:
            common = max((place for place in self._session.snapshots() if place <= common), default=0)
            self._session.rollback(common)
        return common

    def undo(self) -> None:
        """Takes the latest message and its answer back."""
        while self.messages and self.messages[-1]["role"] != "user":
            self.messages.pop()
        if self.messages:
            self.messages.pop()

    def close(self) -> None:
        """Frees its session. Safe to call again."""
        self._session.close()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
