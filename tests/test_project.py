"The project's frame: what settings.ini, the modules, the notebooks and the README owe each other."
import ast
import functools
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

import dev

PACKAGE = dev.ROOT/'swapkit'
FILES = [p for p in sorted(PACKAGE.rglob('*.py')) if p.name[0]!='_']
MODULES = {'.'.join(p.relative_to(PACKAGE).with_suffix('').parts): p for p in FILES}


def imports(path):
    "(module, names, inside a function) of every import statement; relative ones as `swapkit...`."
    tree = ast.parse(path.read_text(encoding='utf-8'))
    top = set(map(id, tree.body))
    package = ('swapkit',) + path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import): yield from ((a.name, [], id(node) not in top) for a in node.names)
        if isinstance(node, ast.ImportFrom):
            base = package[:len(package)+1-node.level] if node.level else ()
            names = [a.name for a in node.names]
            yield '.'.join([*base, node.module] if node.module else base), names, id(node) not in top


# --- one version, one description ---

def test_settings_agree():
    ini, project = dev.settings(), tomllib.loads((dev.ROOT/'pyproject.toml').read_text())['project']
    version = re.search(r'__version__ = "(.+)"', (PACKAGE/'__init__.py').read_text())[1]
    assert version==ini['version']
    assert project.get('version', ini['version'])==ini['version']
    assert (project['name'], project['description']) == (ini['lib_name'], ini['description'])
    assert project['license']==ini['license']
    assert project['requires-python']==f">={ini['min_python']}"
    assert f"## {version}" in (dev.ROOT/'CHANGELOG.md').read_text()


def requirements(*keys):
    "Names of the packages that settings.ini lists, as registries spell them."
    lines = [l for k in keys for l in dev.settings()[k].splitlines() if l]
    return {re.match(r'[\w.-]+', l)[0].lower().replace('_', '-') for l in lines}


def test_constraints_name_every_requirement():
    lines = (dev.ROOT/'constraints.txt').read_text().splitlines()
    pinned = {re.match(r'[\w.-]+', l)[0].lower() for l in lines if '==' in l}
    extras = 'notebook', 'studio', 'dev', 'reference', 'cluster'
    named = 'requirements', *(f'extra_{e}' for e in extras), 'no_deps'
    assert requirements(*named)==pinned


def test_installed_version():
    assert importlib.metadata.version('swapkit')==dev.settings()['version']


# --- modules ---

def test_each_module_imports_alone():
    """Each module imports first in the package, as the module of that name; `face.align` and `blend` load no network.
    Third-party libraries stay loaded, which saves minutes; swapkit itself is forgotten before each import."""
    code = '''
import importlib, sys, types
for name in sys.argv[1:]:
    for m in [m for m in sys.modules if m.split('.')[0]=='swapkit']: del sys.modules[m]
    try:
        m = importlib.import_module(f'swapkit.{name}')
        owner, _, last = m.__name__.rpartition('.')
        assert isinstance(getattr(sys.modules[owner], last), types.ModuleType), 'something else has its name'
        networks = [m for m in sys.modules if m.startswith('swapkit.nets')]
        assert name not in ('face.align', 'blend') or not networks, networks
    except Exception as e: print(f'{name}: {type(e).__name__}: {e}')
'''
    done = subprocess.run([sys.executable, '-c', code, *MODULES], capture_output=True, text=True, cwd=dev.ROOT)
    assert done.returncode==0 and not done.stdout, done.stdout+done.stderr[-2000:]


distributions = functools.cache(importlib.metadata.packages_distributions)


@pytest.mark.parametrize('module', MODULES)
def test_names_what_it_imports(module):
    "No star imports, and what a module cannot do without is a requirement."
    packages = distributions()
    always = requirements('requirements')
    with_extras = requirements('requirements', 'extra_notebook', 'extra_studio', 'extra_cluster', 'no_deps')
    for name,names,nested in imports(MODULES[module]):
        top = name.split('.')[0]
        assert '*' not in names, f"{module}: from {name} import *"
        if top in ('swapkit', 'IPython') or top in sys.stdlib_module_names: continue
        given = {d.lower().replace('_', '-') for d in packages.get(top, [top])}
        assert given & (with_extras if nested else always), f"{module} imports {name}: settings.ini does not name it"


