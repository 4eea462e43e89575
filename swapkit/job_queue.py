"""A queue of jobs in a folder, which one or several workers drain without a server

A job is a file in one of four sub-folders: `waiting`, `running`, `done`, `failed`. It changes its state by being
renamed, which is atomic on local disks and on network file systems; no file is ever locked. The name of a running job
holds the name of its worker. The worker touches the file every few seconds. When the file was not touched for the
length of a *lease*, the worker is taken for dead. Another one renames the file to its own name and goes on; finished
segments are kept. All times are those of the file server, so the clocks of the machines may differ.

A worker whose lease was taken over, because it was suspended or cut off, notices it at its next step and stops.
"""

import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .batch import BatchResult, explain_error, worst_code
from .errors import BadInput, OutputBusy, SystemFault
from .job_file import check_job, JobFile, read_job, run_job, write_job
from .messages import logger
from .option_files import read_toml
from .types import PathLike
from .video.containers import replacing

__all__ = ['STATES', 'TRIES', 'LeaseLost', 'QueueEntry', 'JobQueue', 'run_worker']

STATES = 'waiting', 'running', 'done', 'failed'
TRIES = 3           # workers that may die over a job until it counts as failed
_LEASE = 60.        # seconds


class LeaseLost(KeyboardInterrupt):
    "Raised in a worker whose job was taken over by another one; ends the job like Ctrl-C, without an output."


@dataclass(kw_only=True)
class QueueEntry:
    "A job of a queue, as `JobQueue.entries` gives it."
    name:str
    state:str               # one of `STATES`
    worker:str = ''         # the last one that had it; '' of a job that waits
    tries:int = 0           # workers that have begun it since it was added or retried
    done:int = 0            # frames of the film that is being worked on; of a job that is done, of all its targets
    total:int = 0
    what:str = ''           # that film and what is done with it; of a finished job a summary
    code:int = 0            # exit code of the worst target
    results:list[dict[str, Any]] = field(default_factory=list) # of a finished job: target, out, state, reason …


