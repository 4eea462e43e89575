"""How long a job takes on a CPU, and its peak memory, with the code of this checkout and with that of an older one, in
turns; as JSON.

    python tests/overlap_speed.py FILM PHOTO OLD_CHECKOUT [SECONDS] [ROUNDS] > results/overlap.json

The film is repeated to SECONDS, 20 by default, so that it has several segments."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from swapkit.apps.bench_tools import machine_info, repeat_film
from swapkit.video.probe import video_info

HERE = Path(__file__).resolve().parents[1]
JOB = """
import json, resource, sys, time
from swapkit.pipeline import swap_video
from swapkit.runtime import tune_allocator
tune_allocator() # as the command line does
at, target, photo, out = {}, *sys.argv[1:]
t = time.perf_counter()
tell = lambda n, total, what: at.update({what: time.perf_counter()-t})
swap_video(target, photo, out, crf=18, preset='veryfast', device='cpu', overwrite=True, progress=tell)
whole = time.perf_counter()-t
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps(dict(whole=whole, first_pass=at['analyze'], second_pass=whole-at['analyze'],
                      cpu=sum(u.ru_utime+u.ru_stime for u in used), peak_MB=used[0].ru_maxrss/1024)))
"""


def run(tree, *words):
    done = subprocess.run([sys.executable, '-c', JOB, *map(str, words)], capture_output=True, text=True, cwd=tree,
                          env={**os.environ, 'PYTHONPATH': str(tree)})
    if done.returncode: raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(film, photo, before, seconds=20., rounds=3):
    trees, took = dict(before=Path(before).resolve(), after=HERE), dict(before=[], after=[])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, 'film.mp4')
        repeat_film(film, target, seconds)
        frames = len(video_info(target))
        for i in range(rounds):
            for k in list(trees)[::-1 if i%2 else 1]: # each is first as often as the other
                took[k].append(run(trees[k], target, Path(photo).resolve(), Path(folder, 'out.mp4')))
                print(k, took[k][-1], file=sys.stderr)
    ratio = lambda name: round(median(a[name]/b[name] for a,b in zip(took['after'], took['before'])), 3)
    return dict(film=Path(film).name, frames=frames, after_to_before={k: ratio(k) for k in took['after'][0]},
                rounds={k: [{n: round(v, 1) for n,v in r.items()} for r in rs] for k,rs in took.items()})


if __name__=='__main__':
    film, photo, before, *more = sys.argv[1:]
    row = measure(film, photo, before, *(kind(x) for kind,x in zip((float, int), more)))
    words = ['python', 'tests/overlap_speed.py', Path(film).name, Path(photo).name, Path(before).name, *more]
    print(json.dumps(dict(command=' '.join(words), machine=machine_info(), rows=[row]), indent=1))
