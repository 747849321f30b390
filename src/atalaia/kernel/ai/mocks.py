"""Stand-ins for the two model services, to develop, demonstrate and drill without them.

`embed_app` and `llm_app` answer in OpenAI's form and have `/health`. They misbehave on command:
`POST /misbehave {"mode": "timeout"}` (one of MODES; "" for good manners again), `{"seconds": 30}`
says how long a slow one takes. They know nothing: the embedder counts letters, the model finds
words; `obey` makes it do what a syllabus orders, `credulous` makes it claim everything always.
`GET /asked` gives the bodies of the latest questions, for tests of what leaves the house.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MODES = (
    "timeout",
    "429",
    "500",
    "empty",
    "huge",
    "wrong_language",
    "half_json",
    "wrong_model",
    "slow_stream",
    "obey",
    "credulous",
)
_SIZE = 256  # numbers of a vector
_HUGE = b"x" * 10_000_000
_ORDER = re.compile(
    r"ignor|desconsider|consider|marque|trate|assum|aprov|defir|deferi|system|sistema|voc[eê]|must|"
    r"treat|mark|cover|return|respond|output|equival|score",
    re.IGNORECASE,
)
Answer = Callable[[dict[str, Any], str], dict[str, Any]]


class _Mock:
    """One stand-in: its manners and what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer, self.mode, self.seconds = answer, "", 60.0
        self.asked: deque[bytes] = deque(maxlen=1000)

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "mode": self.mode})

    async def misbehave(self, request: Request) -> Response:
        said = await request.json()
        mode = said.get("mode", self.mode)
        if mode not in ("", *MODES):
            return JSONResponse({"error": f"modes: {', '.join(MODES)}"}, status_code=422)
        self.mode, self.seconds = mode, float(said.get("seconds", self.seconds))
        return JSONResponse({"mode": self.mode, "seconds": self.seconds})

    async def latest(self, _: Request) -> Response:
        return JSONResponse([body.decode("utf-8", "replace") for body in self.asked])

    async def question(self, request: Request) -> Response:
        body = await request.body()
        self.asked.append(body)
        bad = _BAD.get(self.mode)
        if bad:
            return await bad(self)
        answer = self._answer(orjson.loads(body), self.mode)
        if self.mode == "wrong_model":
            answer["model"] = "outro-modelo"
            answer.get("data", []).clear()
        whole = orjson.dumps(answer)
        if self.mode == "half_json":
            whole = whole[: len(whole) // 2]
        if self.mode == "slow_stream":
            return StreamingResponse(self._drip(whole), media_type="application/json")
        return Response(whole, media_type="application/json")

    async def _drip(self, whole: bytes) -> AsyncIterator[bytes]:
        for place in range(len(whole)):
            yield whole[place : place + 1]
            await asyncio.sleep(self.seconds / max(1, len(whole)))


async def _late(mock: _Mock) -> Response:
    await asyncio.sleep(mock.seconds)
    return Response(status_code=504)


async def _refused(_: _Mock) -> Response:
    return JSONResponse({"error": "rate"}, status_code=429, headers={"Retry-After": "1"})


async def _broken(_: _Mock) -> Response:
    return JSONResponse({"error": "internal"}, status_code=500)


async def _nothing(_: _Mock) -> Response:
    return Response(b"")


async def _huge(_: _Mock) -> Response:
    return Response(b'{"data":"' + _HUGE + b'"}', media_type="application/json")


async def _prose(_: _Mock) -> Response:
    said = {"choices": [{"message": {"content": "Sehr geehrte Damen und Herren, nein."}}]}
    return JSONResponse(said)


_BAD: dict[str, Callable[[_Mock], Awaitable[Response]]] = {
    "timeout": _late,
    "429": _refused,
    "500": _broken,
    "empty": _nothing,
    "huge": _huge,
    "wrong_language": _prose,
}


def _app(answer: Answer, path: str) -> Starlette:
    mock = _Mock(answer)
    return Starlette(
        routes=[
            Route("/health", mock.health),
            Route("/misbehave", mock.misbehave, methods=["POST"]),
            Route("/asked", mock.latest),
            Route(path, mock.question, methods=["POST"]),
        ]
    )


def embed_app() -> Starlette:
    """A service of embeddings at /v1/embeddings."""
    return _app(_embedded, "/v1/embeddings")


def llm_app() -> Starlette:
    """A service of a language model at /v1/chat/completions."""
    return _app(_completed, "/v1/chat/completions")


def _embedded(asked: dict[str, Any], _: str) -> dict[str, Any]:
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    data = [
        {"object": "embedding", "index": i, "embedding": _letters(text).tolist()}
        for i, text in enumerate(texts)
    ]
    return {"object": "list", "model": asked.get("model", ""), "data": data}


def _letters(text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    vector = np.full(_SIZE, 1e-3)
    padded = f" {text.lower()} "
    for place in range(len(padded) - 2):
        vector[zlib.crc32(padded[place : place + 3].encode()) % _SIZE] += 1
    return np.asarray(vector / np.linalg.norm(vector))


def _completed(asked: dict[str, Any], mode: str) -> dict[str, Any]:
    said = orjson.loads(asked["messages"][-1]["content"])
    text, concepts = said["ementa"], said["conceitos"]
    sentences = [s.strip() for s in re.split(r"[.;\n]", text) if len(s.strip()) > 2]
    claimed = [
        {"codigo": code, "trecho": sentence}
        for code, label in concepts.items()
        for sentence in sentences
        if set(label.lower().split()) <= set(re.findall(r"\w+", sentence.lower()))
    ]
    if mode == "credulous" or (mode == "obey" and _ORDER.search(text)):
        claimed = [
            {"codigo": code, "trecho": sentences[place % len(sentences)]}
            for place, code in enumerate(concepts)
            if sentences
        ]
    content = orjson.dumps({"conceitos": claimed[:400]}).decode()
    message = {"role": "assistant", "content": content}
    return {"model": asked.get("model", ""), "choices": [{"index": 0, "message": message}]}
