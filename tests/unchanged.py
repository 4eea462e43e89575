"""Hash the decoded pictures of five films and ten photos, to show that a change of the code changed no pixel.

    SWAPKIT_MEDIA=... python tests/unchanged.py before.json      with the old package on the path
    SWAPKIT_MEDIA=... python tests/unchanged.py after.json       with the new one
    python tests/unchanged.py before.json after.json             compare: exit code 1 where a hash differs

Each job runs as a command of its own: `swapkit swap …`. The built-in swapper
runs on the first seconds of each film. The neural chain (SimSwap, BiSeNet, GFPGAN) runs with stand-in weights on a
few frames."""
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MESH = ['--swapper', 'mesh']
NEURAL = ['--swapper', 'simswap_256', '--restore', 'gfpgan_1.4', '--parser', 'bisenet_19', '--occluder', 'none']
FILMS = {
    'talking_512.mp4': 2,
    'interview_1080p.mp4': 1,
    'selfie_720x1280.mp4': 1.5,
    'sign_eat_480p.mkv': 2,
    'stage_360p.mp4': 3,
}
STARTS = {'stage_360p.mp4': .852} # seconds; until 0.5.1 `--end` counted from 0, now from the film's first frame
PHOTOS = [
    'female_12',
    'female_24',
    'female_30',
    'female_61',
    'female_93',
    'male_08',
    'male_26',
    'male_44',
    'male_75',
    'male_91',
]


def hash_of(path):
    "SHA-256 of every decoded sample of a film or a picture."
    digest = hashlib.sha256()
    if path.suffix == '.png':
        import cv2
        digest.update(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).tobytes())
    else:
        import av
        with av.open(str(path)) as film:
            for frame in film.decode(video=0): digest.update(f'{frame.pts} '.encode() + frame.to_ndarray().tobytes())
    return digest.hexdigest()


def jobs(media, from_first):
    "Yield (name, target, arguments) of each job; `from_first`: times count from a film's first frame."
    source = str(media/'people'/'male_10.jpg')
    for film, seconds in FILMS.items():
        target = str(media/'video'/film)
        late = STARTS.get(film, 0) * from_first
        yield f'{film} mesh', target, [*MESH, '--source', source, '--end', f'{seconds-late:.3f}', '--faces', 'all']
        start = ['--start', '1', '--end', '1.2'] if film not in STARTS else ['--end', f'{1.1-late:.3f}']
        yield f'{film} neural', target, [*NEURAL, '--source', source, *start]
    for k, name in enumerate(PHOTOS):
        target, by = str(media/'people'/f'{name}.jpg'), str(media/'people'/f'{PHOTOS[k-3]}.jpg')
        yield f'{name} mesh', target, [*MESH, '--source', by, '--enhance', 'none']
        yield f'{name} neural', target, [*NEURAL, '--source', by]


def measure(out, only=''):
    media = Path(os.environ['SWAPKIT_MEDIA'])
    new = importlib.util.find_spec('swapkit.apps') is not None
    package = 'apps' if new else 'tools'
    cli = [sys.executable, '-c', f'from swapkit.{package}.cli import main; main()']
    made = json.loads(Path(out).read_text()) if Path(out).exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, target, args in jobs(media, new):
            if name in made or only not in name: continue
            result = Path(folder)/f'{len(made)}{".png" if target.endswith(".jpg") else ".mp4"}'
            env = {**os.environ, 'SWAPKIT_STAND_INS': 'all' if 'neural' in name else ''}
            began = time.time()
            done = subprocess.run(
                [*cli, 'swap', target, *args, '--out', str(result)], env=env, capture_output=True, text=True
            )
            if done.returncode: made[name] = f'exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}'
            else: made[name] = hash_of(result)
            print(f'{time.time()-began:6.1f} s  {name}  {made[name][:80]}', flush=True)
            Path(out).write_text(json.dumps(made, indent=1))


def compare(before, after):
    a, b = (json.loads(Path(p).read_text()) for p in (before, after))
    differ = [k for k in a if a[k] != b.get(k)]
    for k in differ: print(f'differs: {k}: {a[k][:60]} … {b.get(k, "not there")[:60]}')
    print(f'{len(a)-len(differ)} of {len(a)} results are identical')
    return int(bool(differ) or any(len(v) != 64 for v in a.values()))


if __name__ == '__main__':
    files = [a for a in sys.argv[1:] if a.endswith('.json')]
    if len(files) == 2: sys.exit(compare(*files))
    measure(files[0], *[a for a in sys.argv[1:] if not a.endswith('.json')])
