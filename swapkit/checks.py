"""Checks before any work starts: the output file, conflicting options, forked processes"""

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from .errors import BadInput, SystemFault
from .options import RunOptions

__all__ = ['ARGUMENTS', 'NAME_BYTES', 'check_folder', 'check_out', 'check_together', 'has_pattern', 'is_batch',
           'check_fork']

# arguments of the public calls, other than single options; used to suggest a name for an unknown argument
ARGUMENTS = ('target', 'sources', 'out', 'faces', 'assign', 'faces_file', 'photos', 'sheet', 'progress', 'swap',
             'analyze', 'encode', 'run')
NAME_BYTES = 255 # longest file name on all common file systems

def check_folder(folder:str|os.PathLike)->None:
    "Raise `BadInput` if a folder to write to does not exist."
    if os.path.isdir(folder): return
    raise BadInput(f"{folder} is a file, not a folder; choose another place" if os.path.exists(folder) else
                   f"the folder {folder} does not exist; make it first")

def check_out(
    out:str|os.PathLike,                # path of the result
    inputs:Iterable[str|os.PathLike],   # files that must not be overwritten
    overwrite:bool,
    formats:Collection[str]=(),         # allowed suffixes; by default any
)->None:
    "Raise `BadInput` if the output cannot be written, or would overwrite an input or an existing file."
    out = Path(out)
    suffix, beside = out.suffix.lower(), out.with_suffix('.c2pa') # separate C2PA manifest
    if (n := len(os.fsencode(out.name)))>(most := NAME_BYTES-(suffix=='.mkv')):
        raise BadInput(f"{out.name[:32]}…{out.suffix}: this name has {n} bytes, and a file system takes {most}; "
                       "choose a shorter one")
    if out.is_dir(): raise BadInput(f"{out} is a folder; name a file in it")
    if out.exists() and not out.is_file():
        raise BadInput(f"{out} is a device or a pipe, not a file; name a file")
    if formats and suffix not in formats:
        what = 'one picture' if '.png' in formats else 'a film'
        raise BadInput(f"{out}: {what} is written as {' or '.join(formats)}; choose such a name")
    if out.exists() and any(out.samefile(i) for i in inputs if Path(i).exists()):
        raise BadInput(f"{out} is an input; choose another output")
    for other in (out.with_suffix(k) for k in ('.mkv', '.webm') if suffix in ('.mkv', '.webm') and k!=suffix):
        if other.exists() and beside.exists():
            raise BadInput(f"{beside.name} is the signed statement of {other.name}, and that of {out.name} would have "
                           "the same name; choose another name")
    for f in (out, beside) if suffix in ('.mkv', '.webm') else (out,):
        if f.exists() and not overwrite: raise BadInput(f"{f} exists; choose another name, or the option overwrite")
    check_folder(out.absolute().parent)


def check_together(
    photo:bool,             # the target is a photo
    sources:Any, faces:Any, assign:Any, faces_file:Any, # as for `swap_video`
    run:RunOptions,
)->None:
    "Raise `BadInput` for options that cannot be combined."
    if assign and (sources or faces!='largest'):
        raise BadInput("assign says who becomes whom: leave out sources and faces")
    if not assign and not sources: raise BadInput("no source face is given: give sources, or assign")
    if photo and (faces_file or run.start is not None or run.end is not None or run.frame is not None):
        raise BadInput("a photo is a single picture: leave out start, end, frame and faces_file")
    if run.part and (photo or run.frame is not None): raise BadInput("a single picture is not rendered in parts")


# --- several targets --------------------------------------------------------------------------------------------------

def has_pattern(name:str|os.PathLike)->bool:
    "Whether a name stands for several targets: it has * ? or [, or it is @FILE, a list."
    return bool(re.search(r'[*?[]|^@', os.fspath(name)))


def is_batch(targets:Iterable[str|os.PathLike], out:str|os.PathLike)->bool:
    "Whether the results of these targets lie in a folder: there are or may be several, or `out` is a folder."
    names = [os.fspath(t) for t in targets]
    one = len(names)==1 and not os.path.isdir(names[0]) and (os.path.isfile(names[0]) or not has_pattern(names[0]))
    return not one or os.path.isdir(out) or os.fspath(out)[-1:] in ('/', os.sep)


# --- processes that fork ----------------------------------------------------------------------------------------------

_work = dict(begun=False, forked=False)


def _after_fork()->None: _work['forked'] = _work['begun']


if hasattr(os, 'register_at_fork'): os.register_at_fork(after_in_child=_after_fork)


def check_fork()->None:
    "Raise `SystemFault` in a fork of a process that had already used swapkit: threads do not survive a fork."
    if _work['forked']:
        raise SystemFault("this process was forked off one that had already used swapkit, and would hang: start it "
                          "with multiprocessing.get_context('spawn'), or fork before the first use")
    _work['begun'] = True
