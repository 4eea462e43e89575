"What is refused before any work is done."
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swapkit.checks import check_out, check_together
from swapkit.errors import BadInput
from swapkit.options import RunOptions

ROOT, FILMS = Path(__file__).resolve().parent.parent, ('.mp4', '.mov')


def refused(says, f, *args, **kw):
    with pytest.raises(BadInput) as e: f(*args, **kw)
    assert says in str(e.value) and '\n' not in str(e.value) and '--' not in str(e.value)


def test_outputs(tmp_path):
    a, b = tmp_path/'a.mp4', tmp_path/'b.mp4'
    a.touch(), b.touch()
    refused('is an input', check_out, a, [a], True, FILMS)
    refused('exists; choose another name, or the option overwrite', check_out, b, [a], False, FILMS)
    refused('a film is written as .mp4 or .mov', check_out, tmp_path/'b.avi', [], False, FILMS)
    refused('one picture is written as .png or .jpg', check_out, b, [], False, ('.png', '.jpg'))
    refused('is a folder', check_out, tmp_path, [], True, FILMS)
    refused('is a device or a pipe', check_out, os.devnull, [], True)
    refused('make it first', check_out, tmp_path/'nowhere'/'c.mp4', [], True, FILMS)
    check_out(b, [a, tmp_path/'gone.mp4'], True, FILMS)
    check_out(tmp_path/'any.thing', [], False)


def test_a_manifest_lies_beside_mkv(tmp_path):
    (tmp_path/'a.c2pa').touch()
    refused('a.c2pa exists', check_out, tmp_path/'a.mkv', [], False)
    check_out(tmp_path/'a.mp4', [], False)
    for name,most in (('x'*252+'.mp4', 255), ('x'*251+'.mkv', 254)):
        refused(f'a file system takes {most}; choose a shorter one', check_out, name, [], False)


def test_together():
    run, ask = RunOptions(), check_together
    ask(False, ['a.jpg'], 'all', {}, 'film.faces', RunOptions(frame=3))
    ask(False, None, 'largest', {0: 'a.jpg'}, 'film.faces', RunOptions(frame=3))
    refused('leave out sources and faces', ask, False, ['a.jpg'], 'largest', {0: 'b.jpg'}, None, run)
    refused('leave out sources and faces', ask, False, None, 'all', {0: 'b.jpg'}, None, run)
    refused('give sources, or assign', ask, False, None, 'largest', {}, None, run)
    refused('a photo is a single picture', ask, True, ['a.jpg'], 'largest', {}, 'film.faces', run)
    refused('a photo is a single picture', ask, True, ['a.jpg'], 'largest', {}, None, RunOptions(end=3))
    refused('a photo is a single picture', ask, True, ['a.jpg'], 'largest', {}, None, RunOptions(frame=3))
    refused('not rendered in parts', ask, True, ['a.jpg'], 'largest', {}, None, RunOptions(part='1/2'))


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork here')
def test_fork():
    code = '''import os
from swapkit.checks import check_fork
def child(): # what it says
    r, w = os.pipe()
    if not os.fork():
        try: check_fork(); os.write(w, b'fine')
        except Exception as e: os.write(w, type(e).__name__.encode() + b' ' + str(e).encode())
        os._exit(0)
    os.wait()
    return os.read(r, 999).decode()
print(child()); check_fork(); print(child()); check_fork()'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    first, second = done.stdout.splitlines()
    assert done.returncode==0 and first=='fine'
    assert second.startswith('SystemFault this process was forked off') and "get_context('spawn')" in second
