"The folder of unfinished work: locks, journals, what is kept after a stop, parts that are made at the same time."
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swapkit.errors import BadInput, FaceMissing, SystemFault
from swapkit.messages import collect_messages
from swapkit.fingerprint import fingerprint_of
from swapkit.checks import NAME_BYTES
from swapkit.workdir import WorkDir, _is_full, fingerprint, stage_fingerprint, weight_hash, workdir_path


def names(folder): return sorted(f.name for f in folder.iterdir())


def add(work, name, data=b'x'):
    "A finished file."
    path = work.folder/name
    made = work.scratch(path)
    made.write_bytes(data)
    work.commit(made, path)
    return path


# --- names ---

def test_fingerprint():
    assert fingerprint(a=1, b=2)==fingerprint(b=2, a=1) and len(fingerprint(a=1))==16
    assert fingerprint(a=1)!=fingerprint(a=2)


def test_stage_fingerprint():
    class Spec:
        needs = ()
        def fingerprint(self, sha): return f"own {sha('tiny_mesh')}"
    assert stage_fingerprint(Spec())==f"own {weight_hash('tiny_mesh')}"
    assert stage_fingerprint(print)==fingerprint_of(print, {})
    assert stage_fingerprint(print, 'tiny_mesh')!=stage_fingerprint(print)
    assert len(weight_hash('tiny_mesh'))==64
    a, b = (lambda x: x*.5), (lambda x: x*.25)
    assert stage_fingerprint(a)!=stage_fingerprint(b)


def test_stand_ins_are_named(monkeypatch):
    monkeypatch.setenv('SWAPKIT_STAND_INS', 'all')
    assert weight_hash('simswap_256')=='random'


def test_folder_names():
    assert workdir_path('a.mp4').name=='a.mp4.parts'
    long = [workdir_path('x'*n+'.mp4').name for n in (245, 246, 251)] # as long as a name may be
    assert len({*long})==3 and max(map(len, long))<=NAME_BYTES and all(f.endswith('.parts') for f in long)


# --- the journal ---

def test_journal(tmp_path):
    with WorkDir(tmp_path/'a.mp4', keep=True) as work:
        a, b = add(work, 'k-1.mp4', b'one'), add(work, 'k-2.mp4', b'two')
        assert [work.is_complete(f) for f in (a, b, work.folder/'k-3.mp4')]==[True, True, False]
        with open(work.folder/'journal', 'ab') as f: f.write(b'0123 77 k-3') # killed while it wrote
        c = add(work, 'k 3.mp4', b'three')
        assert work.is_complete(c) and len(work.journal())==3
        b.write_bytes(b'twp')                                               # damaged
        never = work.folder/'k-4.mp4'
        never.write_bytes(b'never entered')
        with collect_messages() as said:
            assert [work.is_complete(f) for f in (a, b, never)]==[True, False, False]
            work.make_room('*.mp4', 'j')
            assert len(list(work.folder.glob('*.mp4')))==2                  # kept
            work.keep = False
            work.make_room('*.mp4', 'k 3')
            assert names(work.folder)==['journal', 'k 3.mp4', 'lock']
            work.make_room('*.mp4', 'j')
        assert [w.split(' and')[0] for w in said][:2]==['k-2.mp4 is damaged', 'k-4.mp4 is damaged']
        assert 'unfinished work of other options, inputs or code' in said[2]
        assert not list(work.folder.glob('*.mp4'))


def test_nothing_to_make_room_for(tmp_path):
    with WorkDir(tmp_path/'a.mp4') as work, collect_messages() as said:
        add(work, 'k-1.mp4')
        work.make_room('*.mp4', 'k')
        assert (work.folder/'k-1.mp4').exists() and not said


# --- errors ---

def job(out, error=None, make=None, **kw):
    with WorkDir(out, **kw) as work:
        if make: (work.folder/make).touch()
        if error: raise error


def test_what_is_left(tmp_path):
    out, parts = tmp_path/'c.mp4', tmp_path/'c.mp4.parts'
    job(out)
    assert not parts.exists()
    for e in (BadInput('no'), FaceMissing('nobody')):
        with pytest.raises(type(e)): job(out, e, 'seg.mp4')
        assert not parts.exists()
    with pytest.raises(SystemFault): job(out, SystemFault('disk'))
    assert not parts.exists()
    with pytest.raises(SystemFault): job(out, SystemFault('disk'), 'seg.mp4')
    assert parts.exists()                                                   # finished work is kept,
    with pytest.raises(BadInput): job(out, BadInput('no'), 'new.mp4')       # by a wrong option too
    assert names(parts)==['lock', 'seg.mp4']
    (parts/'.half.mp4').touch()                                             # of a run that was killed
    with pytest.raises(SystemFault, match='the disk is full; make room beside .*, and the same call goes on'):
        job(out, OSError(errno.ENOSPC, 'full'))
    assert names(parts)==['lock', 'seg.mp4']
    job(out)
    assert not parts.exists()
    job(out, make='seg.mp4', keep=True)
    assert parts.exists()


