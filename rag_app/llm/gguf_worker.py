"""The process that runs a GGUF model: llama.cpp's own HTTP server. The only xllamacpp import.

One line of JSON comes in through standard input: path, context, key. One goes out when the model is loaded: its
address. The process ends with whoever started it, because its input then does. What llama.cpp logs is for that one too:
it goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

FAILED_EXIT = 3
_BATCH = 256  # tokens of the prompt that are read at a time; it is stopped between two, by default after 2,048
_ERRORS_ONLY = 1  # of llama.cpp's levels of log lines


def main() -> None:
    """Serve one model until standard input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as replies:
        os.dup2(2, 1)  # llama.cpp prints
        request = json.loads(sys.stdin.buffer.readline())
        threading.Thread(target=_end_with_the_other_side, daemon=True).start()
        try:
            server = _serve(**request)
        except (RuntimeError, ValueError) as error:  # it does not say more; the log does
            print(error, file=sys.stderr)
            sys.exit(FAILED_EXIT)
        print(json.dumps({"address": server.listening_address}), file=replies, flush=True)
        threading.Event().wait()


def _serve(path: str, context_tokens: int, key: str) -> Any:
    """llama.cpp's server; it takes the physical cores, and a graphics card where its build knows one."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_ctx = context_tokens
    parameters.n_parallel = 1  # more of them would share the context
    parameters.n_batch = parameters.n_ubatch = _BATCH
    parameters.ctx_shift = False  # it forgets the beginning of the prompt in silence
    parameters.cache_prompt = True
    parameters.cache_ram_mib = 0  # up to 8 GiB of prompts of before otherwise
    parameters.cache_idle_slots = False
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.cors_origins = "null"
    parameters.ui = False
    parameters.endpoint_slots = False  # they show prompts
    parameters.verbosity = _ERRORS_ONLY
    return xllamacpp.Server(parameters)


def _end_with_the_other_side() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # llama.cpp waits for answers under way otherwise


if __name__ == "__main__":
    main()
