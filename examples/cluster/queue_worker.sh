#!/bin/bash
# A worker of a queue that begins again when it dies: bash queue_worker.sh /films/queue --device cuda
# It ends when the queue is empty or when it is asked to end. Give each card a worker of its own with CUDA_VISIBLE_DEVICES.
set -u
queue=$1; shift
while true; do
    swapkit queue run "$queue" "$@"
    code=$?
    # 0 … 5: the worker ended by itself, and the code is that of the worst job; 129, 130, 143: it was asked to end
    case $code in 0|1|2|3|4|5|129|130|143) exit $code ;; esac
    echo "the worker ended with $code and begins again" >&2
    sleep 5
done