def test_full_disk(tmp_path):
    assert _is_full(tmp_path, OSError(errno.ENOSPC, 'x'))
    assert _is_full(tmp_path, SystemFault(f'ffmpeg: {os.strerror(errno.ENOSPC)}'))
    assert not _is_full(tmp_path, ValueError('x'))


def test_no_place(tmp_path):
    (tmp_path/'a.mp4.parts').touch()
    with pytest.raises(SystemFault, match='cannot write beside'): job(tmp_path/'a.mp4')


# --- locks ---

def test_lock(tmp_path):
    out, parts = tmp_path/'c.mp4', tmp_path/'c.mp4.parts'
    with WorkDir(out) as work:
        (work.folder/'seg.mp4').touch(), (work.folder/'.half.mp4').touch()
        with pytest.raises(BadInput, match='another run is writing .*c.mp4'): job(out) # somebody else begins the same
        assert names(parts)==['.half.mp4', 'lock', 'seg.mp4']
    assert list(tmp_path.iterdir())==[]


def test_a_killed_run_leaves_no_lock(tmp_path):
    job(tmp_path/'c.mp4', make='seg.mp4', keep=True)
    code = 'import os, sys; from filelock import FileLock; FileLock(sys.argv[1]).acquire(); os.kill(os.getpid(), 9)'
    subprocess.run([sys.executable, '-c', code, str(tmp_path/'c.mp4.parts'/'lock')])
    job(tmp_path/'c.mp4')
    assert list(tmp_path.iterdir())==[]


# --- parts ---

def test_parts(tmp_path):
    out = tmp_path/'c.mp4'
    with WorkDir(out, part=(1, 2)) as one, WorkDir(out, part=(2, 2)) as two:
        a = add(one, 'k-1.mp4', b'one')
        half = two.scratch(two.folder/'k-2.mp4')
        half.touch()
        one.make_room('*.mp4', 'other')                                     # others may need it
        b = add(two, 'k-2.mp4', b'two')
        assert one.is_complete(b) and two.is_complete(a)
        for again in (None, (1, 2)):
            with pytest.raises(BadInput, match='another run is writing'): job(out, part=again)
        assert a.exists() and b.exists()
    assert one.folder.is_dir()
    with WorkDir(out) as work:
        assert work.is_complete(a) and work.is_complete(b)
    assert list(tmp_path.iterdir())==[]


def test_no_part_beside_the_whole(tmp_path, monkeypatch):
    acquire = WorkDir._acquire
    monkeypatch.setattr(WorkDir, '_acquire', lambda self, name, timeout=0: acquire(self, name, min(timeout, .1)))
    with WorkDir(tmp_path/'c.mp4'):
        with pytest.raises(BadInput, match='another run is writing'): job(tmp_path/'c.mp4', part=(1, 2))


def test_a_part_that_fails_removes_only_its_own(tmp_path):
    out = tmp_path/'c.mp4'
    with WorkDir(out, part=(1, 2)) as one:
        half = one.scratch(one.folder/'k-1.mp4')
        half.touch()
        with pytest.raises(BadInput):
            with WorkDir(out, part=(2, 2)) as two:
                two.scratch(two.folder/'k-2.mp4').touch()
                raise BadInput('no')
        assert half.exists() and not (one.folder/'.k-2.mp4').exists()


def test_one_part_at_a_time_makes_the_first_pass(tmp_path):
    code = '''import sys, time
from swapkit.workdir import WorkDir
with WorkDir(sys.argv[1], part=(int(sys.argv[2]), 2)) as work:
    with work.alone('faces'):
        path = work.folder/'k.faces'
        if not work.is_complete(path):
            made = work.scratch(path); made.write_bytes(b'x'); time.sleep(.3)
            work.commit(made, path); print('made')'''
    both = [subprocess.Popen([sys.executable, '-c', code, str(tmp_path/'c.mp4'), str(i)], stdout=subprocess.PIPE,
                             text=True, cwd=Path(__file__).parent.parent) for i in (1, 2)]
    said = [p.communicate()[0] for p in both]
    assert [p.returncode for p in both]==[0, 0] and ''.join(said).count('made')==1
