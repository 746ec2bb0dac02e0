"""The child process that holds llama.cpp: `python -m anima.models.llama_child`.

It takes one line of JSON on stdin (`gguf`, `context`, `threads`, `key`), answers with one on stdout (`url`, or
`error`), and serves until stdin closes. It knows nothing of Anima, so that a crash of native code costs this process
alone.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

import xllamacpp

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Start, tell where, serve, end with the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        server = xllamacpp.Server(_parameters(json.loads(sys.stdin.readline())))
    except (RuntimeError, ValueError) as error:
        print(json.dumps({"error": str(error)}), file=answer, flush=True)
        os._exit(1)
    print(json.dumps({"url": server.listening_address}), file=answer, flush=True)
    sys.stdin.read()
    os._exit(0)


def _parameters(order: dict[str, Any]) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = order["gguf"]
    parameters.api_keys = [order["key"]]
    parameters.n_ctx = order["context"]
    parameters.n_parallel = 1
    parameters.n_threads_http = 2
    parameters.cpuparams.n_threads = order["threads"]
    parameters.cpuparams_batch.n_threads = order["threads"]
    parameters.sampling.temp = 0.0
    parameters.cache_ram_mib = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.verbosity = 0
    return parameters


if __name__ == "__main__":
    main()
