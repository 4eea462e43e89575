#!/usr/bin/env python3
"""Set up swapkit in `.venv`, and run it. Needs only Python's standard library.

    python3 dev.py demo      set up, then swap faces in the built-in sample: results/demo
    python3 dev.py test      set up, then run every test that needs no download and no GPU
    python3 dev.py test --quick    the same without the slow ones: about three minutes
    python3 dev.py check     set up, then check style, types, sizes, and that notebooks and modules agree
    python3 dev.py device    set up, then run everything on a pretend GPU: differences to the CPU, waits, copies
    python3 dev.py readme    write README.md from nbs/index.ipynb, and nbs/README.md, the list of pages
    python3 dev.py site      set up, then build the site from the notebooks: _site/html/index.html
    python3 dev.py gpu-pack OUT.tar.xz    set up, then pack what measures swapkit on another machine's card
    python3 dev.py refine-pack OUT.tar.xz    set up, then pack what trains the refiner on another machine's card

What follows `demo` or `test` is passed on to `swapkit demo` or to pytest. Set-up is done once; it is repeated when what
it depends on changes."""
# This file must parse on old Pythons, so that they can be told that they are too old.
import configparser
import filecmp
import hashlib
import importlib.util
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DIRECTIVES = set('default_exp export exports exporti hide eval slow gpu weights golden code-fold echo output'.split())
FOLDERS = ('SWAPKIT_MODELS', 'SWAPKIT_MEDIA', 'SWAPKIT_GOLDEN')
KB = 1000
MODULE_LINES = 400      # of one module at most
PIPELINE_LINES = 150    # of the module that assembles the stages


class Stop(Exception):
    "Something the user can put right: one line."


def settings():
    config = configparser.ConfigParser(interpolation=None)
    config.read(str(ROOT/'settings.ini'), encoding='utf-8')
    return config['DEFAULT']


# --- set-up -----------------------------------------------------------------------------------------------------------

def tool(name):
    "Path of a program in the environment."
    return ROOT/'.venv'/('Scripts' if os.name == 'nt' else 'bin')/(name + ('.exe' if os.name == 'nt' else ''))


def run(*cmd):
    "Run `cmd` in the checkout and give its exit code. The user's own Python settings stay out of the environment."
    env = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'PYTHONHOME', 'PYTHONUSERBASE', 'PIP_TARGET')}
    for k in FOLDERS:   # notebooks run in their own folders
        if env.get(k): env[k] = os.pathsep.join(os.path.abspath(f) for f in env[k].split(os.pathsep))
    env.update(PYTHONNOUSERSITE='1', PIP_USER='0', PIP_DISABLE_PIP_VERSION_CHECK='1')
    code = subprocess.call([str(c) for c in cmd], cwd=str(ROOT), env=env)
    return 128 - code if code < 0 else code


def check_python(version=sys.version_info, minimum=None):
    minimum = minimum or settings()['min_python']
    if tuple(version[:2]) < tuple(int(n) for n in minimum.split('.')):
        raise Stop('swapkit needs Python %s or newer, and this is %d.%d: start dev.py with a newer one'
                   % (minimum, version[0], version[1]))


def make_env():
    "Create `.venv`, unless there is one that works."
    python = tool('python')
    if python.exists() and subprocess.call([str(python), '-c', 'import pip'], stderr=subprocess.DEVNULL) == 0: return
    if not all(importlib.util.find_spec(m) for m in ('venv', 'ensurepip')):
        raise Stop("this Python cannot make environments (no venv or ensurepip): install your system's package for it, "
                   'such as python3-venv, or use another Python')
    print('dev.py: making .venv with Python %d.%d' % sys.version_info[:2], flush=True)
    if run(sys.executable, '-m', 'venv', '--clear', ROOT/'.venv'):
        raise Stop('could not make %s: can this user write there, and is there room on the disk?' % (ROOT/'.venv'))


def pip(*args):
    quiet = [] if sys.stdout.isatty() else ['-qq']
    if run(tool('python'), '-m', 'pip', 'install', *quiet, *args):
        raise Stop('could not install the packages; pip says why above. That put right, run the same command again')


def quiet_lab():
    "JupyterLab in this environment asks nobody for news or updates."
    path = ROOT/'.venv'/'etc'/'jupyter'/'jupyter_lab_config.json'
    if path.exists(): return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(dict(LabApp=dict(news_url=None, check_for_updates_class='jupyterlab.NeverCheckForUpdate')), indent=1)
    )