class JobQueue:
    "A queue in a folder. Raises `SystemFault` if the folder cannot be written."
    def __init__(self, folder:PathLike, lease:float|None=None):
        self.folder = Path(folder)
        try:
            for s in (*STATES, 'reports', 'workers'): (self.folder/s).mkdir(parents=True, exist_ok=True)
            settings = self.folder/'queue.toml'
            if not settings.exists(): # all workers share one lease
                with replacing(settings) as made: made.write_text(f'lease = {float(lease or _LEASE)} # seconds\n')
        except OSError as e: raise SystemFault(f"{folder} cannot be used as a queue: {e.strerror}") from e
        self.lease = float(read_toml(settings)['lease'])
    def __repr__(self)->str: return f"JobQueue({str(self.folder)!r})"
    # --- what is known of a job ---
    def _report(self, name:str)->dict[str, Any]:
        try: got = json.loads((self.folder/'reports'/f'{name}.json').read_text())
        except (OSError, ValueError): return {}
        return got if isinstance(got, dict) else {}
    def tell(self, name:str, **changes:Any)->None:
        "Note something about a job. Only its worker does so."
        told = self._report(name) | changes
        with replacing(self.folder/'reports'/f'{name}.json') as made:
            made.write_text(json.dumps(told, indent=1, default=str))
    def files(self, state:str)->list[tuple[str, str, Path]]: # name, worker, file
        "The jobs in one state, those that were added first in front."
        found = sorted((self.folder/state).glob('[!.]*.toml'))
        parts = [f.stem.partition('~') for f in found]
        return [(name, worker, f) for (name,_,worker),f in zip(parts, found)]
    def entries(self)->list[QueueEntry]:
        "All jobs, in the order in which they were added."
        seen = {}
        for state in STATES: # a job that moves on meanwhile is seen twice, and its later state counts
            for name,worker,_ in self.files(state): seen[name] = (state, worker)
        shown = ('worker', 'tries', 'done', 'total', 'what', 'code', 'results')
        def entry(name, state, worker):
            told = {k: v for k,v in self._report(name).items() if k in shown}
            if worker or state=='waiting': told['worker'] = worker
            return QueueEntry(name=name, state=state, **told)
        return [entry(n, s, w) for n,(s,w) in sorted(seen.items())]
    # --- moving jobs ---
    def add(self, job:JobFile, file:PathLike='')->str: # its name
        """Check a job and put it at the end of the queue. Its name has the time, the name of its file or of its first
        target, and a random end."""
        check_job(job)
        stem = re.sub(r'\W+', '_', Path(file or job.targets[0]).stem)[:40].strip('_') or 'job'
        now = time.time_ns()//1000
        at = time.strftime('%Y%m%d-%H%M%S', time.gmtime(now//10**6)) + f'{now%10**6:06}'
        name = f'{at}-{stem}-{secrets.token_hex(2)}'
        made = write_job(job, self.folder/f'.{name}.toml')
        made.rename(self.folder/'waiting'/f'{name}.toml')
        return name
    def _now(self, worker:str)->float:
        "The time of the file server."
        mine = self.folder/'workers'/worker
        mine.touch()
        return mine.stat().st_mtime
    def _claim(self, path:Path, to:Path)->bool:
        "Rename a job to a name of this worker. False if another worker was faster."
        try: path.rename(to)
        except FileNotFoundError: pass # some network file systems report so although they have renamed
        try: os.utime(to)
        except FileNotFoundError: return False
        return True
    def take(self, worker:str)->'tuple[str, Path]|None': # name, its file
        "Take the next job: one that waits, or one whose worker has died. None if there is none now."
        now = self._now(worker)
        late = [(n, f) for n,_,f in self.files('running') if now-_time_of(f, now)>self.lease]
        for name,path in [*late, *((n, f) for n,_,f in self.files('waiting'))]:
            mine = self.folder/'running'/f'{name}~{worker}.toml'
            if not self._claim(path, mine): continue
            tries = self._report(name).get('tries', 0)+1
            if tries>TRIES:
                self.tell(name, what=f"failed: its worker died {TRIES} times", code=1, results=[])
                self.move(mine, 'failed', name)
                continue
            if path.parent.name=='running':
                logger.warning(f"the worker of {name} does not answer; {worker} goes on with it")
            self.tell(name, worker=worker, tries=tries, done=0, total=0, what='begins', code=0, results=[])
            return name, mine
        return None
    def move(self, path:Path, state:str, name:str)->None:
        "Give a job that this worker holds another state. Raises `LeaseLost` if it does not hold it any more."
        try: path.rename(self.folder/state/f'{name}.toml')
        except FileNotFoundError:
            if not (self.folder/state/f'{name}.toml').exists(): raise LeaseLost(f"{name} was taken over") from None
    def retry(self, names:Iterable[str]=())->list[str]: # the names of jobs that wait again
        "Put failed jobs back into the queue; all of them by default. Raises `BadInput` for a job that has not failed."
        failed, asked = {n: f for n,_,f in self.files('failed')}, list(names)
        for n in asked:
            if n not in failed: raise BadInput(f"{n} is not a failed job of {self.folder}")
        for n in asked or failed:
            self.tell(n, tries=0, done=0, total=0, what='', code=0, results=[])
            failed[n].rename(self.folder/'waiting'/f'{n}.toml')
        return asked or list(failed)


def _time_of(path:Path, default:float)->float:
    try: return path.stat().st_mtime
    except OSError: return default


@contextmanager
def _heartbeat(path:Path, every:float)->Iterator[threading.Event]: # set when the lease is lost
    "Touch a file again and again, in a thread."
    end, lost = threading.Event(), threading.Event()
    def beat():
        while not end.wait(every):
            try: os.utime(path)
            except FileNotFoundError: lost.set(); return
            except OSError: pass # the network may come back within the lease
    thread = threading.Thread(target=beat, name='heartbeat', daemon=True)
    thread.start()
    try: yield lost
    finally: end.set(); thread.join()


def summarize(results:list[BatchResult])->str:
    "Write in a few words what became of a job."
    count = {s: sum(r.state==s for r in results) for s in ('done', 'skipped', 'failed')}
    said = ', '.join(f'{n} {s}' for s,n in count.items() if n)
    why = next((r.reason for r in results if r.state=='failed'), '')
    return (why if why and len(results)==1 else f'{said}: {why}' if why else said) or 'nothing to do'


def _run_one(queue:JobQueue, name:str, path:Path, run:dict[str, Any], progress:Any)->'list[BatchResult]|None':
    "Run a job that this worker holds. None if another process is writing its output."
    told = time.monotonic()
    with _heartbeat(path, queue.lease/6) as lost:
        def step(done, total, what):
            nonlocal told
            if lost.is_set(): raise LeaseLost(f"{name} was taken over by another worker")
            if time.monotonic()-told>queue.lease/6:
                told = time.monotonic()
                queue.tell(name, done=done, total=total, what=what)
            if progress: progress(done, total, f'{name}: {what}')
        def check(result):
            if lost.is_set(): raise LeaseLost(f"{name} was taken over by another worker")
        try:
            job = read_job(path)
            job = replace(job, request=replace(job.request, run=replace(job.request.run, **run)))
            results = run_job(job, step, check)
        except OutputBusy: return None
        except Exception as e: # noqa: BLE001
            reason, code = explain_error(e)
            results = [BatchResult(target=path, out=None, state='failed', reason=reason, code=code)]
    return None if any(r.busy for r in results) else results


def run_worker(
    queue:JobQueue,
    worker:str='',          # its name; host, process and a random number by default
    run:dict[str, Any]|None=None,   # options of `RunOptions` for this machine, such as device
    wait:bool=False,        # go on when the queue is empty
    progress:Callable[[int, int, str], None]|None=None,
    tell:Callable[[str, str, list[BatchResult]], object]|None=None, # called with a job's name, state and results
)->int:                     # exit code of the worst job
    """Do the jobs of a queue until it is empty, those included whose worker died; wait for those that others are at.
    After Ctrl-C the job waits again, and its finished segments are kept."""
    worker = re.sub(r'[^\w.-]+', '_', worker or f'{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}')
    codes = [0]
    try:
        while True:
            if (taken := queue.take(worker)) is None:
                if not (wait or queue.files('running') or queue.files('waiting')): break
                time.sleep(min(2., queue.lease/4))
                continue
            name, path = taken
            try: results = _run_one(queue, name, path, run or {}, progress)
            except LeaseLost as e: logger.warning(str(e)); continue
            except KeyboardInterrupt:
                queue.tell(name, done=0, total=0, what='stopped', tries=queue._report(name).get('tries', 1)-1)
                queue.move(path, 'waiting', name)
                raise
            try:
                if results is None: # a run that is no worker of this queue, or one that is about to stop
                    tries = queue._report(name).get('tries', 1)-1
                    queue.tell(name, what='waits: another run is writing its output', tries=tries)
                    queue.move(path, 'waiting', name)
                    time.sleep(min(2., queue.lease/4))
                    continue
                code = worst_code(results)
                state = 'failed' if code else 'done'
                n = sum(r.numbers.get('frames', 0) for r in results)
                queue.tell(name, done=n, total=n, what=summarize(results), code=code,
                           results=[asdict(r) for r in results])
                queue.move(path, state, name)
            except LeaseLost as e: logger.warning(str(e)); continue
            codes.append(code)
            if tell: tell(name, state, results)
    finally: (queue.folder/'workers'/worker).unlink(missing_ok=True)
    return max(codes, key=lambda c: (c==1, c))
