"""Everything runs on a GPU: tested on a pretend one, which any machine has. `device_run.py` is the run itself."""

import os
import subprocess
import sys
from pathlib import Path

import dev

HERE = Path(__file__).parent

FAULTS = """
import sys
sys.path[:0] = [sys.argv[1]]
import pretend_device as card
card.install()
import numpy as np
import torch
import torch.nn.functional as nnf

def refused(f):
    try: f()
    except (RuntimeError, TypeError) as e: return str(e)
    raise AssertionError('not refused')

def counted(kind, f):
    card.reset(); f()
    return card.COUNT[kind]

far, other, host = torch.ones(3, device='cuda'), torch.ones(3, device='cuda:1'), torch.ones(3)
# places that must not meet; the first is the fault that stopped 0.5.0 at its first frame on a GPU
assert 'same device' in refused(lambda: torch.full((3,), 192.)/far)
assert 'same device' in refused(lambda: torch.cat([host, far]))         # tracking of faces on a card in 0.5.0
assert 'cuda:0 and cuda:1' in refused(lambda: far+other)
assert 'numpy' in refused(far.numpy) and 'numpy' in refused(lambda: np.asarray(far))
assert 'ordinal' in refused(lambda: host.to('cuda:2'))
# host waits: reads of values and of sizes that only the card knows
for f in (lambda: float(far.sum()), lambda: bool((far>0).any()), far.tolist, far.nonzero, lambda: far[far>0],
          far.unique, lambda: far.masked_select(far>0), lambda: torch.linalg.svd(torch.eye(3, device='cuda'))):
    assert counted('read', f)==1 and card.COUNT['waits']==1, f
# copies, with and without a wait
for f in (lambda: host.to('cuda'), lambda: host.cuda(), lambda: torch.tensor([1.], device='cuda'),
          lambda: far.new_tensor([1.]), lambda: far[[0,2]], lambda: far.copy_(host),
          lambda: host.pin_memory().to('cuda')):
    assert counted('upload', f)==1 and (card.COUNT['copies'], card.COUNT['waits'])==(1, 1), f
assert counted('download', far.cpu)==1 and card.COUNT['copies']==1
assert counted('waits', lambda: host.pin_memory().to('cuda', non_blocking=True))==0 and card.COUNT['copies']==1
assert counted('bytes', lambda: host.to('cuda'))==12
assert counted('operations', lambda: (far*2).view(3,1).sum())==2 and card.COUNT['views']==1
# shapes of networks
net = torch.nn.Conv2d(3, 1, 1).to('cuda')
card.reset()
for n in (1, 2, 2): net(torch.ones(n, 3, 4, 4, device='cuda'))
assert [len(s) for s in card.SHAPES.values()]==[2]
# a kernel that cannot index its result: the batch is halved, down to one frame
from swapkit.messages import collect_messages
from swapkit.runtime import run_in_halves
from swapkit.types import Frames
import dataclasses
frames = Frames(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.arange(4), torch.arange(4)).to('cuda')
def large(f, *_):
    more = nnf.interpolate(f.data.float(), scale_factor=2., mode='bilinear')
    return dataclasses.replace(f, data=more.to(torch.uint8))
whole = large(frames).data
card.INDEX_LIMIT = whole.numel()//2
assert 'INT_MAX' in refused(lambda: large(frames))
with collect_messages() as said: halves = run_in_halves(large, frames).data
assert bool((halves==whole).all()) and len(said)==3
print('all caught')
"""

PLANTED = """
import sys, tempfile
sys.path[:0] = [sys.argv[1]]
import device_run as run
import torch
from unittest import mock
from swapkit import compositor

folder = tempfile.mkdtemp()
film = run.write_film(folder+'/film.mp4', parts=(0, 2))
with run.exact_cpu(): run.analyze(film, folder+'/cpu.faces', device='cpu', batch=6, **run.NETS)
expected = run.reference(film, folder, crop=256)

def planted(what, fault):
    with mock.patch.object(compositor, what, fault(getattr(compositor, what))):
        return run.on_device(what, film, folder, expected, crop=256)

assert not run.on_device('as it is', film, folder, expected, crop=256).words
# a constant on the wrong side
try: planted('block_mean', lambda f: lambda x, n: f(x, n)*torch.ones(1, 1, 1, 8)[...,:1])
except RuntimeError as e: assert 'same device' in str(e)
else: raise AssertionError('mixed devices were not seen')
# numbers read for each face
row = planted('paste', lambda f: lambda *a, **k: ([float(x) for x in a[2].amax((1,2,3))], f(*a, **k))[1])
assert row.each('waits')>run.LIMITS['host waits a batch, built-in'], row
# a constant uploaded for each face
ones = lambda m: torch.cat([m.new_tensor([1.]) for _ in m]).view(-1,1,1,1)
row = planted('paste', lambda f: lambda fr, c, m, *a, **k: f(fr, c, m*ones(m), *a, **k))
assert row.each('copies')>run.LIMITS['copies a batch'], row
# a mask that is too weak on a device only
row = planted('paste', lambda f: lambda fr, c, m, *a, **k: f(fr, c, m*.9 if m.is_cuda else m, *a, **k))
assert 'differs from the CPU' in row.words, row
print('all caught')
"""


def run(words, *args):
    env = {**os.environ, "SWAPKIT_MODELS": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *words, *args], cwd=str(dev.ROOT), env=env, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_pretend_device_catches_each_kind_of_fault():
    code, out, error = run(["-c", FAULTS, str(HERE)])
    assert code == 0 and out.endswith("all caught\n"), error[-3000:]


def test_everything_runs_on_a_device_within_the_limits():
    code, out, error = run([str(HERE / "device_run.py")])
    assert code == 0, out[-5000:] + error[-2000:]
    last = out.splitlines()[-1]
    assert last.startswith("totals: 29 rows, 0 with mixed devices") and last.endswith("0 faults"), last


def test_faults_planted_in_swapkit_are_found():
    code, out, error = run(["-c", PLANTED, str(HERE)])
    assert code == 0 and out.endswith("all caught\n"), out[-3000:] + error[-3000:]
