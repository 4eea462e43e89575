"""Runs notebooks by nbdev's own runner, each in a process of its own.

The processes are forked from one that has loaded the large libraries (`multiprocessing`'s fork server). Otherwise each
of 190 notebooks would load them again, for two to three seconds. Systems without it start a new process each."""
import atexit
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

LARGE = ['nbdev.test', 'torch', 'cv2', 'matplotlib.pyplot', 'PIL.Image']   # loaded once; none of them is swapkit's


def run(path, root, flags, env, out):
    "In the new process: run a notebook, write what it says into a file, and end with exit code 0 or 1."
    os.environ.update(env)
    os.chdir(root)
    with open(out, 'wb') as f:
        for to in (sys.stdout, sys.stderr): to.flush()
        for number in (1, 2): os.dup2(f.fileno(), number)
    from nbdev.config import get_config
    from nbdev.test import test_nb
    ok, _ = test_nb(path, skip_flags=get_config(root).tst_flags.split(), force_flags=flags, basepath=root)
    atexit._run_exitfuncs()     # a forked process does not: temporary folders would stay
    for to in (sys.stdout, sys.stderr): to.flush()
    sys.exit(not ok)


def processes():
    way = 'forkserver' if 'forkserver' in multiprocessing.get_all_start_methods() else 'spawn'
    made = multiprocessing.get_context(way)
    if way == 'forkserver': made.set_forkserver_preload([*LARGE, __name__])
    return made


def run_notebook(path, flags, env, root, seconds=1800):
    "(exit code, text) of a notebook that ran with these flags and environment variables."
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)/'out.txt'
        process = processes().Process(target=run, args=(str(path), str(root), list(flags), env, str(out)))
        process.start()
        process.join(seconds)
        late = process.is_alive()
        if late: process.kill(), process.join()
        text = out.read_text(encoding='utf-8', errors='replace') if out.exists() else ''
        return process.exitcode, text + f'\nstopped after {seconds} s'*late
