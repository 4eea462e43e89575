#!/bin/sh
# Train the refiner for so many minutes, on a card if there is one: ./run.sh 10 [further options]
set -e
here=$(cd "$(dirname "$0")" && pwd)
minutes=${1:-10}
[ $# -gt 0 ] && shift
export PYTHONPATH="$here/project:$here/site"
cd "$here"
python=${PYTHON:-python3}
device=$("$python" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')
mkdir -p out
start=
[ -f out/tiny_refine.pt ] && start='--start out/tiny_refine.safetensors'
exec "$python" -m swapkit.research.train.refine data --data data --out out/tiny_refine.safetensors \
    --device "$device" --minutes "$minutes" $start "$@"
