"""Jobs as TOML files: targets, people, result and options of a swap, to be run later or elsewhere

A job file says what the arguments of `swap_video` or `swap_batch` say. A relative path in it counts from the file's
folder. Everything is checked when the file is read.

    targets = ["films/*.mp4", "portrait.jpg"]
    sources = ["photos_of_ann"]
    out = "new"

    [options]
    restore = "gfpgan_1.4"
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from .batch import BatchResult, check_names, explain_error, list_targets, plan_batch, result_at_hand, run_batch
from .batch import swap_recorded
from .checks import is_batch
from .errors import BadInput, nearest
from .option_files import check_table, JOB_KEYS, read_toml
from .options import changed, OPTIONS, options_of
from .registry import load_plugin
from .request import check_request, SwapRequest
from .sources import list_source_photos
from .types import PathLike, Source
from .video.containers import FILM_OUTPUTS, replacing
from .video.files import PHOTO_OUTPUT_SUFFIXES

__all__ = ['JobFile', 'read_job', 'write_job', 'check_job', 'run_job']


@dataclass(frozen=True, kw_only=True)
class JobFile:
    "What a job file says. Paths are absolute after `read_job`."
    targets:tuple[str, ...]         # films, photos, folders, patterns
    out:str                         # a file for one target, a folder for several
    request:SwapRequest
    names:str = '{name}'            # of the results of several targets: see `swap_batch`
    plugins:tuple[str, ...] = ()    # Python files that register swappers, masks or other entries
    @property
    def many(self)->bool: return is_batch(self.targets, self.out) # whether `out` is a folder


# --- reading ----------------------------------------------------------------------------------------------------------

def _texts(path:Path, name:str, value:Any)->list[str]:
    "One text or a list of texts."
    texts = [value] if isinstance(value, str) else value
    if not (isinstance(texts, list) and texts and all(isinstance(t, str) and t for t in texts)):
        raise BadInput(f"{path}: {name} is a text or a list of texts")
    return texts


def _is_number_or_place(who:str)->bool:
    rest = who.removeprefix('left').removeprefix('right')
    return who in ('largest', 'all') or not rest or rest.isdecimal()


def _check_keys(path:Path, told:Mapping[str, Any], known:tuple[str, ...])->None:
    for k in told:
        if k in known: continue
        near = nearest(k, known)
        options = {n for cls in OPTIONS for n in options_of(cls)}
        raise BadInput(f"{path}: unknown key {k!r}; " + ("it belongs below the line [options]" if k in options else
                       f"did you mean {near!r}?" if near else f"the keys are {', '.join(known)}"))


def read_job(path:PathLike)->JobFile:
    "Read a job file. Raises `BadInput` for anything that is missing, unknown or contradictory in it."
    path = Path(path)
    told, here = read_toml(path), path.absolute().parent
    _check_keys(path, told, JOB_KEYS)
    for k in ('targets', 'out'):
        if not told.get(k):
            below = isinstance(told.get('options'), dict) and k in told['options']
            raise BadInput(f"{path}: {k} is missing" + '; it belongs above the line [options]'*below)
    def full(text:str)->str: # a path, from the file's folder
        return '@'+full(text[1:]) if text[0]=='@' else os.path.normpath(here/text)
    def person(text:str)->Any:
        return int(text) if text.isdecimal() else text if _is_number_or_place(text) else full(text)
    def paths(name, value): return [*map(full, _texts(path, name, value))]
    more:dict[str, Any] = {}
    if 'sources' in told: more['sources'] = paths('sources', told['sources'])
    if 'faces_file' in told: more['faces_file'] = paths('faces_file', told['faces_file'])[0]
    if 'faces' in told:
        faces = [str(f) for f in told['faces']] if isinstance(told['faces'], list) else told['faces']
        who = [*map(person, _texts(path, 'faces', faces))]
        more['faces'] = who[0] if who[0] in ('largest', 'all') else who
    if 'assign' in told:
        if not isinstance(told['assign'], dict): raise BadInput(f"{path}: assign is a table: who = photos")
        more['assign'] = {person(k): paths(f'assign.{k}', v) for k,v in told['assign'].items()}
    if not isinstance(told.get('options', {}), dict): raise BadInput(f"{path}: options is a table: name = value")
    plugins = tuple(paths('plugins', told['plugins'])) if 'plugins' in told else ()
    for p in plugins: load_plugin(p)
    swap, analyze, encode, run = check_table(path, told.get('options', {}))
    ask = SwapRequest(swap=swap, analyze=analyze, encode=encode, run=run, **more)
    names = _texts(path, 'names', told.get('names', '{name}'))[0]
    out = _texts(path, 'out', told['out'])[0]
    return JobFile(targets=tuple(paths('targets', told['targets'])), out=full(out)+'/'*(out[-1] in '/\\'), request=ask,
                   names=names, plugins=plugins)


# --- writing ----------------------------------------------------------------------------------------------------------

def write_job(
    job:JobFile, path:PathLike,     # .toml
    overwrite:bool=False,
)->Path:                            # `path`
    """Write a job file. A path below the file's folder is written relative to it, so the folder can be moved. Raises
    `BadInput` for a `Source` in memory, which has no path, and if the file exists."""
    path = Path(path)
    if path.suffix!='.toml': raise BadInput(f"{path}: a job file ends in .toml")
    if path.exists() and not overwrite: raise BadInput(f"{path} exists; choose another name, or the option overwrite")
    here, r = path.absolute().parent, job.request
    def short(p:Any)->str:
        if isinstance(p, Source): raise BadInput("a source in memory cannot be written to a job file: save it first")
        text = os.fspath(p)
        if text[0]=='@': return '@'+short(text[1:])
        whole = Path(os.path.abspath(text))
        return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix() + '/'*(text[-1] in '/\\')
    def all_short(ps:Any)->list[str]: return [short(p) for p in ([ps] if isinstance(ps, (str, Path, Source)) else ps)]
    def person(w:Any)->str: return str(w) if _is_number_or_place(str(w)) else short(w)
    told:dict[str, Any] = dict(targets=all_short(job.targets))
    if isinstance(r.sources, Source) or r.sources: told['sources'] = all_short(r.sources)
    told['out'] = short(job.out)
    if job.names!='{name}': told['names'] = job.names
    if r.faces!='largest':
        told['faces'] = r.faces if isinstance(r.faces, str) else [person(w) for w in r.faces]
    if r.faces_file: told['faces_file'] = short(r.faces_file)
    if job.plugins: told['plugins'] = all_short(job.plugins)
    if r.assign: told['assign'] = {person(w): all_short(v) for w,v in r.assign.items()}
    options = {}
    for o in (r.swap, r.analyze, r.encode, r.run):
        for n,v in changed(o).items():
            options[n] = v if type(v) in (bool, int, float, str) else options_of(type(o))[n].write(v)
    if options: told['options'] = options
    with replacing(path) as made: made.write_text(tomli_w.dumps(told), encoding='utf-8')
    return path


# --- running ----------------------------------------------------------------------------------------------------------

def check_job(
    job:JobFile,
    now:bool=True,  # it is to be run now, so its faces file must be there
)->int: # number of targets
    "Check everything about a job that needs no network. Raises `BadInput`."
    r = job.request
    if now and r.faces_file and not Path(r.faces_file).is_file():
        raise BadInput(f"{r.faces_file}: no such file; `swapkit analyze` makes it")
    if not job.many:
        check_request(Path(job.targets[0]), Path(job.out), replace(r, run=replace(r.run, overwrite=True)))
        return 1
    check_names(job.names)
    if Path(job.out).suffix.lower() in FILM_OUTPUTS+PHOTO_OUTPUT_SUFFIXES and job.out[-1]!='/' and \
            not Path(job.out).is_dir():
        raise BadInput(f"several targets are written to a folder, and {job.out} looks like a file: write {job.out}/ if "
                       "it is to be a folder")
    list_source_photos(r.sources, r.assign)
    return len(plan_batch(list_targets(job.targets, job.out), Path(job.out), r, job.names))


def run_job(
    job:JobFile,
    progress:Callable[[int, int, str], None]|None=None,     # as for `swap_batch`
    tell:Callable[[BatchResult], object]|None=None,
)->list[BatchResult]:
    "Run a job. What is done is not done again. Raises what `swap_batch` raises."
    if job.many: return run_batch(job.targets, job.out, job.request, job.names, progress, tell)
    target, out = Path(job.targets[0]), Path(job.out)
    try: result = result_at_hand(target, out, job.request)
    except BadInput as e:
        reason, code = explain_error(e)
        result = BatchResult(target=target, out=out, state='failed', reason=reason, code=code)
    result = result or swap_recorded(target, out, job.request, None, progress)
    if tell: tell(result)
    return [result]
