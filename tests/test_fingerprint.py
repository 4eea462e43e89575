"Fingerprints of code, of values and of the package."
import functools
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from swapkit.fingerprint import fingerprint_of, package_fingerprint

ROOT = Path(__file__).resolve().parent.parent


def write(path, text):
    path.write_text(textwrap.dedent(text))
    return path


def made(body='x+1', default=1, inside=1, helper='x'):
    "A function made from text, as in a notebook or a plug-in."
    code = f'''
class Op:
    def __init__(self, k): self.k = k
    def __call__(self, x): return helper(x)*self.k
def helper(x): return {helper}
def make(k):
    def f(x, y={default}): return {body} + k + helper(x)
    return f
f, op = make({inside}), Op({inside})
'''
    space = dict(__name__='__main__')
    exec(compile(code, f'<{body}>', 'exec'), space)
    return space


def test_fingerprint_changes():
    base = fingerprint_of(made()['f'])
    assert base==fingerprint_of(made()['f'])                            # another object, the same code
    ways = dict(body='x+2'), dict(body='x-1'), dict(default=2), dict(inside=2), dict(helper='x+1')
    others = [fingerprint_of(made(**kw)['f']) for kw in ways]
    others += [fingerprint_of(functools.partial(made()['f'], y=3)), fingerprint_of(functools.partial(made()['f'], y=4))]
    assert len({base, *others})==8
    op = fingerprint_of(made()['op'])
    assert op==fingerprint_of(made()['op'])
    assert len({op, fingerprint_of(made(inside=2)['op']), fingerprint_of(made(helper='2*x')['op'])})==3
    assert fingerprint_of(functools.cache(made()['f']))!=fingerprint_of(functools.cache(made('x+2')['f']))


def test_fingerprint_of_values():
    a = np.arange(6.)
    different = [1, 1., True, '1', b'1', None, ..., (1,), [1], {1}, {'1': 1}, a, a.reshape(2, 3), a.astype('f4'), a+1,
                 Path('1'), print, int]
    assert len({fingerprint_of(x) for x in different})==len(different)
    assert fingerprint_of(dict(a=1, b=2))==fingerprint_of(dict(b=2, a=1))
    loop = []; loop.append(loop)
    assert fingerprint_of(loop)==fingerprint_of(loop) and fingerprint_of(object())==fingerprint_of(object())
    torch = pytest.importorskip('torch')
    net = torch.nn.Linear(2, 2)
    before = fingerprint_of(net)
    assert before==fingerprint_of(net)
    assert fingerprint_of(torch.zeros(2))!=fingerprint_of(torch.zeros(2, dtype=torch.bfloat16))
    with torch.no_grad(): net.weight += 1
    assert fingerprint_of(net)!=before
    inferring = torch.inference_mode()
    assert fingerprint_of(inferring(made()['f']))!=fingerprint_of(inferring(made('x+2')['f']))


def test_fingerprint_is_equal_in_two_processes(tmp_path):
    "Whatever the order of sets, the addresses, and whether the file was compiled just now or came from the cache."
    write(tmp_path/'mine.py', '''
        import functools, logging, math, re
        POINTS, NAMES, log, odd = (1, 2, 3), {'a', 'b', 'c', 'd'}, logging.getLogger('x'), re.compile('x')
        class Base:
            def scale(self): return (1, 2, 3)
        class Op(Base):
            __slots__ = ('k', 'other')
            def __init__(self): self.k, self.other = 2, object()
            def __call__(self, x): return [y for y in POINTS if x in {'p', 'q', 'r'}] + [math.pi, *self.scale()]
        @functools.lru_cache(3)
        def slow(x): return x, (1, 2, 3)
        def f(x, y=frozenset('abc'), *, z=Op()):
            log.info(x)
            return slow(x), NAMES, lambda: odd.match(x), (1, 2, 3)
        ''')
    code = "from swapkit import fingerprint as f; import mine as m; print(f.fingerprint_of(m.f, m.Op()))"
    said, env = set(), os.environ | dict(PYTHONPATH=os.pathsep.join([str(ROOT), str(tmp_path)]))
    env.pop('PYTHONDONTWRITEBYTECODE', None)
    for seed in '123':
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT,
                              env=env | dict(PYTHONHASHSEED=seed))
        assert done.returncode==0, done.stderr
        said.add(done.stdout)
    assert len(said)==1 and (tmp_path/'__pycache__').exists()


def test_fingerprint_of_the_package(tmp_path):
    copy = shutil.copytree(ROOT/'swapkit', tmp_path/'swapkit', ignore=shutil.ignore_patterns('__pycache__'))
    def ask(code='print(p())'):
        code = f'from swapkit.fingerprint import package_fingerprint as p; {code}'
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path,
                              env=os.environ | dict(PYTHONPATH=str(tmp_path)))
        assert done.returncode==0, done.stderr
        return done.stdout
    first = ask()
    (copy/'apps'/'new.py').write_text('x = 1\n')
    (copy/'_modidx.py').open('a').write('# changed\n')
    assert ask()==first                                                 # no picture depends on them
    (copy/'errors.py').open('a').write('# changed\n')
    second = ask()
    assert second!=first
    edit = f"a = p(); open({str(copy/'errors.py')!r}, 'a').write('# more\\n'); print(a, p()!=a, p()==p())"
    assert ask(edit)==f'{second.strip()} True True\n'                   # edited under a running process: its own
    third = ask()
    assert third!=second and third==ask()
    assert package_fingerprint()==package_fingerprint()
