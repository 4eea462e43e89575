"""Measure swapkit on this machine's card: `python3 run.py [MINUTES]`. README.txt says what it needs and writes.

Every part runs in another process with a time limit: one that fails, hangs or runs out of time is reported by one line,
and the others go on. Needs only Python's standard library; the parts need what README.txt names."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plan import PARTS
from report import judge, text_of

HERE = Path(__file__).resolve().parent
NEEDED = 'torch numpy cv2 PIL matplotlib safetensors onnx onnxruntime click tqdm filelock'.split()
LOOK = """
import importlib.util, json, sys
lost = [m for m in sys.argv[1:] if importlib.util.find_spec(m) is None]
card = None
if 'torch' not in lost:
    import torch
    card = torch.cuda.is_available()
print(json.dumps(dict(lost=lost, card=card)))
"""


class Stop(Exception):
    "Something the user can put right: one line."


def environment(work):
    "Variables of the processes that measure: the packages of the archive first, caches in the temporary folder."
    env = {k: v for k, v in os.environ.items() if not k.startswith('SWAPKIT_')}
    paths = [str(HERE/d) for d in ('project', 'site')] + [p for p in (env.get('PYTHONPATH'),) if p]
    return env | dict(
        PYTHONPATH=os.pathsep.join(paths), PYTHONPYCACHEPREFIX=str(work/'pyc'), SWAPKIT_STAND_INS='all',
        XDG_CACHE_HOME=str(work/'cache'), XDG_CONFIG_HOME=str(work/'config'), XDG_DATA_HOME=str(work/'data'),
        TORCHINDUCTOR_CACHE_DIR=str(work/'inductor'), TRITON_CACHE_DIR=str(work/'triton'), MPLBACKEND='Agg',
        PYTHONWARNINGS='ignore', TMPDIR=str(work),
    )


def look(env, about, asked):
    "The device to measure on; raises `Stop` where this Python cannot do it."
    here = '%d.%d' % sys.version_info[:2]
    if about['python'] and about['python'] != here:
        raise Stop(f"this archive is for Python {about['python']} and this is {here}: start it with "
                   f"python{about['python']}, or pack another with --python {here}")
    said = subprocess.run([sys.executable, '-c', LOOK, *NEEDED], env=env, stdout=subprocess.PIPE, text=True)
    if said.returncode: raise Stop('torch cannot be imported here; the lines above say why')
    found = json.loads(said.stdout.splitlines()[-1])
    if found['lost']: raise Stop(f"this Python lacks {', '.join(found['lost'])}")
    if asked == 'cpu' or found['card']: return 'cpu' if asked == 'cpu' else 'cuda'
    raise Stop('torch finds no usable CUDA card here; --device cpu makes a short trial without one')


class Worker:
    "A process that measures parts one after the other and writes what it finds to a file, line by line."
    def __init__(self, names, task, env, folder, n):
        self.events, self.log = folder/f'events-{n}.jsonl', open(folder/'log.txt', 'ab')
        self.events.touch()
        task = task | dict(parts=names, events=str(self.events))
        self.proc = subprocess.Popen([sys.executable, str(HERE/'worker.py'), json.dumps(task)], env=env,
                                     cwd=task['folder'], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                     start_new_session=True)
        self.file, self.rest = open(self.events, encoding='utf-8'), ''

    def read(self):
        "The events since the last call."
        *lines, self.rest = (self.rest + self.file.read()).split('\n')
        return [json.loads(line) for line in lines]

    def kill(self):
        "End the process and those it started, such as ffmpeg."
        try: os.killpg(self.proc.pid, signal.SIGKILL)
        except ProcessLookupError: pass
        self.proc.wait()

    def close(self):
        self.kill()
        self.file.close()
        self.log.close()


class Measurement:
    "Runs all parts within the time, and keeps what they report."
    def __init__(self, parts, task, env, folder, seconds, save):
        self.todo, self.task, self.env, self.folder, self.save = list(parts), task, env, folder, save
        self.start = time.monotonic()
        self.until, self.slow = self.start + seconds, 1 if task['device'] == 'cuda' else 4
        self.found, self.workers = {}, 0

    @property
    def left(self): return self.until - time.monotonic()

    def found_of(self, part): return self.found.setdefault(part.name, dict(rows={}))

    def note(self, part, status, why='', **more):
        "Keep the end of a part."
        got = self.found_of(part)
        if got['rows'] and status != 'measured': status = f'partly measured; {status}'
        got.update(status=status, **({'why': why} if why else {}), **more)
        said = f': {why}' if why else ''
        print(f'[{time.monotonic() - self.start:4.0f} s] {part.name}: {status}{said}', flush=True)
        self.save(self.found)

    def next_parts(self):
        "The parts that the next process runs: those up to one that wants a process of its own."
        n = next((i for i, p in enumerate(self.todo) if i and p.fresh), len(self.todo))
        return self.todo[:n]

    def run(self):
        while self.todo:
            part = self.todo[0]
            if self.left < part.least:
                self.note(self.todo.pop(0), 'not measured', f'{max(self.left, 0):.0f} s were left, it needs more')
            else: self.run_worker(self.next_parts())
        return self.found

    def run_worker(self, parts):
        "Run parts in one process until it ends, or one of them takes too long."
        worker = Worker([p.name for p in parts], self.task, self.env, self.folder, self.workers)
        self.workers += 1
        since, running, any_began = time.monotonic(), False, False
        try:
            while True:
                ended = worker.proc.poll() is not None  # asked before the last lines are read
                for e in worker.read():
                    if e['event'] == 'start':
                        if self.left < self.todo[0].least: return
                        since, running, any_began = time.monotonic(), True, True
                    elif e['event'] == 'row': self.found_of(self.todo[0])['rows'][e['row']] = e['value']
                    else:
                        self.end(e)
                        since, running = time.monotonic(), False
                if not self.todo or self.todo[0] not in parts: return
                spent = time.monotonic() - since
                if spent > min(self.todo[0].limit*self.slow, self.left + spent):
                    why = f'stopped after {spent:.0f} s' + ('' if self.left > 0 else ', when the time was over')
                    return self.note(self.todo.pop(0), 'not measured', why, seconds=round(spent, 1))
                if ended and (running or not any_began):
                    why = f'its process ended with code {worker.proc.returncode}; see log.txt'
                    return self.note(self.todo.pop(0), 'failed', why)
                if ended: return
                time.sleep(.05)
        finally: worker.close()

    def end(self, e):
        where = {'where': e['where']} if e.get('where') else {}
        self.note(self.todo.pop(0), e['status'], e.get('why', ''), seconds=e['seconds'], **where)


def main(argv=None):
    p = argparse.ArgumentParser(description='Measure swapkit on this card.')
    p.add_argument('minutes', nargs='?', type=float, default=8, help='the most it may take (8)')
    p.add_argument('--device', choices=('cuda', 'cpu'), default='cuda')
    p.add_argument('--size', choices=('full', 'small', 'tiny'), help='full on a card, small on a CPU')
    p.add_argument('--only', nargs='+', default=[], metavar='WORD', help='only parts with these words in their names')
    p.add_argument('--out', default='report', help='folder of report.txt and report.json')
    a = p.parse_args(argv)
    about, began, out = json.loads((HERE/'about.json').read_text()), time.monotonic(), Path(a.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    for f in ('report.txt', 'report.json', 'log.txt'): (out/f).unlink(missing_ok=True)
    parts = [p for p in PARTS if p.name == 'machine' or not a.only or any(w in p.name for w in a.only)]
    if len(parts) < 2 and a.only: raise Stop(f"no part has {' or '.join(a.only)} in its name")
    with tempfile.TemporaryDirectory(prefix='swapkit-gpu-', ignore_cleanup_errors=True) as work:
        work = Path(work)
        env = environment(work)
        device = look(env, about, a.device)
        size = a.size or ('full' if device == 'cuda' else 'small')
        task = dict(device=device, size=size, minutes=a.minutes, folder=str(work), archive=str(HERE))

        def save(found):
            machine = {k: v for row in found.get('machine', {}).get('rows', {}).values() for k, v in row.items()}
            report = dict(command='python run.py ' + ' '.join(sys.argv[1:] if argv is None else argv), about=about,
                          device=device, size=size, minutes=a.minutes, seconds=round(time.monotonic() - began, 1),
                          machine=machine | dict(swapkit=about['version'], date=time.strftime('%Y-%m-%d')), parts=found)
            report['bars'] = judge(report)
            (out/'report.json').write_text(json.dumps(report, indent=1) + '\n')
            (out/'report.txt').write_text(text_of(report), encoding='utf-8')

        try: Measurement(parts, task, env, out, 60*a.minutes - (time.monotonic() - began) - 3, save).run()
        finally:
            for f in out.glob('events-*.jsonl'): f.unlink()
    print((out/'report.txt').read_text(encoding='utf-8'))
    print(f'written: {out/"report.txt"} and report.json')
    bad = [k for k, v in json.loads((out/'report.json').read_text())['parts'].items() if 'failed' in v['status']]
    return int(bool(bad))


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))    # processes that measure are ended too
    try: sys.exit(main())
    except Stop as e:
        print(f'run.py: {e}', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt: sys.exit(130)
