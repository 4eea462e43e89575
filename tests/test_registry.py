"Registries, stages with networks, and plug-ins."
import functools
import importlib
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from swapkit import registry as r
from swapkit.errors import BadInput
from swapkit.fingerprint import fingerprint_of
from swapkit.registry import NetSpec, NetStage, Registry, load_plugin

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = {k: v for k,v in vars(r).items() if isinstance(v, Registry)}     # SWAPPERS and so on


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    "What a test registers is gone after it."
    for reg in VARIABLE.values(): reg.load() # what modules register stays
    monkeypatch.setattr(r, '_all', dict(r._all))
    for reg in VARIABLE.values():
        monkeypatch.setattr(reg, '_specs', dict(reg._specs)); monkeypatch.setattr(reg, '_owner', dict(reg._owner))
        monkeypatch.setattr(reg, '_under', dict(reg._under))


@dataclass(frozen=True, kw_only=True)
class FruitSpec(NetSpec):
    size: int = 1


def refused(make, *says):
    with pytest.raises(BadInput) as e: make()
    line = str(e.value)
    assert '\n' not in line
    for s in says: assert s in line, line


# --- registries ---

@pytest.mark.parametrize('name', VARIABLE)
def test_builtin_names_are_the_registered_ones(name):
    reg, found = VARIABLE[name], []
    for m in reg.modules: found += [n for n in getattr(importlib.import_module(m), name, ()) if n not in found]
    assert tuple(found)==reg.builtin, f"{name} of swapkit/registry.py, and what {', '.join(reg.modules)} registers"


def test_register():
    fruits = Registry('fruit')
    fruits['fig'] = 1
    fruits |= dict(kiwi=2)
    assert fruits.register('plum', 3)==3
    @fruits.register('pear')
    def pear(): return 4
    assert list(fruits)==['fig', 'kiwi', 'plum', 'pear'] and fruits['pear'] is pear and fruits['kiwi']==2
    assert 'fig' in fruits and 'x' not in fruits and fruits.get('x') is None
    assert len(fruits)==4 and r.names('fruit')==tuple(fruits)
    refused(lambda: fruits['figg'], "unknown fruit 'figg': choose fig, kiwi, plum, pear", "did you mean 'fig'")
    refused(lambda: fruits.register('a b', 1), 'cannot name a fruit')
    refused(lambda: r.names('nothing'), 'unknown kind')
    assert repr(fruits)=="Registry('fruit': fig, kiwi, plum, pear)"
    del fruits['fig']
    assert 'fig' not in fruits


def test_a_name_is_taken_once():
    fruits = Registry('fruit', 'os', builtin=('apple',))
    fruits['fig'] = 1
    fruits['fig'] = 2                                                    # the same module again: it was reloaded
    other = lambda code: exec(code, dict(__name__='elsewhere', fruits=fruits))
    refused(lambda: other("fruits['fig'] = 3"), "a fruit 'fig' already", 'replace=True')
    refused(lambda: other("fruits['apple'] = 3"), "a fruit 'apple' already")
    other("fruits.register('fig', 3, replace=True)")
    other("fruits.register('apple', 3, replace=True)")
    exec("fruits['apple'] = 'built in'", dict(__name__='os', fruits=fruits)) # its module comes later
    assert fruits['fig']==fruits['apple']==3


def test_notebooks_run_cells_again(monkeypatch):
    fruits = Registry('fruit', 'os', builtin=('apple',))
    typed = lambda code: exec(code, dict(__name__='__main__', fruits=fruits))
    monkeypatch.setattr(r, '_interactive', lambda module: module=='__main__')
    typed("fruits['fig'] = 1"); typed("fruits['fig'] = 2"); typed("fruits['apple'] = 'draft'")
    exec("fruits['apple'] = 'built in'", dict(__name__='os', fruits=fruits))
    assert fruits['fig']==2 and fruits['apple']=='draft'


def test_specs():
    fruits = Registry('fruit', spec=FruitSpec)
    @fruits.register('fig', license='MIT', size=3)
    def load(device, engine): return device, engine
    assert fruits['fig']==FruitSpec(load=load, license='MIT', size=3) and fruits['fig'].needs==()
    refused(lambda: fruits.register('kiwi', 3), 'give a FruitSpec, not a int')
    with pytest.raises(TypeError): fruits.register('x', FruitSpec(), size=2)
    refused(lambda: NetSpec(commercial='maybe'), 'choose yes, no, unclear')
    refused(lambda: NetSpec(needs='net'), 'tuple')
    class Fruit(NetStage): registry = fruits
    stage = Fruit('fig', 'cpu', 'torch')
    assert stage.net==('cpu', 'torch') and stage.spec.size==3 and repr(stage)=="Fruit('fig', cpu)"
    refused(lambda: Fruit('figs', 'cpu'), "did you mean 'fig'")
    assert Fruit(FruitSpec(load=load, size=5), 'cpu').spec.size==5      # one that has no name
    assert stage.fingerprint(str)!=Fruit(FruitSpec(load=load, size=5), 'cpu').fingerprint(str)