def stamp():
    "Changes when set-up has to be done again."
    files = [ROOT/f for f in ('settings.ini', 'constraints.txt', 'pyproject.toml', 'setup.py')]
    return hashlib.sha256(b''.join(f.read_bytes() for f in files) + str(ROOT).encode()).hexdigest()


def set_up(*extras):
    "Make the environment and install the project with these extras, unless that has been done."
    check_python()
    make_env()
    quiet_lab()
    mark = ROOT/'.venv'/'swapkit-setup.json'
    done = json.loads(mark.read_text()) if mark.exists() else {}
    had = set(done.get('extras', [])) if done.get('stamp') == stamp() else set()
    if done.get('stamp') == stamp() and had.issuperset(extras): return
    wanted = sorted(had | set(extras))
    print('dev.py: installing swapkit and what it needs into .venv (some minutes the first time)', flush=True)
    if mark.exists(): mark.unlink()
    pip('-c', 'constraints.txt', '-e', '.[%s]' % ','.join(wanted))
    pip('--no-deps', '-c', 'constraints.txt', settings()['no_deps'])
    mark.write_text(json.dumps(dict(stamp=stamp(), extras=wanted)))


# --- notebooks --------------------------------------------------------------------------------------------------------

def notebooks(root=ROOT):
    return sorted(p for p in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)


def cells(path):
    return json.loads(path.read_text(encoding='utf-8'))['cells']


def source(cell):
    return ''.join(cell['source'])


def directives(cell):
    "Names after `#|` in the lines that begin a code cell."
    if cell['cell_type'] != 'code': return []
    found = []
    for line in source(cell).splitlines():
        if line.strip() and not line.startswith('#|'): break
        found += re.findall(r'^#\|\s*([\w-]+)', line)
    return found


def module_of(path):
    "The module a notebook exports to, such as `apps.cli`, or None."
    for cell in cells(path):
        found = re.match(r'#\|\s*default_exp\s+([\w.]+)', source(cell)) if cell['cell_type'] == 'code' else None
        if found: return found[1]


# --- README -----------------------------------------------------------------------------------------------------------

def from_root(text, folder='nbs'):
    "Markdown of a page in `folder`, its relative links turned into links from the checkout's root."
    def turn(m):
        if re.match(r'[a-z]+:|#|/', m[2]): return m[0]
        return m[1] + posixpath.normpath(posixpath.join(folder, m[2])) + ')'
    return re.sub(r'(\]\()([^)\s]+)\)', turn, text)


def readme():
    "README.md as nbs/index.ipynb has it: its prose, the code that is not hidden, and what that code printed."
    parts = []
    for cell in cells(ROOT/'nbs'/'index.ipynb'):
        text = source(cell).strip()
        if cell['cell_type'] == 'markdown':
            parts.append(from_root(re.sub(r'^- order: .*\n?', '', text, flags=re.M)).strip())
        elif cell['cell_type'] == 'code' and 'hide' not in directives(cell):
            code = re.sub(r'^#\|.*\n?', '', text, flags=re.M).strip()
            parts.append('```python\n%s\n```' % code)
            printed = ''.join(''.join(o.get('text', [])) for o in cell.get('outputs', [])).strip()
            if printed: parts.append('```text\n%s\n```' % printed)
    head = '<!-- Written by `python3 dev.py readme` from nbs/index.ipynb: change that. -->'
    return '\n\n'.join([head] + [p for p in parts if p]) + '\n'


def contents():
    "nbs/README.md: all pages, folder by folder."
    sys.path.insert(0, str(ROOT/'docs'))
    from sections import STAGES, title_of
    text = ['<!-- Written by `python3 dev.py readme` from the titles of the pages. -->', '# All pages']
    for folder, title in [(f, t) for f, (t, _) in STAGES.items()] + [('learn', 'Learn')]:
        pages = [p for p in notebooks() if p.relative_to(ROOT/'nbs').parts[0] == folder]
        told = [(p.relative_to(ROOT/'nbs').as_posix(), *title_of(dict(cells=cells(p)))) for p in pages]
        rows = ['| [%s](%s) | %s |' % (name, p, line) for p, name, line in told]
        text += ['## %s' % title, '\n'.join(['| page | what it is about |', '|---|---|'] + rows)]
    return '\n\n'.join(text) + '\n'


# --- checks: each gives a list of lines, one for each thing that is wrong ---------------------------------------------

