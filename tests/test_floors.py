"""The floors of the house, as a written list: a module uses its own floor and lower ones, never higher, and there is
no circle.

A new module is entered here. Where it does not fit, the design is wrong, or the list is: change one of them on
purpose."""
import ast

import pytest

import dev

FLOORS = {
    1: 'errors messages registry fingerprint options option_tables option_types option_values '
    'option_files checks types runtime transfer workers cache models weights geometry topology '
    'imgproc show',
    2: 'nets.*',
    3: 'video.*',
    4: 'face.*',
    5: 'mask.*',
    6: 'mesh.*',
    7: 'swap.* refine restore sharpness lips blend',
    8: 'compositor sources analysis assignment target workdir partial pair_check jobs request swap_check pipeline '
    'cluster batch job_file job_queue segments',
    9: 'apps.* __main__',
    10: 'research.*',
}
# The package's own face names the public modules; it loads them only when they are asked for.
FACE = ('', 'nets')
PACKAGE = dev.ROOT/'swapkit'


def modules():
    "Dotted name → path, without `swapkit.`; packages by their folder's name."
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        if parts[-1]!='_modidx': yield '.'.join(p for p in parts if p!='__init__'), path


MODULES = dict(modules())


def floor_of(module):
    for floor,names in FLOORS.items():
        for name in names.split():
            if module==name or name.endswith('.*') and (module+'.').startswith(name[:-1]): return floor
    return None


def used_by(module):
    "Modules that a module imports anywhere in its code, in functions too."
    path = MODULES[module]
    package = ['swapkit', *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import): found = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(package[:len(package)+1-node.level]) if node.level else ''
            base = '.'.join(x for x in (base, node.module) if x)
            found = [base] + [f'{base}.{a.name}' for a in node.names]
        else: continue
        for name in found:
            if name.startswith('swapkit.') and name[8:] in MODULES: yield name[8:]


@pytest.mark.parametrize('module', [m for m in MODULES if m not in FACE])
def test_floor(module):
    mine = floor_of(module)
    assert mine, f"{module} stands on no floor: enter it in FLOORS"
    for used in used_by(module):
        assert floor_of(used)<=mine, f"{module} (floor {mine}) imports {used} (floor {floor_of(used)})"


def test_no_circle():
    "Modules can be put in an order in which each uses only earlier ones."
    left = {m: {u for u in used_by(m) if u!=m and u not in FACE} for m in MODULES if m not in FACE}
    while free := [m for m,u in left.items() if not u & left.keys()]:
        for m in free: del left[m]
    assert not left, f"these use each other in a circle: {', '.join(sorted(left))}"


def test_list_is_current():
    "No name in the list stands for nothing."
    for name in ' '.join(FLOORS.values()).split():
        assert any(m==name or name.endswith('.*') and m.startswith(name[:-1]) for m in MODULES), f"there is no {name}"


def test_floors_see_faults():
    assert floor_of('mesh.raster')==6 and floor_of('mesh')==6 and floor_of('mesher') is None
    assert 'types' in set(used_by('face.align'))
