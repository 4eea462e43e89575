"The site: what its builder makes of a notebook, and that it builds without a broken link."
import base64
import importlib.util
import json
import re
import sys

import click
import pytest

import dev
from test_project import notebook

spec = importlib.util.spec_from_file_location('pages', dev.ROOT/'docs'/'pages.py')
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)
import benchmarks # beside pages.py, which puts their folder on the path
import charts
import reference
import sections

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
    assert pages.turned('[a](README.md) [b](../README.md)', 'a.ipynb', set())=='[a](/stages.md) [b](/index.ipynb)'
    assert pages.turned('[a](../results/speed.json)', 'a.ipynb', set())=='[a](/benchmarks/speed.md)'
    files = set()
    said = pages.turned(
        '[x](../1_base/02_show.ipynb#y) `[n](m)` [z](https://z.org) [r](../../results/r.json)', '8_apps/a.ipynb', files
    )
    assert said == '[x](/1_base/02_show.ipynb#y) `[n](m)` [z](https://z.org) [r](/files/results/r.json)' and files == {
        'results/r.json'
    }


def names_of_pages():
    return [p.relative_to(dev.ROOT/'nbs').with_suffix('').as_posix() for p in dev.notebooks() if p.name!='index.ipynb']


def test_every_page_is_in_a_section():
    "In the order of their numbers; nothing is left out, nothing is there twice."
    parts = sections.grouped(names_of_pages())
    assert list(parts)==[*sections.LEARN, *sections.STAGES]
    assert parts['1_base'][:2]==['1_base/01_types', '1_base/02_show'] and 'learn/first' in parts['start']
    assert sorted(n for names in parts.values() for n in names)==sorted(names_of_pages())
    assert all(parts.values()), 'a section without pages'
    other = sections.grouped(['11_new/01_a', 'learn/new', '0_new'])
    assert other['11_new']==['11_new/01_a'] and other['explanations']==['0_new', 'learn/new']


def test_section_pages():
    "A section lists its pages with their descriptions; the sidebar has about a dozen entries."
    about = {n: pages.title_of(json.loads((dev.ROOT/'nbs'/f'{n}.ipynb').read_text(encoding='utf-8')))
             for n in names_of_pages()}
    assert not [n for n, (title, text) in about.items() if not title or not text], 'a page without title or description'
    parts = sections.grouped(list(about))
    made = sections.section_pages(parts, about)
    for f in sections.STAGES:
        text = made[f'{f}/index']
        assert f'/{f}/index' in made['stages'] and text.startswith(f'# {sections.STAGES[f][0]}')
        for n in parts[f]: assert f'](/{n}.ipynb)' in text and pages.plain(about[n][1]) in text, n
    for n in parts['tutorials'] + parts['start']: assert f'](/{n}.ipynb)' in made['tutorials']
    entries = sections.menu(parts, about)
    assert list(entries)==['Try', 'Learn', 'Use', 'Look up'] and 12<=sum(map(len, entries.values()))<=16
    text = sections.sidebar(entries) + sections.cards(entries, set(about))
    for title, n in sum(entries.values(), []):
        assert f'{title} </{n}>' in text and f"[{title}](/{n}{'.ipynb' if n in about else '.md'})" in text
    assert pages.title_of(dict(cells=[dict(cell_type='markdown', source='# a b\n\n> c\n> d\n\ne')]))==('a b', 'c d')


# --- the reference ----------------------------------------------------------------------------------------------------

def commands(command, path):
    "(path, command) of a command and of those below it."
    yield path, command
    for n, c in getattr(command, 'commands', {}).items():
        if not c.hidden: yield from commands(c, f'{path} {n}')


def test_every_command_and_each_of_its_options():
    made = reference.command_pages()
    text = '\n'.join(made.values())
    for path, command in commands(reference.program(), 'swapkit'):
        assert f'```{{program}} {path}\n```' in text, path
        part = text.split(f'```{{program}} {path}\n```')[1].split('{program}')[0]
        for p in command.params:
            if isinstance(p, click.Argument): continue
            entry = re.search(rf'\{{option}} (.*, )?{re.escape(p.opts[0])}\b.*\n\n(.+)', part)
            assert entry, (path, p.opts)
            assert len(entry[2])>10, (path, p.opts, 'has no help')
    assert 'old spelling:** `--map`' in made['command-line/swap'] and '{option} --map' not in made['command-line/swap']
    assert 'default:** 640x360 and 1920x1080' in made['command-line/bench']


def test_an_option_that_a_command_gets_is_described():
    @click.command()
    @click.option('--width', type=int, default=3, help='How wide it is.')
    @click.option('--kind', type=click.Choice(['a', 'b']), required=True, help='Which one.')
    @click.argument('file')
    def made(**kw): "Make a thing."
    text = reference.command_section(made, 'swapkit made')
    assert 'swapkit made FILE [OPTIONS]' in text and '{option} --width INTEGER' in text and 'default:** `3`' in text
    assert 'Make a thing.' in text and 'required:** yes' in text and 'allowed:** `a`, `b`' in text


