"The glossary names things that exist, and explains each word once."
import ast
import dataclasses
import importlib
import importlib.util
import json
import re
from pathlib import Path

import pytest
from swapkit import registry
from swapkit.options import OPTIONS, options_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT/'nbs'/'learn'/'glossary.ipynb'


def rows():
    "(term, meaning, names) of every row."
    for cell in json.loads(PAGE.read_text(encoding='utf-8'))['cells']:
        for line in ''.join(cell['source']).splitlines():
            if line.startswith('| **'): yield [c.strip() for c in line.strip('|').split('|')]


def homes():
    "Public name → its module."
    found = {}
    for path in sorted((ROOT/'swapkit').rglob('*.py')):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        module = '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '')=='__all__':
                found |= dict.fromkeys(ast.literal_eval(node.value), module)
    return found


HOMES = homes()
OPTION_NAMES = {n for cls in OPTIONS for n in options_of(cls)}
ENTRIES = {n for r in registry.registries().values() for n in r.builtin}


def exists(name):
    "Whether a name is a module, a public name, a field of a public class, an option, an argument or an entry."
    if name.startswith('swapkit.'): return importlib.util.find_spec(name) is not None
    if name.startswith('tests/'): return (ROOT/name).exists()
    first, _, field = name.partition('.')
    if field:
        cls = getattr(importlib.import_module(HOMES[first]), first)
        return hasattr(cls, field) or field in {f.name for f in dataclasses.fields(cls)}
    return name in HOMES or name in OPTION_NAMES or name in ENTRIES or name in ARGUMENTS


ARGUMENTS = {'target', 'sources', 'assign', 'faces_file'} # of `swap_video`, that are no options


@pytest.mark.parametrize('term, meaning, names', list(rows()), ids=[t.strip('*') for t,*_ in rows()])
def test_names_exist(term, meaning, names):
    known = re.findall(r'`([^`]+)`', names)
    assert known, f'{term} names nothing in the code'
    for name in known:
        if name.startswith(('--', 'swapkit ')): continue # a flag or a command, see the reference of the command line
        assert exists(name), f'{term} names {name}, which does not exist'


def test_each_word_once():
    terms = [t.lower() for term,*_ in rows() for t in re.sub(r'\*\*|\([^)]*\)', '', term).split(',')]
    assert len({t.strip() for t in terms})==len(terms)>50


def test_arguments_are_of_swap_video():
    import inspect

    from swapkit import swap_video
    assert ARGUMENTS <= set(inspect.signature(swap_video).parameters)
