# SPDX-License-Identifier: Apache-2.0
"""Krait as a model of the Language Model Evaluation Harness (pip install krait[lm_eval]).

    python -m krait.lm_eval run --model krait --model_args path=model.gguf,quantize=q4_k --tasks hellaswag
    lm_eval.simple_evaluate(krait.lm_eval.KraitLM(path="model.gguf"), tasks=["hellaswag"])
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from lm_eval.api.model import TemplateLM  # pyright: ignore[reportMissingImports]
from lm_eval.api.registry import register_model  # pyright: ignore[reportMissingImports]
from lm_eval.utils import get_rolling_token_windows  # pyright: ignore[reportMissingImports]

from krait.errors import InvalidArgumentError
from krait.model import Model
from krait.scoring import Scorer


@register_model("krait")
class KraitLM(TemplateLM):  # type: ignore[misc]
    """A model by the name of its file (None: the demo model), or one that is loaded already.

    max_length: tokens of a window for texts that are scored whole (loglikelihood_rolling); None: the whole text is one, since a recurrent state
    has no limit. max_gen_toks: of an answer where the task says nothing.
    """

    def __init__(self, path: str | None = None, *, model: Model | None = None, batch_size: int | str | None = 8, max_length: int | None = None,
                 max_gen_toks: int = 256, max_batch_size: int | None = None, device: str | None = None, quantize: str | None = None,
                 tokenizer: str | None = None) -> None:
        super().__init__()
        self.model: Model = Model(path, device=device, quantize=quantize, tokenizer=tokenizer) if model is None else model
        self.max_gen_toks = max_gen_toks
        self.max_length = max_length
        # "auto" is a matter of memory, of which a state needs little.
        self.batch_size = int(batch_size) if batch_size is not None and str(batch_size).isdecimal() else 8
        self._scorer = Scorer(self.model, max_continuations=self.batch_size)

    # ---- tokens ----

    @property
    def eot_token_id(self) -> int:
        tokenizer = self.model.tokenizer
        candidates = [token for token in (tokenizer.eos, *tokenizer.ends) if token is not None]
        if not candidates:
            raise InvalidArgumentError(f"{self.model.name} has no end-of-text token, which a text without a context begins with here")
        return candidates[0]

    @property
    def prefix_token_id(self) -> int:
        bos = self.model.tokenizer.bos
        return bos if bos is not None else int(self.eot_token_id)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **options: Any) -> list[int]:
        """Texts of control tokens become those tokens, as tokenizers of transformers read them."""
        tokens = self.model.tokenizer.encode(string, control=True, begin=add_special_tokens is not False)
        # A chat template has written bos already.
        return tokens[1:] if add_special_tokens is None and len(tokens) > 1 and tokens[0] == tokens[1] == self.model.tokenizer.bos else tokens

    # ---- what the harness asks ----

    def _loglikelihood_tokens(self, requests: Any, disable_tqdm: bool = False, **options: Any) -> list[tuple[float, bool]]:
        results: dict[int, tuple[float, bool]] = {}
        # Questions with the same context, which the choices of a question have, stand together.
        order = sorted(range(len(requests)), key=lambda index: requests[index][1])
        for context, indices in itertools.groupby(order, key=lambda index: requests[index][1]):
            group = list(indices)
            scores = self._scorer.score(context, [requests[index][2] for index in group])
            for index, score in zip(group, scores, strict=True):
                results[index] = (score.logprob, score.is_greedy)
                self.cache_hook.add_partial("loglikelihood", requests[index][0], results[index])
        return [results[index] for index in range(len(requests))]

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        results = []
        for (text,) in (request.args for request in requests):
            tokens = self.tok_encode(text, add_special_tokens=False)
            length = self.max_length or max(len(tokens), 1)
            windows = get_rolling_token_windows(tokens, self.prefix_token_id, length, 1)
            total = 0.0
            for given, wanted in windows:
                context = given[: len(given) - len(wanted) + 1]
                total += self._scorer.score(context, [wanted])[0].logprob
            results.append(total)
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), total)
        return results

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        answers: list[str] = []
        with self.model.engine(max_sequences=self.batch_size, max_waiting_requests=0) as engine:
            submitted = []
            for text, wanted in (request.args for request in requests):
                until = wanted.get("until") or []
                options: Any = {name: wanted[name] for name in ("temperature", "top_k", "top_p", "min_p", "seed") if wanted.get(name) is not None}
                if not wanted.get("do_sample", options.get("temperature", 0) > 0):
                    options = {"temperature": 0.0}
                submitted.append(engine.submit(self.tok_encode(text), stop=[until] if isinstance(until, str) else until,
                                               max_tokens=wanted.get("max_gen_toks", self.max_gen_toks), max_events=1 << 20, **options))
            for request, asked in zip(submitted, requests, strict=True):
                answers.append(str(request.answer()))
                self.cache_hook.add_partial("generate_until", asked.args, answers[-1])
        return answers

    # ---- conversations ----

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        template = self.model.metadata.get("tokenizer.chat_template")
        return str(template) if chat_template and template is not None else None

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return self.model.chat_prompt(chat_history, variables={"add_generation_prompt": add_generation_prompt}).text

    @property
    def tokenizer_name(self) -> str:
        """Names the cache of requests."""
        return f"krait-{self.model.hash:016x}-{json.dumps(self.model.name)}"


def main() -> None:
    """The harness's own command, which knows the model "krait" besides."""
    from lm_eval.__main__ import cli_evaluate  # pyright: ignore[reportMissingImports]
    cli_evaluate()


if __name__ == "__main__":
    # The class of this module, not of __main__, is the one that is registered.
    from krait import lm_eval as module
    module.main()
