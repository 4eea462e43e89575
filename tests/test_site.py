"The site: what its builder makes of a notebook, and that it builds without a broken link."
import importlib.util
import sys

import pytest

import dev
from test_project import notebook

spec = importlib.util.spec_from_file_location('pages', dev.ROOT/'docs'/'pages.py')
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)

CODE = '''
def cut(
    frames,             # N frames
    size:int=256,       # side, pixels
    *, grow:float=1.5,
)->tuple:               # (F,3,S,S)
    "Cut faces out."
    return frames

def small(x:int)->int: return x # the same, or less
def _hidden(): pass

@dataclass
class Spec:
    "A record."
    name:str        # what it is called
    size:int = 0    # bytes | none
    def to(self, device)->'Spec': "Elsewhere."
'''


def test_what_a_cell_offers():
    cut, small, record = pages.offered(CODE)
    assert cut['params'][0]==('frames', '', '', 'N frames')
    assert cut['params'][1:]==[('size', 'int', '256', 'side, pixels'), ('grow', 'float', '1.5', '')]
    assert (cut['returns'], cut['back'], cut['doc'])==('tuple', '(F,3,S,S)', 'Cut faces out.')
    assert (small['doc'], small['params'])==('the same, or less', [('x', 'int', '', '')])
    assert record['params']==[('name', 'str', '', 'what it is called'), ('size', 'int', '0', 'bytes | none')]
    assert [m['name'] for m in record['methods']]==['to']


def test_a_parameter_table():
    cut, _, record = pages.offered(CODE)
    lines = pages.table_of_parameters(cut).splitlines()
    assert (
        lines[0] == '| parameter | type | default | what it is |'
        and lines[3] == '| `size` | `int` | `256` | side, pixels |'
    )
    assert lines[-1]=='| **returns** | `tuple` |  | (F,3,S,S) |'
    assert r'bytes \| none' in pages.table_of_parameters(record)
    text = pages.described(cut, 'swapkit.face.align', seen := set())
    assert text.startswith(
        '``````{py:function} cut(frames, size: int = 256, grow: float = 1.5) '
        '-> tuple\n:module: swapkit.face.align\n\nCut faces out.'
    )
    assert ':no-index:' in pages.described(cut, 'swapkit.face.align', seen)


def test_every_module_is_understood():
    "Each public function of the package is on its page, with each of its parameters."
    for path in dev.notebooks():
        if not (module := dev.module_of(path)): continue
        text = '\n'.join(c['source'] for c in pages.page_cells(path, set()) if c['cell_type']=='markdown')
        code = (dev.ROOT/'swapkit'/(module.replace('.', '/')+'.py')).read_text(encoding='utf-8')
        for e in pages.offered(code): assert f" {e['name']}(" in text, (module, e['name'])


def test_pages_of_a_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, 'ROOT', tmp_path)
    path = notebook(
        tmp_path / 'nbs' / '8_apps' / '02_a.ipynb',
        '#| default_exp apps.a',
        '#| export\ndef f(x): # double\n    return 2*x',
        '#| hide\nimport os',
        '#| slow\nf(2)',
    )
    made = [c['source'] for c in pages.page_cells(path, set())]
    assert len(made)==3 and '{py:function} f(x)' in made[0] and made[1:]==['def f(x): # double\n    return 2*x', 'f(2)']
    assert [c['metadata'].get('tags') for c in pages.page_cells(path, set())][1:]==[['hide-input'], ['needs-slow']]
    assert pages.without_front('# a\n> b\n\n- date: 3')=='# a\n> b'
    files = set()
    said = pages.turned(
        '[x](../1_base/02_show.ipynb#y) `[n](m)` [z](https://z.org) [r](../../results/r.json)', '8_apps/a.ipynb', files
    )
    assert said == '[x](/1_base/02_show.ipynb#y) `[n](m)` [z](https://z.org) [r](/files/results/r.json)' and files == {
        'results/r.json'
    }


