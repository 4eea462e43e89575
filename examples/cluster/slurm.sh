#!/bin/bash
# A film in parts with Slurm. From a login node: bash slurm.sh job.toml 8
# It submits three jobs: the first pass, an array of 8 parts, and the join. Each begins when the one before has ended.
set -eu
job=$1 parts=${2:-4} step=${3:-submit}

case $step in
submit)
    first=$(sbatch --parsable --job-name=swapkit-analyze "$0" "$job" "$parts" analyze)
    array=$(sbatch --parsable --job-name=swapkit-render --dependency="afterok:$first" --array="1-$parts" \
        --gpus-per-task=1 "$0" "$job" "$parts" render)
    sbatch --parsable --job-name=swapkit-join --dependency="afterok:$array" "$0" "$job" "$parts" join ;;
analyze) swapkit analyze "$job" --no-sheet --overwrite ;;
render) swapkit render "$job" --segments "$SLURM_ARRAY_TASK_ID/$parts" ;;
join) swapkit join "$job" ;;
esac
