"""Pack everything that measuring on another machine's card needs: `python3 dev.py gpu-pack OUT.tar.xz`.

The project, two short films of people who do not exist, the cells of the notebooks that need a card, and the packages
that a machine with PyTorch lacks. README.txt, which goes with it, says how it is used."""

import argparse
import configparser
import hashlib
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
import dev

MOST = 60_000_000       # bytes of the archive
# Beside PyTorch, OpenCV, onnxruntime and so on, which the machine has. The versions are those of constraints.txt; older
# Pythons and systems want others, which pip chooses.
WHEELS = ['av', 'c2pa-python', 'cryptography', 'cffi', 'pycparser', 'fastcore', 'ffmpeg-python', 'future', 'gfpgan',
          'kornia', 'platformdirs']
FFMPEG = 'imageio-ffmpeg==0.4.9'    # the last one whose ffmpeg is small
LEFT_OUT = re.compile(r'\.(rlib|d|pyi|pxd|pyx|h|c)$|(^|/)(tests?|include)/|^(libfuturize|libpasteurize)/|RECORD$')
PLATFORMS = ['manylinux_2_28_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux2010_x86_64',
             'manylinux1_x86_64']
# What stands in for packages of which swapkit needs one name only, or whose files are not opened here.
IN_PLACE = {
    'imageio_ffmpeg/__init__.py': 'from pathlib import Path\n\n\n'
                                  "def get_ffmpeg_exe(): return str(Path(__file__).with_name('ffmpeg'))\n",
    'kornia_rs/__init__.py': 'io = None     # kornia reads no files here\n',
}
NOT_RUN = {'weights', 'golden', 'slow', 'gpu', 'eval', 'notest'}
PROGRAMS = 'run.py worker.py plan.py report.py common.py equality.py chains.py films.py'.split()


# Cells run here without Jupyter, and whether there is a card, the one who starts them says.
HEAD = """import os
import swapkit.show
CARD, display = bool(os.environ.get('SWAPKIT_CARD')), print
swapkit.show.use_jpeg = lambda *args, **kw: None"""


# --- cells ------------------------------------------------------------------------------------------------------------

def script_of(path):
    "A notebook that has cells for a card as a program; '' for another. The other flagged cells are left out."
    flagged = [(set(dev.directives(c)), dev.source(c)) for c in dev.cells(path) if c['cell_type'] == 'code']
    if not any('gpu' in d for d, _ in flagged): return ''
    out = [f'# {path.name}: its cells as a program', HEAD]
    for flags, text in flagged:
        if 'nbdev_export' in text or not text.strip(): continue
        if re.search(r'^\s*[%!]', text, re.M): raise ValueError(f'{path.name}: a cell with a command of Jupyter')
        if 'gpu' in flags and not flags & (NOT_RUN - {'gpu'}): out.append(f'if CARD:\n{indented(text)}')
        elif not flags & NOT_RUN: out.append(text)
    return '\n\n'.join(out) + '\n'


def indented(text):
    "A cell as a block. What stands in strings of several lines must not be moved, so the cell is kept as one text."
    return f'    exec(compile({text!r}, "cell for a card", "exec"), globals())'


# --- packages ---------------------------------------------------------------------------------------------------------

def pins():
    "Package → its version in constraints.txt, for Linux."
    lines = (ROOT/'constraints.txt').read_text(encoding='utf-8').splitlines()
    found = [re.match(r'([\w.-]+)==([\w.+]+)\s*(;.*)?$', line) for line in lines]
    return {m[1]: m[2] for m in found if m and not (m[3] and '== "win32"' in m[3])}


def download(folder, python, packages=(*WHEELS, FFMPEG)):
    "Fetch the wheels for another machine."
    known = pins()
    wanted = [f'{w}=={known[w]}' if w in known else w for w in packages]
    words = ['--python-version', python, '--only-binary=:all:', '--no-deps', '-q', '-d', folder]
    for p in PLATFORMS: words += ['--platform', p]
    subprocess.run([sys.executable, '-m', 'pip', 'download', '--disable-pip-version-check', *words, *wanted],
                   check=True)
    return sorted(Path(folder).glob('*.whl'))


def files_of(wheel):
    "Name → (bytes, whether it is a program) of what a wheel brings, without what only building and testing needs."
    found = {}
    with zipfile.ZipFile(wheel) as z:
        for name in z.namelist():
            if name.endswith('/') or LEFT_OUT.search(name): continue
            if name.startswith('imageio_ffmpeg/'):
                if '/binaries/ffmpeg-' in name: found['imageio_ffmpeg/ffmpeg'] = z.read(name), True
            else: found[name] = z.read(name), False
    return found


# --- the archive ------------------------------------------------------------------------------------------------------

