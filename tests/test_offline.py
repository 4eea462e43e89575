"""A fresh machine: no network, no weights but the package's own, an empty home. And nothing tells anybody, or leaves a
file elsewhere."""
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

import dev

WEIGHTS = ('yunet_n_dynamic.onnx', 'face_landmarker.task')
PEOPLE = dev.ROOT/'swapkit'/'samples'
JOBS = dict( # what a user does on the first day; each has a folder as its own
    film=['swap', 'film.mp4', '--source', 'ben.jpg', '--out', 'new.mp4', '--preset', 'ultrafast'],
    photo=['swap', 'ada.jpg', '--source', 'ben.jpg', '--out', 'new.png'],
    analyze=['analyze', 'film.mp4', '--out', 'film.faces'],
    named=['swap', 'ada.jpg', '--source', 'ben.jpg', '--out', 'named.png', '--landmarks', 'face_landmarker'],
    doctor=['doctor'],
    models=['models', 'list'],
    homeless=['swap', 'ada.jpg', '--source', 'ben.jpg', '--out', 'homeless.png'])
OURS = (
    '.cache/swapkit/', '.config/swapkit/signing.pem', '.cache/matplotlib/', '.config/matplotlib/', '.cache/fontconfig/',
)
RUN = '''
import contextlib, importlib, io, json, os, pkgutil, sys
calls, files, said, name = [], [], {}, ''
lookups = 'socket.getaddrinfo', 'socket.gethostbyname'
calling = 'socket.connect', 'socket.sendto', 'socket.sendmsg', *lookups
def watch(event, args):
    if event in calling and not isinstance(args[1], str): calls.append(f'{name}: {event} {args[1:]}')
    if event in (*lookups, 'urllib.Request'): calls.append(f'{name}: {event} {args[0]}')
    if event=='open' and isinstance(args[0], (str, bytes)) and args[2] & (os.O_WRONLY|os.O_RDWR|os.O_CREAT):
        files.append(os.path.abspath(os.fsdecode(args[0])))
sys.addaudithook(watch)
import swapkit
for m in pkgutil.walk_packages(swapkit.__path__, 'swapkit.'): importlib.import_module(m.name)
from swapkit.apps import cli
home = os.environ['HOME']
for name,words in json.loads(sys.argv[1]).items():
    os.environ['HOME'] = os.devnull if name=='homeless' else home
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err): code = cli.run(words)
    said[name] = code, out.getvalue(), err.getvalue()
json.dump([calls, files, said], open('found.json', 'w'))
'''


def cut_off():
    "What to put in front of a command so that it has no network, where this user may do that."
    alone = ['unshare', '-rn']
    if not shutil.which('unshare'): return []
    return alone if subprocess.run([*alone, 'true'], capture_output=True).returncode==0 else []


def watched(log):
    "What to put in front of a command so that the calls of libraries are seen as well, where this machine can."
    watch = ['strace', '-f', '--seccomp-bpf', '-qq', '-e', 'trace=connect,sendto,sendmsg', '-o', str(log)]
    if not shutil.which('strace'): return []
    return watch if subprocess.run([*watch, 'true'], capture_output=True).returncode==0 else []


@pytest.fixture(scope='module')
def fresh(tmp_path_factory):
    "All that was said, called and written there."
    if any((dev.ROOT/'models'/w).exists() for w in WEIGHTS): pytest.skip("the checkout has weights")
    work, home, tmp = (tmp_path_factory.mktemp(n) for n in ('work', 'home', 'tmp'))
    import imageio_ffmpeg
    for n in ('ada', 'ben'): shutil.copy(PEOPLE/f'{n}.jpg', work)
    still = [
        '-loop', '1', '-framerate', '24', '-i', work / 'ada.jpg', '-t', '0.25', '-vf', 'scale=256:256', '-pix_fmt',
        'yuv420p',
    ]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), '-v', 'error', *still, work / 'film.mp4'],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    gone = ('SWAPKIT_', 'XDG_', 'ORT_', 'MPL', 'CI')
    env = {k: v for k, v in os.environ.items() if not k.startswith(gone)} | dict(
        HOME=str(home),
        TMPDIR=str(tmp),
        PYTHONDONTWRITEBYTECODE='1',
        http_proxy='http://127.0.0.1:9',
        https_proxy='http://127.0.0.1:9',
    )
    log = tmp_path_factory.mktemp('log')/'calls'
    done = subprocess.run(
        [*watched(log), *cut_off(), sys.executable, '-c', RUN, json.dumps(JOBS)],
        env=env,
        cwd=work,
        capture_output=True,
        text=True,
    )
    assert done.returncode==0, done.stderr
    calls, files, said = json.loads((work/'found.json').read_text())
    return SimpleNamespace(
        work=work, home=home, tmp=tmp, calls=calls, files=files, said=said,
        traced=log.read_text() if log.exists() else '', err=done.stderr,
    )