def test_init_exports_no_module():
    tree = ast.parse((PACKAGE/'__init__.py').read_text())
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {a.asname or a.name for n in ast.walk(tree)
             if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
    assert '__version__' in names and not names & {m.split('.')[0] for m in MODULES}


# --- notebooks ---

FOLDERS = '1_base 2_video 3_face 4_mask 5_mesh 6_swap 7_pipeline 8_apps 9_research learn nets'.split()


def test_notebooks_stand_in_folders():
    "Each folder numbers its pages in reading order; tutorials and explanations have no numbers."
    pages = [p.relative_to(dev.ROOT/'nbs') for p in dev.notebooks()]
    assert {p.parts[0] for p in pages if len(p.parts)>1}==set(FOLDERS)
    assert {p.name for p in pages if len(p.parts)==1} <= {'index.ipynb', '0_tour.ipynb'}
    for folder in {p.parent for p in pages if len(p.parts)>1 and p.parts[0]!='learn'}:
        numbers = [p.name[:3] for p in pages if p.parent==folder]
        assert all(re.fullmatch(r'\d\d_', n) for n in numbers) and len(set(numbers))==len(numbers), folder


def test_modules_have_the_names_of_their_notebooks():
    "`nbs/3_face/01_align.ipynb` exports `face.align`: the name after the number is the module's."
    for path in dev.notebooks():
        if module := dev.module_of(path):
            assert module.split('.')[-1]==re.sub(r'^\d\d_', '', path.stem), path
            title = re.search(r'^# *(.*)$', dev.source(dev.cells(path)[0]), re.M)[1]
            assert title in (module, module.split('.')[-1], module.rpartition('.')[0]), (path, title)



def test_notebooks_are_small(): assert dev.check_sizes()==[]
def test_cells_are_clean(): assert dev.check_cells()==[]
def test_no_path_of_this_machine(): assert dev.check_paths()==[]
def test_modules_are_what_notebooks_export(): assert dev.check_sync(sys.executable)==[]


def modules_of(path):
    "What the cells of a notebook import."
    code = '\n'.join(dev.source(c) for c in dev.cells(path) if c['cell_type']=='code')
    nodes = list(ast.walk(ast.parse(re.sub(r'^[%!].*', 'pass', code, flags=re.M)))) # lines that only IPython reads
    return {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names} | {
        n.module for n in nodes if isinstance(n, ast.ImportFrom)
    }


def test_notebooks_run_with_what_demo_installs():
    "What they import is a requirement or in the extras `notebook` and `studio`; Ray is for a slow cell alone."
    packages = importlib.metadata.packages_distributions()
    here = requirements('requirements', 'extra_notebook', 'extra_studio', 'extra_cluster')
    used = {(name.split('.')[0], path.stem) for path in dev.notebooks() for name in modules_of(path)}
    others = {(m, n) for m,n in used if m not in ('swapkit', 'IPython') and m not in sys.stdlib_module_names}
    assert len(others)>100
    assert [(m, n) for m,n in others if not {d.lower().replace('_', '-') for d in packages.get(m, [m])} & here]==[]


def test_flags_are_skipped_by_default():
    "What a plain `nbdev-test` leaves out."
    flags = tomllib.loads((dev.ROOT/'pyproject.toml').read_text())['tool']['nbdev']['tst_flags'].split()
    assert {'weights', 'golden', 'slow', 'gpu'} <= set(flags)


def notebook(path, *sources, outputs=()):
    cells = [dict(cell_type='code', id=f'c{i}', metadata={}, source=s, outputs=list(outputs), execution_count=None)
             for i,s in enumerate(sources)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    return path


def test_the_checks_find_faults(tmp_path):
    assert dev.check_sizes(tmp_path)==dev.check_cells(tmp_path)==dev.check_paths(tmp_path, [])==[]
    notebook(tmp_path/'nbs'/'a.ipynb', '#| export\n#| slwo\nx = 1', outputs=[dict(output_type='error')])
    said = dev.check_cells(tmp_path)
    assert len(said)==2 and "nbs/a.ipynb[0]: unknown directive 'slwo'" in said[0] and 'stores an error' in said[1]
    assert len(dev.check_sizes(tmp_path, one=100))==1 and len(dev.check_sizes(tmp_path, together=100))==1
    notebook(tmp_path/'nbs'/'b.ipynb', f"open('{tmp_path}/x')")
    assert dev.check_paths(tmp_path, [str(tmp_path)])==[f'nbs/b.ipynb: names a folder of one machine: {tmp_path}']
    assert dev.check_paths(tmp_path, [str(tmp_path)[:-1]])==[]


def test_sync_finds_faults(tmp_path):
    notebook(tmp_path/'nbs'/'00_one.ipynb', '#| default_exp one', '#| export\nx = 1')
    (tmp_path/'pyproject.toml').write_text('[project]\nname = "swapkit"\n[tool.nbdev]\n')
    (tmp_path/'settings.ini').write_text('')
    assert 'swapkit/one.py: not exported yet' in dev.check_sync(sys.executable, tmp_path)
    subprocess.run([sys.executable, '-c', 'import nbdev; nbdev.nbdev_export()'], cwd=tmp_path, check=True)
    assert dev.check_sync(sys.executable, tmp_path)==[]
    (tmp_path/'swapkit'/'one.py').open('a').write('y = 2\n')
    (tmp_path/'swapkit'/'gone.py').write_text('# AUTOGENERATED!\n')
    assert dev.check_sync(sys.executable, tmp_path)==['swapkit/gone.py: no notebook exports it; delete it',
                                                      'swapkit/one.py: differs from its notebook; run nbdev-export']


# --- README and set-up ---

README = (dev.ROOT/'README.md').read_text(encoding='utf-8')


def test_readme_is_the_index(): assert dev.check_readme()==[]


def test_readme_has_what_ci_runs():
    ran = re.findall(r'^python3 dev\.py \w+$', (dev.ROOT/'.ci'/'run').read_text(), re.M)
    assert ran==['python3 dev.py demo', 'python3 dev.py test']
    assert all(re.search(f'^{re.escape(c)}$', README, re.M) for c in ran)


def test_readme_links():
    links = [l for l in re.findall(r'\]\(([^)\s#]+)', README) if ':' not in l]
    assert len(links)>10
    assert [l for l in links if not (dev.ROOT/l).exists()]==[]


def test_readme_fits_one_screen():
    "A visitor reads it in a minute: few words, and nothing that is said twice."
    assert len(README.split())<900


def test_contents_name_every_page():
    pages = [p.relative_to(dev.ROOT/'nbs').as_posix() for p in dev.notebooks()]
    listed = (dev.ROOT/'nbs'/'README.md').read_text(encoding='utf-8')
    assert [p for p in pages if '/' in p and f']({p})' not in listed]==[]
    rows = re.findall(r'^\| \[.*', listed, re.M)
    assert len(rows)==len([p for p in pages if '/' in p]) and not any(r.endswith('|  |') for r in rows)


def test_links_of_the_index_are_turned():
    text = '[a](1_base/a.ipynb) [b](../models/README.md) [c](https://x.org/y) ![d](../results/d.jpg)'
    assert dev.from_root(text)=='[a](nbs/1_base/a.ipynb) [b](models/README.md) [c](https://x.org/y) ![d](results/d.jpg)'


def test_old_python_is_refused():
    with pytest.raises(dev.Stop, match=r'needs Python 3\.11 or newer, and this is 3\.8'):
        dev.check_python((3, 8, 1), '3.11')
    dev.check_python((3, 12, 0), '3.11')


def test_dev_parses_on_old_pythons():
    ast.parse((dev.ROOT/'dev.py').read_text(encoding='utf-8'), feature_version=(3, 6))


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    "A checkout whose set-up only notes what it would install."
    for f in ('settings.ini', 'constraints.txt', 'pyproject.toml', 'setup.py'):
        (tmp_path/f).write_bytes((dev.ROOT/f).read_bytes())
    installed = []
    monkeypatch.setattr(dev, 'ROOT', tmp_path)
    monkeypatch.setattr(dev, 'make_env', lambda: (tmp_path/'.venv').mkdir(exist_ok=True))
    monkeypatch.setattr(dev, 'pip', lambda *args: installed.append(args[-1]))
    return tmp_path, installed


def test_set_up_once(fresh):
    root, installed = fresh
    dev.set_up('notebook')
    assert installed==['.[notebook]', 'gfpgan==1.3.8']
    dev.set_up('notebook')
    assert len(installed)==2
    dev.set_up('dev')                       # what was there stays
    assert installed[2:]==['.[dev,notebook]', 'gfpgan==1.3.8']
    dev.set_up('notebook')
    assert len(installed)==4
    (root/'constraints.txt').open('a').write('# changed\n')
    dev.set_up('notebook')
    assert len(installed)==6


def test_set_up_that_failed_is_done_again(fresh, monkeypatch):
    root, installed = fresh
    def fail(*args): raise dev.Stop('no network')
    with monkeypatch.context() as m:
        m.setattr(dev, 'pip', fail)
        with pytest.raises(dev.Stop): dev.set_up('notebook')
    dev.set_up('notebook')
    assert len(installed)==2


def test_relative_folders_reach_the_notebooks(monkeypatch, capfd):
    monkeypatch.setenv('SWAPKIT_MODELS', 'weights')
    assert dev.run(sys.executable, '-c', 'import os, sys; print(os.environ["SWAPKIT_MODELS"]); sys.exit(7)')==7
    assert capfd.readouterr().out.strip()==os.path.abspath('weights')
