"""The work folder beside an output: finished segments, lock and journal of a job that can continue

A finished file is used again only if its size and checksum are those in the journal, so a file that was damaged by a
crash or a bad disk is found. Work made with other options, sources, models or code has other names and is removed. A
lock says that a process is at work here; the operating system releases it when that process ends, in whatever way.

Several processes, on one machine or on several that share the folder, can each work on a part of a film. Each has its
own lock and journal, and none removes the files of another.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from . import __version__
from .checks import NAME_BYTES
from .errors import BadInput, FaceMissing, OutputBusy, SystemFault
from .messages import logger
from .models import get_spec
from .nets.load import uses_stand_in
from .fingerprint import fingerprint_of
from .runtime import file_hash
from .video.containers import short_name
from .weights import expected_hash, find_file

__all__ = ['fingerprint', 'weight_hash', 'stage_fingerprint', 'workdir_path', 'WorkDir']


# --- names ------------------------------------------------------------------------------------------------------------

def fingerprint(**things:Any)->str: # 16 hexadecimal digits
    "A name for a result: the hash of everything it depends on."
    return hashlib.sha256(json.dumps(things, sort_keys=True, default=str).encode()).hexdigest()[:16]


def weight_hash(
    name:str,   # key of `models.MODELS`
)->str:         # SHA-256; 'random' for stand-in weights, '' if there is no file
    "The hash of a model's weights."
    if uses_stand_in(name): return 'random'
    spec = get_spec(name)
    if sha := expected_hash(spec): return sha
    return file_hash(found) if (found := find_file(spec)) else ''


def stage_fingerprint(
    entry:Any,          # of a registry: a spec, a function, or plain values
    *models:str,        # the weights it uses, if it is not a spec that lists them
)->str:                 # SHA-256, hexadecimal
    "The hash of a stage: of its code and its weights."
    if hasattr(entry, 'fingerprint'): return entry.fingerprint(weight_hash)
    return fingerprint_of(entry, {n: weight_hash(n) for n in (*getattr(entry, 'needs', ()), *models)})


def workdir_path(out:str|os.PathLike)->Path:
    "The work folder of an output: its name plus `.parts`; a name that is too long is cut and gets a hash."
    out = Path(out)
    name = f'{out.name}.parts'
    if len(os.fsencode(name))<=NAME_BYTES: return out.with_name(name)
    return out.with_name(short_name(out.name, f'-{fingerprint(name=name)[:8]}.parts'))


# --- the folder -------------------------------------------------------------------------------------------------------

def _sync(path:Path)->None:
    "Force a file, or the names in a folder, onto the disk, so that they survive a power cut."
    fd = os.open(path, os.O_RDONLY if os.name=='posix' else os.O_RDWR)
    try: os.fsync(fd)
    finally: os.close(fd)


def _is_full(folder:Path, e:BaseException)->bool:
    "Whether an error comes from a full disk; ffmpeg and the signer do not always report it as such."
    if getattr(e, 'errno', 0)==errno.ENOSPC or os.strerror(errno.ENOSPC) in str(e): return True
    return isinstance(e, (OSError, SystemFault)) and shutil.disk_usage(folder).free<2**20


def _is_own(f:Path)->bool: # whether a file is a lock, a journal or a description
    return f.name.startswith('journal') or f.name=='lock' or f.suffix in ('.lock', '.about')


class WorkDir:
    """The work folder beside an output, locked while a job works in it. A context manager.

    The folder stays when a job is interrupted. It is removed when the job is done or cannot be done. Raises
    `OutputBusy` on entry if another run has locked it, and `SystemFault` if the place cannot be written or the disk is
    full."""
    def __init__(self,
        out:str|os.PathLike,                # the result
        *,
        keep:bool=False,                    # keep the folder when the job is done, and the work of other jobs
        part:tuple[int, int]|None=None,     # i of n: others may work on other parts at the same time
    ):
        self.out, self.folder, self.keep, self.part = Path(out), workdir_path(out), keep, part
        self._todo, self._was, self._made, self._inside = ExitStack(), set[Path](), set[Path](), False
    def __repr__(self)->str: return f"WorkDir({str(self.folder)!r})"
    def __enter__(self)->'WorkDir':
        with ExitStack() as todo:
            todo.callback(self._remove_empty) # after the lock is released
            self._lock(todo)
            if not self.part:
                for f in self.folder.glob('.*'): f.unlink() # unfinished files of a killed run
            self._was, self._inside = set(self.folder.iterdir()), True
            self._todo = todo.pop_all()
        return self
    def __exit__(self, kind:Any, e:BaseException|None, trace:Any)->None:
        with self._todo:
            if e is None: self._clear()
            else:
                full = _is_full(self.folder, e)
                self._clear_after(e)
                if full:
                    raise SystemFault(f"the disk is full; make room beside {self.out}, and the same call goes on from "
                                      "there") from e
    # --- locks ---
    def _acquire(self, name:str, timeout:float=0)->FileLock:
        lock = FileLock(self.folder/name)
        lock.acquire(timeout=timeout)
        return lock
    def _lock(self, todo:ExitStack)->None:
        "Lock the whole folder; or, for a part, that part, if nobody has locked the whole."
        name = 'part-{}-of-{}.lock'.format(*self.part) if self.part else 'lock'
        try:
            self.folder.mkdir(exist_ok=True)
            todo.callback(self._acquire(name).release)
            if self.part: self._acquire('lock', 5).release() # other parts also hold it for a moment only
            for f in () if self.part else self.folder.glob('part-*.lock'): self._acquire(f.name).release()
        except Timeout:
            raise OutputBusy(f"another run is writing {self.out}; wait for it, or choose another output") from None
        except OSError as e:
            raise SystemFault(f"cannot write beside {self.out}: {e.strerror}; choose another place") from e
    @contextmanager
    def alone(self, name:str)->Iterator[None]:
        "Wait until no other part does this, then keep them out."
        if not self.part: yield; return
        lock = self._acquire(f'{name}.lock', -1)
        try: yield
        finally: lock.release()
    # --- files ---
    def scratch(self, path:Path)->Path:
        "The path at which a file is written until it is complete."
        made = path.with_name(f'.{path.name}')
        self._made.add(made)
        return made
    def journal(self)->dict[str, tuple[int, str]]: # name → size in bytes, SHA-256
        "The finished files according to the journals; incomplete lines are ignored."
        lines = [l for f in sorted(self.folder.glob('journal*')) for l in f.read_text(errors='replace').splitlines()]
        found = (l.split(' ', 2) for l in lines)
        return {p[2]: (int(p[1]), p[0]) for p in found if len(p)==3 and p[1].isdigit() and len(p[0])==64}
    def commit(self, made:Path, path:Path)->None:
        """Give a finished file its final name. Its line in the journal is on the disk first, so a file without one is
        never taken for complete."""
        _sync(made)
        name = 'journal-{}-of-{}'.format(*self.part) if self.part else 'journal'
        with open(path.with_name(name), 'ab') as f: # on its own line, even if the line before is incomplete
            f.write(f'\n{file_hash(made)} {made.stat().st_size} {path.name}\n'.encode())
            f.flush(); os.fsync(f.fileno())
        made.replace(path)
        if os.name=='posix': _sync(path.parent)
    def is_complete(self, path:Path)->bool:
        "Whether a finished file is present and intact. A damaged one is removed, and a message says so."
        if not path.exists(): return False
        size, sha = self.journal().get(path.name, (-1, ''))
        if path.stat().st_size==size and file_hash(path)==sha: return True
        logger.warning(f"{path.name} is damaged and has to be made again")
        path.unlink()
        return False
    def make_room(self, pattern:str, key:str)->None:
        "Remove the work of other jobs, unless `keep` is set or another part may need it."
        others = [f for f in self.folder.glob(pattern) if not f.name.startswith(key)]
        if not others or self.keep or self.part: return
        logger.warning(f"{self.folder.name} holds unfinished work of other options, inputs or code; it is removed "
                       "(the option keep leaves such work)")
        for f in (*others, *self.folder.glob('*.about')): f.unlink()
    def describe(self, key:str, facts:dict[str, Any])->None:
        "Write down what a key stands for, so that segments of other versions or options can be told apart."
        told = dict(version=__version__, facts={k: v if k in ('options', 'encode') else fingerprint(**{k: v})
                                               for k,v in facts.items()})
        made = self.scratch(path := self.folder/f'{key}.about')
        made.write_text(json.dumps(told, sort_keys=True, default=str))
        made.replace(path)
    # --- the end ---
    def _clear(self)->None:
        if self.part or self.keep: return
        for f in self.folder.iterdir():
            if f.name!='lock': f.unlink()
    def _clear_after(self, e:BaseException)->None:
        "After an error: keep finished files; but remove new files of a job that cannot be done."
        new = self._made if self.part else set(self.folder.iterdir())-self._was
        for f in new:
            if f.name.startswith('.') or isinstance(e, (BadInput, FaceMissing)): f.unlink(missing_ok=True)
        if self.part or any(not _is_own(f) for f in self.folder.iterdir()): return
        for f in (*self.folder.glob('journal*'), *self.folder.glob('*.about')): f.unlink()
    def _remove_empty(self)->None:
        "Remove the folder if only locks are left in it."
        if self.part or not self._inside or not self.folder.is_dir(): return
        if all(f.name=='lock' or f.name.endswith('.lock') for f in self.folder.iterdir()):
            shutil.rmtree(self.folder, ignore_errors=True)