def test_fingerprint_of_a_network():
    def spec(k=1, **kw): return FruitSpec(load=functools.partial(lambda device, k: k, k=k), **kw)
    sha = lambda name: f'hash of {name}'
    base = spec(needs=('net',)).fingerprint(sha)
    assert base==spec(needs=('net',), license='MIT', commercial='no').fingerprint(sha)     # words change no picture
    changed = spec(2, needs=('net',)), spec(needs=('net',), size=2), spec(needs=('other',))
    others = [s.fingerprint(sha) for s in changed] + [spec(needs=('net',)).fingerprint(lambda name: 'another file')]
    assert len({base, *others})==5


# --- plug-ins ---

def write(path, text):
    path.write_text(textwrap.dedent(text))
    return path


def test_plugin_file(tmp_path):
    file = write(tmp_path/'my plug.py', '''
        from swapkit.registry import SMOOTHERS
        K = 2
        @SMOOTHERS.register('plugged')
        def smooth(y, seen, r, hard): return y*K
        ''')
    module = load_plugin(file)
    assert r.SMOOTHERS['plugged'] is module.smooth and 'plugged' in r.names('smoother')
    assert load_plugin(str(file)) is module
    before = fingerprint_of(module.smooth)
    write(file, file.read_text().replace('K = 2', 'K = 3'))
    again = load_plugin(file)                                           # changed: it takes its own place
    assert again is not module and r.SMOOTHERS['plugged'] is again.smooth and fingerprint_of(again.smooth)!=before
    assert os.listdir(tmp_path)==['my plug.py']


@pytest.mark.parametrize('text, says', [
    ('x = (', ('SyntaxError', 'line 1')), ('x = 1\nimport no_such_module_here', ('ModuleNotFoundError', 'line 2')),
    ("from swapkit.registry import SMOOTHERS as S\nS['half'] = print\nraise ValueError('a\\nb')",
     ("ValueError: a b (line 3)",)),
    ('import sys\nsys.exit(3)', ('SystemExit',)),
    ('from swapkit.registry import READERS as R\nR["pyav"] = 1', ("reader 'pyav' already", 'line 2')),
    ('\0', ())])
def test_broken_plugin_file(tmp_path, text, says):
    loaded = set(sys.modules)
    refused(lambda: load_plugin(write(tmp_path/'bad.py', text)), 'bad.py cannot be used', *says)
    assert 'half' not in r.names('smoother')
    assert not [m for m in set(sys.modules)-loaded if m.startswith('swapkit_plugin')]


def test_a_plugin_that_fails_takes_nothing_along(tmp_path, monkeypatch):
    "What it replaced is there again, and so are the built-in entries that it was the first to load."
    monkeypatch.syspath_prepend(tmp_path)
    home = "from swapkit.registry import registries\nregistries()['fruit'] |= dict(fig=1, kiwi=2)\n"
    write(tmp_path/'fruit_home.py', home)
    fruits = Registry('fruit', 'fruit_home', builtin=('fig', 'kiwi'))
    file = write(tmp_path/'plug.py', '''
        from swapkit.registry import registries
        fruits = registries()['fruit']
        fruits.register('fig', 'mine', replace=True)
        assert fruits['kiwi']==2 and fruits['fig']=='mine'
        fruits.register('kiwi', 'mine', replace=True)
        fruits['plum'] = 3
        1/0
        ''')
    refused(lambda: load_plugin(file), 'ZeroDivisionError', 'line 8')
    assert dict(fruits)==dict(fig=1, kiwi=2)
    load_plugin(write(file, file.read_text().replace('1/0', '')))
    assert dict(fruits)==dict(fig='mine', kiwi='mine', plum=3)
    del fruits['fig']
    assert fruits['fig']==1


def test_no_plugin_file(tmp_path):
    refused(lambda: load_plugin(tmp_path/'none.py'), 'no such file')
    refused(lambda: load_plugin(tmp_path/'film.mp4'), 'Python file')
    (tmp_path/'d.py').mkdir()
    refused(lambda: load_plugin(tmp_path/'d.py'), 'cannot be read')


def test_installed_plugins(tmp_path):
    "Entry points: those that work are known, one that is broken is a line of the log."
    info = tmp_path/'plugs-1.dist-info'
    info.mkdir()
    (info/'METADATA').write_text('Metadata-Version: 2.1\nName: plugs\nVersion: 1\n')
    points = 'plain = plugs_plain\ncalled = plugs_called:setup\nbad = plugs_bad\n'
    (info/'entry_points.txt').write_text(f'[swapkit.plugins]\n{points}')
    write(tmp_path/'plugs_plain.py', "from swapkit.registry import SMOOTHERS\nSMOOTHERS['plain'] = print\n")
    write(tmp_path/'plugs_called.py', "from swapkit.registry import READERS\ndef setup(): READERS['called'] = print\n")
    write(tmp_path/'plugs_bad.py', "from swapkit.registry import READERS\nREADERS['half'] = print\n1/0\n")
    code = '''import logging; logging.basicConfig()
from swapkit.options import AnalyzeOptions, RunOptions
AnalyzeOptions(smooth='plain'); RunOptions(reader='called')
from swapkit.registry import names
assert 'half' not in names('reader')
import sys; assert 'torch' not in sys.modules'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT,
                          env=os.environ | dict(PYTHONPATH=os.pathsep.join([str(ROOT), str(tmp_path)])))
    assert done.returncode==0, done.stderr
    assert done.stderr.count('\n')==1 and 'bad was left out: ZeroDivisionError' in done.stderr
