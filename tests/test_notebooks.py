"""Every notebook is a test, run by nbdev's own runner with every flag that this machine can serve.

A tier that it cannot serve is an item of its own, skipped with its reason: pytest's summary says what was not
tested."""
import json
import os
from pathlib import Path

import pytest

import dev
import notebook_runner

TIERS = ('weights', 'golden', 'slow', 'gpu')
# Nothing may be downloaded: what is tried fails at once, instead of working here and nowhere else.
NO_NETWORK = {k: 'http://127.0.0.1:9' for k in ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY')}
NO_NETWORK.update(no_proxy='127.0.0.1,localhost', NO_PROXY='127.0.0.1,localhost')


def tiers_of(path):
    "The flagged tiers a notebook has cells of, with the text of those cells."
    flagged = [(d, dev.source(c)) for c in dev.cells(path) for d in dev.directives(c) if d in TIERS]
    return {t: ''.join(text for d,text in flagged if d==t) for t in TIERS if any(d==t for d,_ in flagged)}


def is_folder(variable, env):
    return any(Path(f).is_dir() for f in env.get(variable, '').split(os.pathsep) if f)


def missing(tier, text, env=os.environ):
    "Why cells of this tier cannot run here, or ''."
    if tier in env.get('SWAPKIT_TEST_FLAGS', '').split(): return ''
    if tier=='weights': needs = ['SWAPKIT_MODELS'] + ['SWAPKIT_MEDIA']*('SWAPKIT_MEDIA' in text)
    elif tier=='golden': needs = ['SWAPKIT_GOLDEN']
    else: return f"{tier}: SWAPKIT_TEST_FLAGS does not name it"
    absent = [v for v in needs if not is_folder(v, env)]
    return f"{tier}: {' and '.join(absent)} not set to a folder" if absent else ''


def items():
    for path in dev.notebooks():
        name = path.relative_to(dev.ROOT/'nbs').with_suffix('').as_posix()
        why = {t: missing(t, text) for t,text in tiers_of(path).items()}
        flags = [t for t in why if not why[t]]
        yield pytest.param(path, flags, id='+'.join([name]+flags))
        yield from (pytest.param(path, [t], id=f'{name}+{t}', marks=pytest.mark.skip(w)) for t,w in why.items() if w)


@pytest.fixture(scope='session')
def own_home(tmp_path_factory):
    "Caches and settings of the tests, so that none are left in the user's and none of the user's are used."
    return {f'XDG_{k}_HOME': str(tmp_path_factory.mktemp(k)) for k in ('CACHE', 'CONFIG', 'DATA')}


def run_notebook(path, flags, env):
    return notebook_runner.run_notebook(path, flags, {**NO_NETWORK, **env}, dev.ROOT)


@pytest.mark.parametrize('path, flags', list(items()))
def test_notebook(path, flags, own_home):
    code, text = run_notebook(path, flags, own_home)
    if code: pytest.fail(f"exit code {code}\n{text[-6000:]}", pytrace=False)


# --- what the above rests on ---

def write_notebook(path, *sources):
    cells = [dict(cell_type='code', id=f'c{i}', metadata={}, source=s, outputs=[], execution_count=None)
             for i,s in enumerate(sources)]
    kernel = dict(display_name='python3', language='python', name='python3')
    path.write_text(json.dumps(dict(cells=cells, metadata=dict(kernelspec=kernel), nbformat=4, nbformat_minor=5)))
    return path


def test_runner_sees_failures(tmp_path, own_home):
    "A failing cell fails its notebook, and a flagged one only when its flag is given."
    bad = write_notebook(tmp_path/'bad.ipynb', 'assert 1==2')
    code, text = run_notebook(bad, [], own_home)
    assert code==1 and 'AssertionError' in text
    flagged = write_notebook(tmp_path/'flagged.ipynb', 'x = 1', '#| weights\nassert x==2')
    assert run_notebook(flagged, [], own_home)[0]==0
    assert run_notebook(flagged, ['weights'], own_home)[0]==1


def test_runner_stops_what_hangs_and_cleans_up(tmp_path, own_home):
    left = 'import tempfile, pathlib\nfolder = tempfile.TemporaryDirectory()\n' \
           f'pathlib.Path({str(tmp_path/"name")!r}).write_text(folder.name)'
    assert run_notebook(write_notebook(tmp_path/'folder.ipynb', left), [], own_home)[0]==0
    assert not Path((tmp_path/'name').read_text()).exists()
    slow = write_notebook(tmp_path/'slow.ipynb', 'import time; time.sleep(60)')
    code, text = notebook_runner.run_notebook(slow, [], own_home, dev.ROOT, seconds=3)
    assert code and text.endswith('stopped after 3 s')


def test_tiers(tmp_path):
    weights = '#| hide\n#| weights\nos.environ["SWAPKIT_MEDIA"]'
    nb = write_notebook(tmp_path/'a.ipynb', '1', weights, '#| slow\n2', 'x = "#| gpu"')
    tiers = tiers_of(nb)
    assert list(tiers)==['weights', 'slow']
    here = dict(SWAPKIT_MODELS=str(tmp_path))
    assert missing('weights', '', here)==''
    assert missing('weights', tiers['weights'], here)=='weights: SWAPKIT_MEDIA not set to a folder'
    assert missing('weights', tiers['weights'], {**here, 'SWAPKIT_MEDIA': str(tmp_path)})==''
    absent = dict(SWAPKIT_GOLDEN=str(tmp_path/'none'))
    assert missing('golden', '', absent)=='golden: SWAPKIT_GOLDEN not set to a folder'
    assert 'SWAPKIT_TEST_FLAGS' in missing('slow', '', here)
    assert missing('slow', '', dict(SWAPKIT_TEST_FLAGS='slow gpu'))==''
