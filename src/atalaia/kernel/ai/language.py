"""A language model behind `LLM_URL`: a question with a schema, an answer that fits it or none.

The model has no tools, no memory and no authority: what it says is data for the caller to check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

from atalaia.kernel.ai.service import Service
from atalaia.kernel.base.clock import Deadline

T = TypeVar("T")


class LanguageModel:
    """A service in OpenAI's chat form: POST /v1/chat/completions."""

    def __init__(self, service: Service, model: str) -> None:
        self._service, self._model = service, model

    @property
    def name(self) -> str:
        """The model as it is asked for."""
        return f"{self._model or 'padrao'}@llm"

    def complete(
        self,
        system: str,
        user: str,
        schema: Mapping[str, Any],
        read: Callable[[Any], T],
        deadline: Deadline,
    ) -> T:
        """What `read` makes of the JSON the model answers. Raises Away for an answer by another
        model than was asked, for text that is not JSON, and for what `read` refuses."""
        question = {
            "model": self._model,
            "temperature": 0,
            "seed": 0,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "resposta", "strict": True, "schema": schema},
            },
        }

        def answer(said: Any) -> T:
            if self._model and said.get("model", self._model) != self._model:
                raise ValueError("respondeu outro modelo")
            return read(orjson.loads(said["choices"][0]["message"]["content"]))

        return self._service.ask("/v1/chat/completions", question, answer, deadline)