def test_swap_with_the_built_in_networks(fresh):
    "A film and a photo are swapped; one line says what would be better, once a day, and one what was done."
    for job,made in dict(film='new.mp4', photo='new.png').items():
        code, _, err = fresh.said[job]
        assert code==0, err
        assert (fresh.work/made).exists()
        *hints, done = err.splitlines()
        assert done.startswith('swapkit: done: ') and made in done, err
        assert len(hints)==(job=='film') and all('swapkit models pull yunet_n face_landmarker' in h for h in hints), err
    assert fresh.err==''


def test_doctor_is_content(fresh):
    "The built-in networks are enough."
    code, out, _ = fresh.said['doctor']
    assert code==0, out
    assert 'tiny_detect' in out and 'swapkit models pull yunet_n' in out


def test_naming_a_network_that_is_not_here(fresh):
    "What was asked for by name is never replaced."
    code, _, err = fresh.said['named']
    assert code==4 and 'face_landmarker' in err and not (fresh.work/'named.png').exists()


def test_without_a_home(fresh):
    "A result needs none; one more line says what is not kept. That the hint was given is not kept either."
    code, out, err = fresh.said['homeless']
    assert (code, out)==(0, 'homeless.png\n'), err
    hint, key, done = err.splitlines()
    assert 'swapkit models pull' in hint and 'the signing key is used once and not kept' in key, err
    assert done.startswith('swapkit: done: 1 frame, '), err


def test_nobody_is_told(fresh):
    "Only the network that was asked for by name is looked for; no library calls anybody."
    assert [c for c in fresh.calls if not c.startswith('named: ')]==[]
    assert any('storage.googleapis.com' in c for c in fresh.calls)  # a call would be seen
    assert [l for l in fresh.traced.splitlines() if re.search(r'AF_INET6?\b', l) and 'htons(9)' not in l]==[]


def test_no_file_is_left_elsewhere(fresh):
    "What is written lies in the work's folder, and in our own and the font caches of the home."
    there = [p.relative_to(fresh.home).as_posix() for p in fresh.home.rglob('*') if p.is_file()]
    assert [p for p in there if not p.startswith(OURS)]==[]
    assert any(p.startswith('.cache/swapkit/') for p in there)  # it was the home they had
    assert [p.name for p in fresh.tmp.iterdir()]==[]
    own = tuple(f'{p}/' for p in (fresh.work, fresh.home, fresh.tmp))
    assert [f for f in fresh.files if not f.startswith(own) and not f.startswith(('/dev/', '/proc/'))]==[]
    assert sorted(p.name for p in fresh.work.iterdir()) == sorted(
        [
            'ada.jpg', 'ben.jpg', 'film.mp4', 'film.faces', 'film.faces.jpg', 'new.mp4', 'new.png', 'homeless.png',
            'found.json',
        ]
    )


def test_onnxruntime_is_told_to_be_silent():
    """By the package itself, so before any of its modules can load it; whatever the user's environment says, and for
    processes that we start."""
    code = '''
import swapkit, subprocess, sys
assert 'onnxruntime' not in sys.modules
print(subprocess.check_output(['printenv', 'ORT_DISABLE_TELEMETRY'], text=True))
'''
    assert subprocess.check_output(
        [sys.executable, '-c', code], text=True, env={**os.environ, 'ORT_DISABLE_TELEMETRY': '0'}
    ).split() == ['1']
