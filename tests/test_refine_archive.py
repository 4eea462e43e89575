"The archive that trains the refiner on another machine: it is packed, unpacked, and trains here with small numbers."
import json
import os
import subprocess
import sys
import tarfile

import torch
from safetensors.torch import load_file

import dev

PACK = dev.ROOT/'tests'/'refine'/'pack.py'
FEW = ['--people', '4', '--times', '1', '--layers', '4', '--batch', '2', '--every', '3']


def train(folder, *words):
    env = {k: v for k, v in os.environ.items() if not k.startswith('SWAPKIT_')} | dict(PYTHON=sys.executable)
    return subprocess.run([folder/'run.sh', *words, *FEW], env=env, text=True, check=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def test_archive_trains_and_resumes(tmp_path):
    "From nothing to weights; a second run continues; the weights load as a refiner and are judged."
    from swapkit.nets.tiny import TinyRefine
    from swapkit.refine import REFINERS
    from swapkit.research.judge_refiner import candidate
    subprocess.run([sys.executable, PACK, tmp_path/'a.tar.xz', '--media', '', '--no-wheels', '--fast'], cwd=dev.ROOT,
                   check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(tmp_path/'a.tar.xz') as tar: tar.extractall(tmp_path, filter='data')
    folder = tmp_path/'swapkit-refine'
    names = {p.relative_to(folder).parts[0] for p in folder.rglob('*')}
    assert {'README.txt', 'about.json', 'data', 'project', 'run.sh'} <= names, names
    said = train(folder, '5', '--steps', '4')
    assert 'without a refiner' in said and 'step 4' in said, said
    out = folder/'out'
    record = json.loads((out/'tiny_refine.json').read_text())
    assert [c['steps'] for c in record['courses']] == [4]
    first = load_file(out/'tiny_refine.safetensors')
    assert {k: v.shape for k, v in TinyRefine().state_dict().items()} == {k: v.shape for k, v in first.items()}
    assert all(torch.isfinite(v).all() for v in first.values())
    assert (out/'tiny_refine.jpg').stat().st_size > 1000
    train(folder, '5', '--steps', '2')
    record = json.loads((out/'tiny_refine.json').read_text())
    assert [c['steps'] for c in record['courses']] == [4, 2] and record['courses'][1]['start']
    assert any(not torch.equal(v, first[k]) for k, v in load_file(out/'tiny_refine.safetensors').items())
    name = candidate(out/'tiny_refine.safetensors')
    assert name.startswith('candidate-')
    del REFINERS[name] # other tests of this process see the registry
    assert max(p.stat().st_size for p in out.iterdir()) < 16e6
