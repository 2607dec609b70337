"""What the app adds to a question before Ollama gets it, and to each streamed token, against the bare client.

    python -m benchmarks.ollama_overhead

Both ask the same recorded server (in a process of its own) the same prompt, in turns. The time to the first token
is compared: the server answers at once, so the difference is what the app does first, retrieval aside: choosing the
model, looking whether it is loaded, making and counting the prompt. The rest of the answer is one burst.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import ollama

from rag_app import AnswerStream, Passage, Retrieval, Settings
from rag_app.chat.prompt import messages
from rag_app.chat.prompts import load
from rag_app.llm.select import Models
from tests.replay import Replay, written

_MODEL = "smollm2:135m"
_TOKENS = 1000
_QUESTION = "How much memory does the 8B model need?"
_TEXT = "The 8B model takes 4.7 GB on the disk and about 6 GB of memory with a context of 8,192 tokens. " * 16


def main() -> None:
    """Ask both, again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    url = str(here.recv())
    models = Models(Settings(answers="ollama", model=_MODEL, ollama_url=url))
    client = ollama.Client(url)
    _time(lambda: _ours(models))  # the first question also asks what the model is
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(_time(lambda: _bare(client)))
        ours.append(_time(lambda: _ours(models)))
    first = [median(first for first, _ in times) * 1000 for times in (bare, ours)]
    token = [median(rest for _, rest in times) * 1000 / _TOKENS for times in (bare, ours)]
    print(f"{rounds} questions each, {_TOKENS} tokens, median milliseconds")
    print(f"{'':<18}{'bare client':>12}{'app':>9}{'added':>9}")
    print(f"{'to the first token':<18}{first[0]:>12.2f}{first[1]:>9.2f}{first[1] - first[0]:>9.2f}")
    print(f"{'each token':<18}{token[0]:>12.4f}{token[1]:>9.4f}{token[1] - token[0]:>9.4f}")
    models.close()
    here.send(None)


def _serve(pipe: Connection) -> None:
    script = {
        "/api/tags": "11-tags",
        "/api/show": "12-show",
        "/api/ps": "36-ps-num_ctx-above-training",  # with 8,192 tokens, as it is asked for
        "/api/chat": written(["word "] * _TOKENS),
    }
    with Replay(script) as server:
        pipe.send(server.url)
        pipe.recv()


def _time(ask: Callable[[], Iterator[str]]) -> tuple[float, float]:
    """Seconds to the first token, and from there to the last."""
    began = time.perf_counter()
    pieces = ask()
    next(pieces)
    first = time.perf_counter()
    count = sum(1 for _ in pieces)
    assert count >= _TOKENS - 1, count
    return first - began, time.perf_counter() - first


def _ours(models: Models) -> Iterator[str]:
    retrieval = Retrieval(_QUESTION, _passages(), coverage=1.0, best_similarity=0.9)
    return iter(AnswerStream(retrieval, models.answerer(None), ()))  # type: ignore[arg-type]  # no quotes: no embedder


def _bare(client: ollama.Client) -> Iterator[str]:
    prompt = [{"role": one.role, "content": one.text} for one in messages(load("answer"), _QUESTION, _passages(), ())]
    for part in client.chat(_MODEL, prompt, stream=True, options={"num_ctx": 8192}):
        yield part.message.content or ""


def _passages() -> tuple[Passage, ...]:
    return tuple(
        Passage(n, f"{n}.md", Path(f"/{n}.md"), f"Document {n}", 1, None, 1, (), 0, len(_TEXT), _TEXT)
        for n in range(1, 7)
    )


if __name__ == "__main__":
    main()