def test_parts_are_the_folders():
    "In the order of their floors, and their pages in the order of their numbers; nothing is left out."
    parts = pages.contents(dev.notebooks())
    assert list(parts)==list(pages.PARTS.values())
    assert parts['Base'][:2]==['1_base/01_types', '1_base/02_show'] and parts['Learn'][0]=='learn/first'
    assert sorted(n for names in parts.values() for n in names)==sorted(
        p.relative_to(dev.ROOT/'nbs').with_suffix('').as_posix() for p in dev.notebooks() if p.name!='index.ipynb')
    other = pages.contents([dev.ROOT/'nbs'/'11_new'/'01_a.ipynb'])
    assert other['11_new']==['11_new/01_a']


def test_plain_modules():
    "Modules without a notebook are on one page, with their functions and every option."
    modules = [p for p in (dev.ROOT/'swapkit').rglob('*.py') if p.name[0]!='_']
    names = {pages.name_of(p) for p in pages.plain_modules(modules)}
    assert {'swapkit.errors', 'swapkit.options', 'swapkit.registry'} <= names and 'swapkit.types' not in names
    text = pages.plain_page(modules, set())
    assert '{py:function} check_choice(' in text and '{py:class} Registry(' in text
    from swapkit.options import OPTIONS, options_of
    for c in OPTIONS:
        assert f'### {c.__name__}' in text and all(f'| `{n}` |' in text for n in options_of(c))


def test_source_of_a_plain_module():
    "It has an address for each function and class, as exported modules have."
    text = pages.module_page(dev.ROOT/'swapkit'/'errors.py')
    assert '(source-swapkit-errors-check-choice)=' in text and '(class-swapkit-errors-badinput)=' in text
    assert text.count('def check_choice(')==1 and text.count('class BadInput')==1


def test_tables_of_results():
    data = dict(
        command='x', rows=[dict(film='a', size=[3, 4], ms=dict(on=1.23456)), dict(film='b')], whole=dict(a=dict(n=1))
    )
    (name, text), (other, second) = pages.result_tables(data)
    assert (name, other) == ('rows', 'whole') and text.splitlines() == [
        '| film | size | ms · on |',
        '| --- | --- | --- |',
        '| a | 3\u00a0×\u00a04 | 1.235 |',
        '| b |  |  |',
    ]
    assert '| a | 1 |' in second


def test_the_link_checker_finds_faults(tmp_path):
    (tmp_path / 'a.html').write_text(
        '<h1 id="top">a</h1><a href="b.html#there">b</a><a href="#top">t</a><a href="https://x.org">x</a>'
    )
    (tmp_path/'b.html').write_text('<p id="there"></p><a href="a.html">a</a><a href="mailto:x">m</a>')
    assert pages.wrong_links(tmp_path)==[]
    (tmp_path/'b.html').write_text('<img src="no.png"><script src="https://cdn.org/x.js"></script>')
    (tmp_path/'c.css').write_text('@import url("//fonts.org/f.css");')
    assert pages.wrong_links(tmp_path) == [
        'a.html: b.html#there: no such place on that page',
        'b.html: loads https://cdn.org/x.js',
        'b.html: no.png is not there',
        'c.css: loads //fonts.org/f.css',
    ]


def test_the_site_builds(tmp_path, capfd):
    "From the notebooks as they are, without a warning or a broken link."
    for name in ('sphinx', 'myst_nb', 'furo'):
        pytest.importorskip(name, reason=f'{name} is not installed: python3 dev.py site')
    assert dev.build_site(sys.executable, tmp_path)==0, capfd.readouterr().err
    said = (tmp_path/'html'/'1_base'/'07_geometry.html').read_text(encoding='utf-8')
    assert (
        'id="swapkit.geometry.similarity"' in said
        and 'parameter' in said
        and (tmp_path / 'html' / 'searchindex.js').exists()
    )