def test_every_option():
    "With its type, its default, what is allowed, its flag and its label in the studio."
    from swapkit.options import OPTIONS, options_of
    text = reference.options_page(seen := set())
    entries = dict(re.findall(r'\{py:attribute\} (\w+)\n(.*?)\n````', text, re.S))
    assert set(entries)=={n for c in OPTIONS for n in options_of(c)}
    for c in OPTIONS:
        assert f'## {c.__name__}' in text and f'swapkit.options.{c.__name__}' in seen
        for n, o in options_of(c).items():
            said = entries[n]
            assert o.help in said and f'{o.flag}' in said and f'<swapkit swap {o.flag}>' in said
            assert all(f'`{k}`' in said for k in reference.known_names(o))
            label = f"“{o.label or n.replace('_', ' ')}”" if o.widget else 'studio:** not shown'
            assert label in said
    assert ':value: 1.0' in entries['shape'] and 'a number from 0 to 1' in entries['shape']
    assert 'makes again:** the segments' in entries['shape'] and 'first pass' in entries['detector']
    assert 'makes again:** nothing' in entries['device'] and 'makes again:** the segments' in entries['reader']


# --- pictures, words --------------------------------------------------------------------------------------------------

PIXEL = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA'
                         'AABJRU5ErkJggg==')


def test_gallery():
    "Each picture of a stage page is there with a link to its page."
    picture = dict(output_type='display_data', data={'image/png': base64.b64encode(PIXEL).decode()})
    nb = dict(cells=[dict(cell_type='markdown', source='# t\n\n> d'), dict(cell_type='markdown', source='## A look'),
                     dict(cell_type='code', source='x', outputs=[picture])])
    assert list(sections.pictures(nb))==[('A look', 'png', PIXEL)] and sections.size_of_picture(PIXEL)==(1, 1)
    parts, about = sections.grouped(['3_face/01_a']), {'3_face/01_a': ('a', 'd')}
    out, files = sections.gallery_page(parts, {'3_face/01_a': nb}, about, least=1)
    assert files=={'gallery/3_face-01_a-1.png': PIXEL} and '(/3_face/01_a.ipynb)' in out[1] and 'A look' in out[1]
    assert sections.gallery_page(parts, {'3_face/01_a': nb}, about)==([], {})
    demo = (dev.ROOT/'results'/'demo.jpg').read_bytes()
    assert min(sections.size_of_picture(demo))>100


def test_glossary():
    text = 'Words.\n\n| term | meaning | in the code |\n|---|---|---|\n| **key, name** | What opens. | `key` |\n'
    made = sections.as_glossary(text)
    assert '```{glossary}' in made and 'key, name\n  What opens. In the code: `key`.' in made and '|---|' not in made
    assert sections.as_glossary('| a | b |\n|---|---|\n| c | d |\n')=='| a | b |\n|---|---|\n| c | d |\n'
    page = ''.join(c['source'] for c in pages.page_cells(dev.ROOT/'nbs'/'learn'/'glossary.ipynb', set()))
    assert page.count('{glossary}')>=5 and '\ncompositor\n' in page


def test_plain_modules():
    "Modules without a notebook are on one page, with their functions; options have a page of their own."
    modules = [p for p in (dev.ROOT/'swapkit').rglob('*.py') if p.name[0]!='_']
    names = {pages.name_of(p) for p in pages.plain_modules(modules)}
    assert {'swapkit.errors', 'swapkit.options', 'swapkit.registry'} <= names and 'swapkit.types' not in names
    reference.options_page(seen := set())
    text = pages.plain_page(modules, seen)
    assert '{py:function} check_choice(' in text and '{py:class} Registry(' in text and '{py:class} Option(' in text
    assert '{py:class} SwapOptions' not in text and '/options.md' in text
    listed = pages.functions_page(modules)
    assert '<swapkit.errors.check_choice>' in listed and '<swapkit.geometry.similarity>' in listed


def test_source_of_a_plain_module():
    "It has an address for each function and class, as exported modules have."
    text = pages.module_page(dev.ROOT/'swapkit'/'errors.py')
    assert '(source-swapkit-errors-check-choice)=' in text and '(class-swapkit-errors-badinput)=' in text
    assert text.count('def check_choice(')==1 and text.count('class BadInput')==1


def test_tables_of_results():
    data = dict(
        command='x', rows=[dict(film='a', size=[3, 4], ms=dict(on=1.23456)), dict(film='b')], whole=dict(a=dict(n=1))
    )
    (name, text), (other, second) = benchmarks.result_tables(data)
    assert (name, other) == ('rows', 'whole') and text.splitlines() == [
        '| film | size | ms · on |',
        '| --- | --- | --- |',
        '| a | 3\u00a0×\u00a04 | 1.235 |',
        '| b |  |  |',
    ]
    assert '| a | 1 |' in second