def check_sizes(root=ROOT, one=500*KB, together=14000*KB):
    sizes = {p.relative_to(root).as_posix(): p.stat().st_size for p in notebooks(root)}
    said = ['%s: %d KB, more than %d' % (p, n//KB, one//KB) for p, n in sizes.items() if n > one]
    total = sum(sizes.values())
    return said + (['notebooks: %d KB together, more than %d' % (total//KB, together//KB)] if total > together else [])


def check_cells(root=ROOT):
    said = []
    for path in notebooks(root):
        name = path.relative_to(root).as_posix()
        for n, cell in enumerate(cells(path)):
            for d in directives(cell):
                if d in DIRECTIVES: continue
                said.append('%s[%d]: unknown directive %r (a misspelled flag runs everywhere)' % (name, n, d))
            if any(o['output_type'] == 'error' for o in cell.get('outputs', [])):
                said.append('%s[%d]: stores an error as its output' % (name, n))
    return said


def own_paths():
    "Folders of this machine that no committed file may name."
    named = [f for k in FOLDERS for f in os.environ.get(k, '').split(os.pathsep)]
    folders = [str(ROOT), str(Path.home()), tempfile.gettempdir()] + named
    return sorted({f.rstrip('/\\') for f in folders if len(Path(f).parts) > 1 or os.name == 'nt'} - {''})


def committed(root=ROOT):
    "Files git tracks or would add; without git, the project's text files."
    try: listed = subprocess.check_output(['git', 'ls-files', '-z', '-co', '--exclude-standard'], cwd=str(root),
                                          stderr=subprocess.DEVNULL).decode().split('\0')
    except (OSError, subprocess.CalledProcessError):
        return [p for d in ('nbs', 'swapkit', 'tests') for p in (root/d).rglob('*') if p.is_file()]
    return [root/f for f in listed if f and (root/f).is_file()]


def check_paths(root=ROOT, folders=None):
    needles = [re.escape(f) + r'(?!\w)' for f in (own_paths() if folders is None else folders)]
    needles += [r'/home/\w+/', r'/Users/\w+/', r'[A-Z]:\\+Users\\+\w']
    pattern = re.compile(r'(?<![\w.])(?:%s)' % '|'.join(needles))
    said = []
    for path in committed(root):
        if path.suffix not in ('.py', '.md', '.ipynb', '.ini', '.toml', '.txt', '.json', '.sh', ''): continue
        found = pattern.search(path.read_text(encoding='utf-8', errors='ignore'))
        if found: said.append('%s: names a folder of one machine: %s' % (path.relative_to(root).as_posix(), found[0]))
    return said


def generated(path):
    return path.name == '_modidx.py' or 'AUTOGENERATED' in path.read_text(encoding='utf-8')[:500]


def check_sync(python, root=ROOT):
    "Export the notebooks in a clean copy and compare the modules."
    with tempfile.TemporaryDirectory() as tmp:
        copy = Path(tmp)/'copy'
        shutil.copytree(str(root/'nbs'), str(copy/'nbs'))
        for p in [root/'pyproject.toml', root/'settings.ini'] + sorted((root/'swapkit').rglob('*.py')):
            if p.parent != root and generated(p): continue
            (copy/p.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(p), str(copy/p.relative_to(root)))
        done = subprocess.run([str(python), '-c', 'import nbdev; nbdev.nbdev_export()'], cwd=str(copy),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode: return ['nbdev-export fails: %s' % done.stdout.decode().strip().splitlines()[-1]]
        both = {p.relative_to(r).as_posix() for r in (root, copy) for p in (r/'swapkit').rglob('*.py')}
        return [compare(root/f, copy/f, f) for f in sorted(both) if not same(root/f, copy/f)]


def same(a, b):
    return a.exists() and b.exists() and filecmp.cmp(str(a), str(b), shallow=False)


def compare(mine, exported, name):
    if not exported.exists(): return '%s: no notebook exports it; delete it' % name
    return '%s: differs from its notebook; run nbdev-export' % name if mine.exists() else '%s: not exported yet' % name


def check_readme():
    made = {'README.md': readme(), 'nbs/README.md': contents()}
    wrong = [p for p, t in made.items() if not (ROOT/p).exists() or (ROOT/p).read_text(encoding='utf-8') != t]
    return ['%s: differs from the notebooks; run python3 dev.py readme' % p for p in wrong]


def check_modules(root=ROOT):
    "Name the modules that are too long."
    said = []
    for path in sorted((root/'swapkit').rglob('*.py')):
        name = path.relative_to(root).as_posix()
        if path.name == '_modidx.py': continue
        limit = PIPELINE_LINES if name == 'swapkit/pipeline.py' else MODULE_LINES
        count = len(path.read_text(encoding='utf-8').splitlines())
        if count > limit: said.append('%s: %d lines, more than %d' % (name, count, limit))
    return said


def output_of(*cmd):
    "Lines of a program that found something; none where it is content."
    env = dict(os.environ, PYRIGHT_PYTHON_IGNORE_WARNINGS='1')   # or it would ask for its newest version
    done = subprocess.run([str(c) for c in cmd], cwd=str(ROOT), env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout.decode(errors='replace').strip().splitlines() if done.returncode else []


def check_style():
    """What ruff finds. The rules stand in pyproject.toml; CONTRIBUTING.md says what they are for. Long lines of an
    exported module are found in its notebook; nbdev itself writes some, such as `__all__`."""
    lines = output_of(tool('python'), '-m', 'ruff', 'check', '--no-cache', '--output-format', 'concise', '.')
    exported = {p.relative_to(ROOT).as_posix() for p in (ROOT/'swapkit').rglob('*.py') if generated(p)}
    return [l for l in lines if not (' E501 ' in l and l.split(':')[0] in exported) and re.match(r'\S+?:', l)]


def check_types():
    "What pyright finds in the package."
    return output_of(tool('python'), '-m', 'pyright', '--pythonpath', tool('python'))


# --- commands ---------------------------------------------------------------------------------------------------------

def demo(*args):
    set_up('notebook', 'studio')
    return run(tool('swapkit'), 'demo', '--out', Path('results')/'demo', *args)


def side_by_side(args, cores=None):
    "Options that make pytest run on every core, one test at a time on each; none where the caller chose."
    alone = ('-n', '--numprocesses', '-s', '--pdb', '--trace', '-p', '--collect-only', '--co')
    if any(a.startswith(alone) for a in args): return []
    return ['-n', str(min(cores or os.cpu_count() or 1, 8)), '--dist', 'load', '--maxschedchunk', '1']


def test(*args):
    set_up('notebook', 'studio', 'dev')
    return run(tool('python'), '-m', 'pytest', *side_by_side(args), *args)


def check():
    set_up('notebook', 'studio', 'dev')
    said = check_sizes() + check_cells() + check_paths() + check_sync(tool('python')) + check_readme()
    said += check_modules() + check_style() + check_types()
    print('\n'.join(said) or 'dev.py: nothing to put right')
    return int(bool(said))


def build_site(python, folder):
    "Pages from the notebooks, HTML from the pages, and no link that leads nowhere. Nothing is executed or downloaded."
    pages, html = folder/'pages', folder/'html'
    write = [python, ROOT/'docs'/'pages.py', pages]
    sphinx = [
        python, '-m', 'sphinx', '-q', '-W', '--keep-going', '-j', '2', '-c', ROOT / 'docs', '-d', folder / 'doctrees',
        pages, html,
    ]
    shutil.rmtree(str(html), ignore_errors=True)    # pages whose notebook is gone
    return run(*write) or run(*sphinx) or run(python, ROOT/'docs'/'pages.py', 'links', html)


def site():
    set_up('notebook', 'studio', 'dev')
    code = build_site(tool('python'), ROOT/'_site')
    if not code: print('dev.py: the site is in %s' % (Path('_site')/'html'/'index.html'))
    return code


def gpu_pack(*args):
    set_up('notebook', 'studio')
    return run(tool('python'), ROOT/'tests'/'gpu'/'pack.py', *args)


def refine_pack(*args):
    set_up('dev')
    return run(tool('python'), ROOT/'tests'/'refine'/'pack.py', *args)


def write_readme():
    (ROOT/'README.md').write_bytes(readme().encode())
    (ROOT/'nbs'/'README.md').write_bytes(contents().encode())
    return 0


def device(*args):
    "Run all stages and passes on the pretend accelerator of the tests."
    set_up('dev')
    return run(tool('python'), ROOT/'tests'/'device_run.py', *args)


def main(argv):
    commands = dict(demo=demo, test=test, check=check, device=device, readme=write_readme, site=site)
    commands.update({'gpu-pack': gpu_pack, 'refine-pack': refine_pack})
    if not argv or argv[0] not in commands:
        print(__doc__)
        return 0 if argv in (['-h'], ['--help'], ['help']) else 2
    try: return commands[argv[0]](*argv[1:])
    except Stop as e: print('dev.py: %s' % e, file=sys.stderr)
    except OSError as e: print('dev.py: %s' % e, file=sys.stderr)
    except KeyboardInterrupt: return 130
    return 5


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
