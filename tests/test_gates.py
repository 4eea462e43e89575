"""The gates of `dev.py check`: style, types, sizes of modules, and what is in the wheel. CONTRIBUTING.md says what each
is for."""
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

import dev


def found(lines): return '\n'+'\n'.join(lines[:40])


def test_style():
    lines = dev.check_style()
    assert not lines, found(lines)


def test_types():
    lines = dev.check_types()
    assert not lines, found(lines)


def test_modules_are_short():
    lines = dev.check_modules()
    assert not lines, found(lines)


def test_gates_see_faults(tmp_path):
    "Each gate finds what it is for."
    (tmp_path/'swapkit').mkdir()
    (tmp_path/'swapkit'/'long.py').write_text('x = 1\n'*(dev.MODULE_LINES+1))
    (tmp_path/'swapkit'/'pipeline.py').write_text('x = 1\n'*(dev.PIPELINE_LINES+1))
    assert [l.split(':')[0] for l in dev.check_modules(tmp_path)]==['swapkit/long.py', 'swapkit/pipeline.py']
    bad = tmp_path/'bad.py'
    bad.write_text('import os\nx: int = "a"\ny = 1'+' '*130+'# far\n')
    config = ['--config', str(dev.ROOT/'pyproject.toml'), '--no-cache']
    lines = dev.output_of(sys.executable, '-m', 'ruff', 'check', *config, '--output-format', 'concise', bad)
    assert {'F401', 'E501'} <= {l.split()[1] for l in lines if l.startswith(str(bad))}, lines
    assert any('reportAssignmentType' in l for l in dev.output_of(sys.executable, '-m', 'pyright', bad))


@pytest.fixture(scope='module')
def wheel():
    "Names of the files in the wheel, built without network and without a trace in the checkout."
    with tempfile.TemporaryDirectory() as d:
        copy = Path(d)/'copy'
        listed = subprocess.check_output(['git', 'ls-files', '-co', '--exclude-standard'], cwd=dev.ROOT, text=True)
        for name in listed.splitlines():
            if not (dev.ROOT/name).is_file() or name.startswith(('nbs/', 'results/', 'tests/')): continue
            (copy/name).parent.mkdir(parents=True, exist_ok=True)
            (copy/name).write_bytes((dev.ROOT/name).read_bytes())
        build = 'import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])'
        done = subprocess.run([sys.executable, '-c', build, d], cwd=copy, capture_output=True, text=True)
        assert done.returncode==0, done.stderr[-2000:]
        made, = Path(d).glob('*.whl')
        yield zipfile.ZipFile(made).namelist()


def test_wheel_is_complete(wheel):
    modules = [p.relative_to(dev.ROOT).as_posix() for p in (dev.ROOT/'swapkit').rglob('*.py')]
    shipped = [m for m in modules if not m.startswith('swapkit/research/')]
    assert not set(shipped)-set(wheel)
    assert 'swapkit/py.typed' in wheel
    assert any(n.startswith('swapkit/samples/') for n in wheel) and any(n.startswith('swapkit/assets/') for n in wheel)


def test_wheel_leaves_research_out(wheel):
    assert not [n for n in wheel if 'research' in n]