def test_charts():
    "A chart without data is an error."
    made = charts.bars('Speed', [('a & b', [1, 2]), ('c', [None, 4])], ('old', 'new'), 'ms', mark=(3, 'goal'))
    assert made.count('<rect')==2 + 3 and 'a &amp; b' in made and '2\u00a0ms' in made and 'goal' in made
    widths = [float(w) for w in re.findall(r'width="([\d.]+)" height="13"', made)]
    assert widths==[pytest.approx(max(widths)*v/4, abs=.1) for v in (1, 2, 4)] and max(widths)<charts.WIDTH
    for rows in ([], [('a', [None])], [('a', [0])]):
        with pytest.raises(ValueError, match='no data'): charts.bars('Speed', rows)
    with pytest.raises(ValueError, match='differ'): charts.bars('Speed', [('a', [1, 2])])


def test_benchmark_pages():
    "Each file of results that is described has a page with charts that show something, its command and its version."
    found = benchmarks.results_of(dev.ROOT/'results')
    assert set(benchmarks.BENCHMARKS) <= set(found), 'a benchmark without its file'
    made = benchmarks.benchmark_pages(dev.ROOT/'results', files := set())
    for name, b in benchmarks.BENCHMARKS.items():
        text = made[f'benchmarks/{name}']
        assert b.measured in text and b.command in text
        assert f'**Result:** {b.result(found[name])}' in text and f'results/{name}.json' in files
        for chart in b.charts(found[name]): assert chart in text and chart.count('<title>')>=2, name
        assert f'](/benchmarks/{name}.md)' in made['benchmarks/index'] and (dev.ROOT/'nbs'/f'{b.page}.ipynb').exists()
        if module := re.search(r'-m (swapkit[\w.]+)', b.command): assert importlib.util.find_spec(module[1]), b.command
    assert 'swapkit 0' in made['benchmarks/speed'] and '## house' in made['benchmarks/other']
    with pytest.raises(ValueError, match='no data'): benchmarks.own_charts(dict(rows=[]))


def test_the_link_checker_finds_faults(tmp_path):
    (tmp_path / 'a.html').write_text(
        '<h1 id="top">a</h1><a href="b.html#there">b</a><a href="#top">t</a><a href="https://x.org">x</a>'
    )
    (tmp_path/'b.html').write_text('<p id="there"></p><a href="a.html">a</a><a href="mailto:x">m</a>')
    assert pages.wrong_links(tmp_path)==[]
    (tmp_path/'b.html').write_text('<img src="no.png"><script src="https://cdn.org/x.js"></script>')
    (tmp_path/'d.html').write_text('<a href="b.html"><code class="xref">x</code></a>\n<code class="py xref">y</code>')
    (tmp_path/'c.css').write_text('@import url("//fonts.org/f.css");')
    assert pages.wrong_links(tmp_path) == [
        'a.html: b.html#there: no such place on that page',
        'b.html: loads https://cdn.org/x.js',
        'b.html: no.png is not there',
        'c.css: loads //fonts.org/f.css',
        'd.html: line 2: a reference to something that is not described',
    ]


def test_the_site_builds(tmp_path, capfd):
    "From the notebooks as they are, without a warning or a broken link."
    for name in ('sphinx', 'myst_nb', 'furo'):
        pytest.importorskip(name, reason=f'{name} is not installed: python3 dev.py site')
    failed = dev.build_site(sys.executable, tmp_path)
    assert not failed, '\n'.join(capfd.readouterr())
    html = lambda name: (tmp_path/'html'/f'{name}.html').read_text(encoding='utf-8')
    said = html('1_base/07_geometry')
    assert 'id="swapkit.geometry.similarity"' in said and 'data-title="type"' in said
    # The sidebar has few entries, and the pages of the section that is open.
    bar = re.search(r'<div class="sidebar-tree">.*?</div>', said, re.S)[0]
    assert '09_imgproc.html' in bar and '3_face/01_align' not in bar and 20<bar.count('<a ')<50
    start = html('index')
    words = re.sub(r'<.*?>', '', start)
    assert 'demo.jpg' in start and 'swap_video(' in words and 'python3 dev.py demo' in words
    assert start.count('<div class="card ')==4
    assert 12<=re.search(r'<div class="sidebar-tree">.*?</div>', start, re.S)[0].count('<a ')<=16
    # Options, functions and words have addresses, and the search knows them.
    assert 'id="cmdoption-swapkit-swap-shape"' in html('command-line/swap')
    assert 'id="swapkit.options.SwapOptions.shape"' in html('options') and "'mesh'" in html('options')
    assert 'id="term-compositor"' in html('learn/glossary') and '<svg class="chart"' in html('benchmarks/speed')
    shown = html('gallery')
    assert shown.count('loading="lazy"')>50 and 'href="3_face/01_align.html"' in shown
    index = (tmp_path/'html'/'searchindex.js').read_text(encoding='utf-8')
    for name in ('cmdoption-swapkit-swap-shape', 'swapkit.options', 'restore_strength', 'swap_video', 'term-'):
        assert name in index, name
