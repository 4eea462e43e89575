"""The archive that measures swapkit on another machine's card: it is packed, unpacked and run here, on the CPU.

The run of all parts takes minutes: `SWAPKIT_TEST_FLAGS=slow python3 dev.py test tests/test_gpu_archive.py`."""
import json
import os
import shutil
import subprocess
import sys
import tarfile

import pytest

import dev

GPU = dev.ROOT/'tests'/'gpu'
slow = pytest.mark.skipif(
    'slow' not in os.environ.get('SWAPKIT_TEST_FLAGS', '').split(), reason='slow: SWAPKIT_TEST_FLAGS does not name it'
)


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    "The folder that a user gets, without packages: this environment has them."
    folder = tmp_path_factory.mktemp('archive')
    subprocess.run([sys.executable, GPU/'pack.py', folder/'a.tar.xz', '--no-wheels', '--fast', '--frames', '4'],
                   cwd=dev.ROOT, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(folder/'a.tar.xz') as tar: tar.extractall(folder, filter='data')
    return folder/'swapkit-gpu'


@pytest.fixture
def gpu(monkeypatch):
    "The modules of the archive that need only the standard library."
    monkeypatch.syspath_prepend(str(GPU))
    import pack
    import plan
    import report
    return dict(pack=pack, plan=plan, report=report)


def measure(archive, out, *words):
    done = subprocess.run([sys.executable, archive/'run.py', *words, '--device', 'cpu', '--size', 'tiny', '--out', out],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    assert done.returncode in (0, 1), done.stdout
    return json.loads((out/'report.json').read_text()), (out/'report.txt').read_text(), done


def test_some_parts_run(archive, tmp_path):
    "Rows, the verdicts and the page of a run on the CPU."
    some = 'built-in chain', 'first pass equals', 'thrown', 'in a job', 'copies to'
    got, page, done = measure(archive, tmp_path, '12', '--only', *some)
    parts, bars = got['parts'], {b['what']: b for b in got['bars']}
    assert done.returncode == 0, done.stdout
    assert set(parts) == {'machine', 'built-in chain equals the CPU', 'first pass equals the CPU',
                          'built-in chain, stages', 'second pass, frames thrown away',
                          'launches, waits and copies in a job', 'copies to the card and back'}
    assert got['machine']['cores'] and got['machine']['card'] == 'none'
    assert got['machine']['swapkit'] == got['about']['version'] == dev.settings()['version']
    same = parts['built-in chain equals the CPU']['rows']
    assert same['two faces a frame']['largest'] == 0 == same['changing numbers of faces']['largest']
    assert same['batch against one by one']['largest'] <= 1
    faces = parts['first pass equals the CPU']['rows']
    assert faces['faces']['card'] == faces['faces']['cpu'] > 0 == faces['largest distance, pixels']['landmarks']
    stages = parts['built-in chain, stages']['rows']
    assert list(stages) == ['batch 2', 'batch 1']
    assert {'align', 'swap', 'masks', 'paste', 'chain'} <= set(stages['batch 1'])
    away = parts['second pass, frames thrown away']['rows']
    assert away['built-in']['second pass'] > 0 and away['neural']['of the chain'] > 0
    in_job = parts['launches, waits and copies in a job']['rows']['built-in, batch 1, in a job']
    assert in_job['operations'] > 0 == in_job['launches']   # of one batch, on a machine without a card
    assert parts['copies to the card and back'] | dict(seconds=0) == dict(
        rows={}, status='not measured', why='needs a card', seconds=0)
    assert bars['built-in chain, batch 1']['measured'] == stages['batch 1']['chain']
    assert {b['verdict'] for b in got['bars']} == {'no verdict', 'not measured'}
    assert 'A trial without a card' in page and 'built-in chain, batch 1 ' in page
    assert 'copies to the card and back: not measured: needs a card' in page
    assert 'whole jobs, and ffmpeg alone: not begun' in page
    assert max(len(line) for line in page.splitlines()) < 140


@slow
def test_all_parts_run(archive, tmp_path):
    "Every part either measures something or needs a card, and every bar has a figure that a part reports."
    got, page, done = measure(archive, tmp_path, '14')
    assert done.returncode == 0, done.stdout
    for name, part in got['parts'].items():
        assert part['status'] == 'measured' or 'card' in part['why'], (name, part)
    missing = [b['what'] for b in got['bars'] if b['measured'] is None]
    assert missing == [b['what'] for b in got['bars'] if 'batch' in b['what'] and 'batch 1' != b['what'][-7:]]
    rows = got['parts']['tests of the pages that need a card']['rows']
    assert rows and all(r['passed'] for r in rows.values())


FAKE_PLAN = """
from typing import NamedTuple
class Part(NamedTuple):
    name: str; function: str; limit: int; least: int = 0; fresh: bool = False
PARTS = [Part('good', 'fake.good', 9), Part('slow', 'fake.slow', 9), Part('short', 'fake.good', 1),
         Part('hangs', 'fake.hangs', 1), Part('fails', 'fake.fails', 9),
         Part('dies', 'fake.dies', 9), Part('no card', 'fake.skips', 9), Part('broken card', 'fake.breaks', 9),
         Part('after', 'fake.good', 9), Part('new', 'fake.good', 9, fresh=True), Part('long', 'fake.good', 9, 999)]
BARS = []
"""
FAKE_PARTS = """
import os, time
from common import NotMeasured
def good(run): run.row('process', id=os.getpid())
def slow(run):
    import gc
    gc.collect = lambda: time.sleep(.3)     # between this part and the next
    time.sleep(1.5)
def hangs(run): run.row('begun', n=1); time.sleep(60)
def fails(run): raise ValueError('two\\nlines')
def dies(run): os._exit(7)
def skips(run): raise NotMeasured('needs a card')
def breaks(run): raise RuntimeError('CUDA error: an illegal memory access')
"""
FAKE_RUN = """
import json, os, sys
from pathlib import Path
from plan import PARTS
from run import Measurement
folder = Path(sys.argv[1])
task = dict(device='cuda', size='tiny', minutes=1, folder=str(folder), archive=str(folder))
print(json.dumps(Measurement(PARTS, task, dict(os.environ), folder, 40, lambda found: None).run()), file=sys.stderr)
"""


def test_a_part_that_fails_stops_no_other(tmp_path):
    for name in ('run.py', 'worker.py', 'common.py', 'report.py'): shutil.copy(GPU/name, tmp_path)
    for name, text in dict(plan=FAKE_PLAN, fake=FAKE_PARTS, start=FAKE_RUN).items():
        (tmp_path/f'{name}.py').write_text(text)
    done = subprocess.run([sys.executable, tmp_path/'start.py', tmp_path], capture_output=True, text=True, timeout=120)
    got = json.loads(done.stderr.splitlines()[-1])
    said = {k: (v['status'], v.get('why', '').split(' after ')[0]) for k, v in got.items()}
    assert said == {
        'good': ('measured', ''), 'slow': ('measured', ''), 'short': ('measured', ''),
        'hangs': ('partly measured; not measured', 'stopped'),
        'fails': ('failed', 'ValueError: two lines'), 'dies': ('failed', 'its process ended with code 7; see log.txt'),
        'no card': ('not measured', 'needs a card'),
        'broken card': ('failed', 'RuntimeError: CUDA error: an illegal memory access'),
        'after': ('measured', ''), 'new': ('measured', ''), 'long': ('not measured', said['long'][1]),
    }
    assert 'were left' in said['long'][1]
    ids = [got[k]['rows']['process']['id'] for k in ('good', 'after', 'new')]
    assert len(set(ids)) == 3   # after the broken card, and for a part that wants it, there is a new process


def test_verdicts(gpu):
    rows = {'neural chain, stages': {'batch 32': dict(chain=5.), 'batch 8': dict(chain=3.)},
            'neural chain, compiled': {'batch 32': dict(chain=2.5)},
            'whole jobs, and ffmpeg alone': {'ffmpeg alone': {'frames/s': 200.},
                                             'neural': {'second pass': 180., 'whole': 140.}}}
    parts = {k: dict(rows=v) for k, v in rows.items()}
    found = dict(parts=parts, device='cuda', size='full')
    bars = {b['what']: (b['measured'], b['verdict']) for b in gpu['report'].judge(found)}
    assert bars['SimSwap + BiSeNet + GFPGAN chain, batch 32'] == (2.5, 'pass')     # compiled before eager
    assert bars['SimSwap + BiSeNet + GFPGAN chain, batch 8'] == (3., 'pass')
    assert bars['SimSwap + BiSeNet + GFPGAN chain, batch 1'] == (None, 'not measured')
    assert bars["second pass, x264 veryfast, to ffmpeg's decode and encode: neural"] == (.9, 'FAIL')
    assert bars["whole job, to ffmpeg's decode and encode: neural"] == (.7, 'pass')
    assert len(bars) == 13 == len(gpu['plan'].BARS)


def test_the_site_shows_a_report(monkeypatch):
    "A report that is kept as results/gpu.json has charts, a result and tables."
    monkeypatch.syspath_prepend(str(dev.ROOT/'docs'))
    import benchmarks
    job = {'first pass': 400., 'second pass': 160., 'whole': 110.}
    rows = {
        'neural chain, stages': {'batch 32': dict(chain=4.9), 'bf16, batch 32': dict(chain=5.)},
        'neural chain, compiled': {'batch 32': dict(chain=2.5)}, 'memory of the card': {},
        'whole jobs, and ffmpeg alone': {'neural': job, 'reader alone': {'frames/s': 280.},
                                         'ffmpeg alone': {'frames/s': 176.}},
    }
    machine = dict(card='NVIDIA H100', cores=16, swapkit='0.8.0')
    data = dict(command='python run.py', about=dict(packages=['a']), machine=machine,
                parts={k: dict(rows=v) for k, v in rows.items()})
    text = benchmarks.benchmark_page('gpu', data, set())
    assert '110 to 110 frames per second from file to file on one NVIDIA H100' in text
    assert text.count('<rect') >= 5 and '**whole jobs, and ffmpeg alone**' in text and 'NVIDIA H100 · 16 cores' in text


def test_every_part_is_a_function(gpu):
    for part in gpu['plan'].PARTS:
        module, name = part.function.split('.')
        assert f'\ndef {name}(run):' in (GPU/f'{module}.py').read_text(), part
    names = [p.name for p in gpu['plan'].PARTS]
    assert len(set(names)) == len(names)
    assert {w[0] for b in gpu['plan'].BARS for w in (*b.rows, *[b.over]*bool(b.over))} <= set(names)


def test_cells_for_a_card(gpu, tmp_path, monkeypatch):
    "A page's cells as a program: what is flagged otherwise is left out, the others come in order."
    def page(*sources):
        path = tmp_path/'a.ipynb'
        path.write_text(json.dumps(dict(cells=[dict(cell_type='code', source=s) for s in sources])))
        return path
    script_of = gpu['pack'].script_of
    assert script_of(page('x = 1')) == ''
    text = script_of(page('x = 1', '#| slow\nx = 2', '#| gpu\ny = """a\nb"""+str(x)',
                          '#| hide\nimport nbdev; nbdev.nbdev_export()'))
    assert 'x = 2' not in text and 'nbdev' not in text
    for card, want in (('1', 'a\nb1'), ('', None)):
        monkeypatch.setenv('SWAPKIT_CARD', card)
        names = {}
        exec(compile(text, 'page', 'exec'), names)
        assert names.get('y') == want and names['x'] == 1
    with pytest.raises(ValueError, match='Jupyter'): script_of(page('%matplotlib inline', '#| gpu\n1'))


def test_packages_are_pinned(gpu):
    "Every package of the archive has the version that swapkit is tested with, or is needed by one that has."
    known = set(gpu['pack'].pins()) & set(gpu['pack'].WHEELS)
    assert {'av', 'c2pa-python', 'cryptography', 'ffmpeg-python', 'gfpgan', 'kornia'} <= known
