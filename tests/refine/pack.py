"""Pack everything that training the refiner on another machine needs: `python3 dev.py refine-pack OUT.tar.xz`.

The project, portraits of people who do not exist with their landmarks, pictures without faces, and the packages that a
machine with PyTorch lacks. README.txt, which goes with it, says how it is used."""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent/'gpu'), str(HERE.parents[1])]
import pack as gpu_pack

MOST = 60_000_000       # bytes of the archive
TOP = 'swapkit-refine'
WHEELS = ['av', 'kornia', 'platformdirs']   # the machine has NumPy, OpenCV, onnxruntime and so on beside PyTorch
IN_PLACE = {k: v for k, v in gpu_pack.IN_PLACE.items() if k.startswith('kornia_rs/')}
GROUND = 256            # pixels of a picture without a face


def sample_data(folder):
    "The sample people as portraits: enough to try the archive, not to train."
    import torch
    from safetensors.torch import save_file

    from swapkit.apps.samples import load_person, sample_people
    from swapkit.face.align import align
    from swapkit.research.train.pairs import pack_portraits, SIDE
    names = sample_people()
    crops = [align(*load_person(n), size=SIDE) for n in names]
    as_bytes = [(c.data[0]*255).round().byte() for c in crops]
    for part in ('learn', 'choose'):
        found = pack_portraits(as_bytes, [c.lms[0] for c in crops], [f'people/{n}.jpg' for n in names])
        save_file(found, str(Path(folder)/f'portraits_{part}.safetensors'))
    return torch.stack(as_bytes)


def draw_grounds(folder, n=48):
    "Patterns in place of pictures without faces."
    import cv2
    import numpy as np
    (Path(folder)/'background').mkdir()
    for k in range(n):
        few = (np.random.default_rng(k).random((8, 8, 3))*255).astype(np.uint8)
        cv2.imwrite(str(Path(folder)/'background'/f'{k:03d}.jpg'), cv2.resize(few, (GROUND, GROUND)))


def media_data(folder, media):
    "All portraits that may be learned from, those for choosing, and the pictures without faces."
    import cv2
    from safetensors.torch import save_file

    from swapkit.research.train.pairs import collect_portraits
    from swapkit.research.train.parse import list_portraits
    for part in ('learn', 'choose'):
        found = collect_portraits(media, list_portraits(media, part), quality=90)
        save_file(found, str(Path(folder)/f'portraits_{part}.safetensors'))
    (Path(folder)/'background').mkdir()
    for f in sorted((Path(media)/'background').glob('*.jpg')):
        small = cv2.resize(cv2.imread(str(f)), (GROUND, GROUND), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(Path(folder)/'background'/f.name), small, [cv2.IMWRITE_JPEG_QUALITY, 85])


def pack(out, media, python='3.12', wheels=True, fast=False, start=''):
    "Make the archive; its size in bytes."
    files = {name: ((HERE/name).read_bytes(), name.endswith('.sh')) for name in ('run.sh',)}
    files |= {name: (data, False) for name, data in gpu_pack.project(training=True).items()}
    about = dict(commit=gpu_pack.commit(), python=python if wheels else '', packages=[], media=bool(media))
    with tempfile.TemporaryDirectory() as d:
        if media: media_data(d, media)
        else: sample_data(d); draw_grounds(d)
        for p in sorted(Path(d).rglob('*')):
            if p.is_file(): files[f'data/{p.relative_to(d).as_posix()}'] = p.read_bytes(), False
    if start:
        for suffix in ('.json', '.pt'):
            files[f'out/tiny_refine{suffix}'] = Path(start).with_suffix(suffix).read_bytes(), False
    with tempfile.TemporaryDirectory() as d:
        if wheels:
            got = gpu_pack.download(d, python, WHEELS)
            about['packages'] = [f'{w.name} {hashlib.sha256(w.read_bytes()).hexdigest()}' for w in got]
            for w in got: files |= {f'site/{n}': v for n, v in gpu_pack.files_of(w).items()}
            files |= {f'site/{n}': (text.encode(), False) for n, text in IN_PLACE.items()}
    readme = (HERE/'README.txt').read_text(encoding='utf-8').replace('{python}', about['python'] or '3.11 or newer')
    files |= {'README.txt': (readme.encode(), False), 'about.json': (json.dumps(about, indent=1).encode(), False)}
    gpu_pack.write(out, files, fast, TOP)
    return Path(out).stat().st_size


def main(argv=None):
    p = argparse.ArgumentParser(prog='dev.py refine-pack', description=__doc__.split('\n')[0])
    p.add_argument('out', help='the archive to write, such as swapkit-refine.tar.xz')
    p.add_argument('--media', default=os.environ.get('SWAPKIT_MEDIA', ''),
                   help='the folder of media (SWAPKIT_MEDIA); without one, the sample people are packed, for a trial')
    p.add_argument('--python', default='3.12', help='Python of the other machine (3.12)')
    p.add_argument('--start', default='', help='checkpoint to continue with: a .pt file, with its record beside it')
    p.add_argument('--no-wheels', action='store_true', help='without packages: for a machine where swapkit runs')
    p.add_argument('--fast', action='store_true', help='pack quickly; the archive gets larger')
    a = p.parse_args(argv)
    size = pack(a.out, a.media, a.python, not a.no_wheels, a.fast, a.start)
    print(f'{a.out}: {size/1e6:.1f} MB. On the other machine:')
    print(f'  tar xf {Path(a.out).name} && {TOP}/run.sh 10')
    if size > MOST and not a.fast:
        print(f'dev.py: that is more than {MOST/1e6:.0f} MB', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__': sys.exit(main())