def commit():
    "The commit that is packed, with a plus where files differ from it."
    try: git = lambda *w: subprocess.check_output(['git', *w], cwd=ROOT, text=True, stderr=subprocess.DEVNULL).strip()
    except OSError: return ''
    try: return git('rev-parse', '--short=12', 'HEAD') + '+'*bool(git('status', '--porcelain', '--', 'swapkit'))
    except (OSError, subprocess.CalledProcessError): return ''


def project(training=False):
    "Name → bytes of the package's files."
    root = ROOT/'swapkit'
    some = [p for p in sorted(root.rglob('*')) if p.is_file() and '__pycache__' not in p.parts]
    if not training: some = [p for p in some if 'train' not in p.relative_to(root).parts]
    return {f'project/swapkit/{p.relative_to(root).as_posix()}': p.read_bytes() for p in some}


def clips(folder, frames):
    "Two films of a sample person: 1080p, and 512 x 512."
    from swapkit.apps.samples import sample_film
    from swapkit.video.encode import SegmentWriter
    made = {}
    for name, size in (('people_1080p', (1080, 1920)), ('people_512', (512, 512))):
        path = Path(folder)/f'{name}.mp4'
        with SegmentWriter(path, size, 24, crf=20, preset='slow') as w:
            for i in range(0, frames, 8): w.write(sample_film(range(i, min(i+8, frames)), ('ada',), size)[0].data)
        made[f'clips/{path.name}'] = path.read_bytes()
    return made


def write(out, files, fast, top='swapkit-gpu'):
    "Write files as one archive, packed with xz; machine code is filtered first, which makes it smaller."
    best = dict(id=lzma.FILTER_LZMA2, preset=9 | lzma.PRESET_EXTREME, dict_size=1 << 26)
    filters = [dict(id=lzma.FILTER_LZMA2, preset=0)] if fast else [dict(id=lzma.FILTER_X86), best]
    with lzma.open(out, 'wb', filters=filters) as packed, tarfile.open(fileobj=packed, mode='w') as tar:
        for name, (data, program) in files.items():
            entry = tarfile.TarInfo(f'{top}/{name}')
            entry.size, entry.mode = len(data), 0o755 if program else 0o644
            tar.addfile(entry, io.BytesIO(data))


def pack(out, python='3.12', wheels=True, frames=72, fast=False):
    "Make the archive; raises `SystemExit` if it is larger than `MOST`."
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT/'settings.ini', encoding='utf-8')
    about = dict(version=settings['DEFAULT']['version'], commit=commit(), python=python if wheels else '', packages=[])
    files = {name: ((HERE/name).read_bytes(), False) for name in PROGRAMS}
    files |= {name: (data, False) for name, data in project().items()}
    for path in dev.notebooks():
        name = path.relative_to(ROOT/'nbs').with_suffix('').as_posix().replace('/', '.')
        if text := script_of(path): files[f'cells/{name}.py'] = text.encode(), False
    with tempfile.TemporaryDirectory() as d:
        files |= {name: (data, False) for name, data in clips(d, frames).items()}
        if wheels:
            got = download(d, python)
            about['packages'] = [f'{w.name} {hashlib.sha256(w.read_bytes()).hexdigest()}' for w in got]
            for w in got: files |= {f'site/{n}': v for n, v in files_of(w).items()}
            files |= {f'site/{n}': (text.encode(), False) for n, text in IN_PLACE.items()}
    readme = (HERE/'README.txt').read_text(encoding='utf-8').replace('{python}', about['python'] or '3.11 or newer')
    files |= {'README.txt': (readme.encode(), False), 'about.json': (json.dumps(about, indent=1).encode(), False)}
    write(out, files, fast)
    return Path(out).stat().st_size


def main(argv=None):
    p = argparse.ArgumentParser(prog='dev.py gpu-pack', description=__doc__.split('\n')[0])
    p.add_argument('out', help='the archive to write, such as swapkit-gpu.tar.xz')
    p.add_argument('--python', default='3.12', help='Python of the other machine (3.12)')
    p.add_argument('--no-wheels', action='store_true', help='without packages: for a machine where swapkit runs')
    p.add_argument('--frames', type=int, default=72, help='of each film (72)')
    p.add_argument('--fast', action='store_true', help='pack quickly; the archive gets larger')
    a = p.parse_args(argv)
    print('packing; with the packages it takes some minutes', flush=True)
    size = pack(a.out, a.python, not a.no_wheels, a.frames, a.fast)
    print(f'{a.out}: {size/1e6:.1f} MB. On the machine with the card:')
    print(f'  python3 -m tarfile -e {Path(a.out).name} . && python3 swapkit-gpu/run.py')
    if size > MOST and not a.fast:
        print(f'dev.py: that is more than {MOST/1e6:.0f} MB', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__': sys.exit(main())
