"""The site's pages, made from the notebooks as they are stored, from the argument parser, from the option classes and
from the files of results. No notebook is executed, and nothing is downloaded; swapkit must be installed.

`python3 dev.py site` runs this, then Sphinx, then the link checker below. The other files beside this one make the
reference (`reference.py`), the pages of benchmarks (`benchmarks.py`, `charts.py`), and sections, gallery and start page
(`sections.py`)."""
import ast
import functools
import io
import json
import re
import sys
import tokenize
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT/'docs')]
from benchmarks import BENCHMARKS, benchmark_pages
from dev import cells, directives, module_of, notebooks, source
from md import coded, directive, page, plain, table, toctree
from reference import command_pages, options_page
from sections import as_glossary, cards, gallery_page, grouped, menu, section_pages, sidebar, title_of

TIERS = dict(
    weights='needs downloaded weights or media',
    golden='needs the golden vectors',
    gpu='needs an NVIDIA GPU',
    slow='takes long',
)

# What lists all pages in the checkout → the page that does so on the site.
LISTS = {'nbs': 'stages.md', 'nbs/README.md': 'stages.md', 'README.md': 'index.ipynb'}


# --- what a piece of code offers: names, parameters and the comments beside them --------------------------------------

def comments(code):
    "Line number → comment, without its `#`."
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {t.start[0]: t.string.lstrip('# ').rstrip() for t in tokens if t.type == tokenize.COMMENT}


@functools.lru_cache(8)
def lines_of(code): return [line.encode() for line in code.split('\n')]


def segment(code, node):
    "The source of a node: what `ast.get_source_segment` gives, which takes all of `code` apart each time."
    lines = lines_of(code)[node.lineno-1:node.end_lineno]
    lines[-1] = lines[-1][:node.end_col_offset]
    lines[0] = lines[0][node.col_offset:]
    return b'\n'.join(lines).decode()


def parameters(node, code, notes):
    "(name, type, default, comment) of each parameter; of several on one line the last has the line's comment."
    a, text = node.args, lambda n: '' if n is None else segment(code, n)
    plain = a.posonlyargs + a.args
    rows = list(zip(plain, [None]*(len(plain)-len(a.defaults)) + a.defaults, [''] * len(plain)))
    rows += [(a.vararg, None, '*')]*bool(a.vararg) + list(zip(a.kwonlyargs, a.kw_defaults, ['']*len(a.kwonlyargs)))
    rows += [(a.kwarg, None, '**')]*bool(a.kwarg)
    last = {p.lineno: p.arg for p,_,_ in rows if p.lineno != end_of_head(node)}
    return [
        (
            star + p.arg,
            text(p.annotation),
            text(default),
            notes.get(p.lineno, '') if last.get(p.lineno) == p.arg else '',
        )
        for p, default, star in rows
        if p.arg not in ('self', 'cls')
    ]


def end_of_head(node):
    "The line on which a function's head ends."
    parts = [node.returns] + node.args.defaults + [d for d in node.args.kw_defaults if d]
    parts += node.args.args + node.args.kwonlyargs + [p for p in (node.args.vararg, node.args.kwarg) if p]
    first = node.body[0].lineno
    lines = [p.end_lineno for p in parts if p is not None and p.end_lineno <= first]
    return max(lines + [node.lineno])


def function(node, code, notes):
    "What a page says of a function."
    doc, line = ast.get_docstring(node), end_of_head(node)
    back, note = segment(code, node.returns) if node.returns else '', notes.get(line, '')
    if not doc: doc, note = note, ''
    return dict(
        kind='function', name=node.name, params=parameters(node, code, notes), returns=back, back=note, doc=doc or '',
        methods=[],
    )


def fields(node, code, notes):
    "The fields of a dataclass, as parameters."
    text = lambda n: '' if n is None else segment(code, n)
    return [
        (n.target.id, text(n.annotation), text(n.value), notes.get(n.lineno, ''))
        for n in node.body
        if isinstance(n, ast.AnnAssign)
    ]


def a_class(node, code, notes):
    "What a page says of a class: how it is made, and its public methods."
    own = [n for n in node.body if isinstance(n, ast.FunctionDef)]
    made = [function(n, code, notes) for n in own if n.name == '__init__']
    shown = [function(n, code, notes) for n in own if n.name == '__call__' or n.name[0] != '_']
    data = any('dataclass' in ast.unparse(d) for d in node.decorator_list)
    params = fields(node, code, notes) if data else made[0]['params'] if made else []
    return dict(kind='class', name=node.name, params=params, returns='', back='', doc=ast.get_docstring(node) or '',
                methods=[m for m in shown if m['doc'] or m['back']])


def offered(code):
    "Public functions and classes of a cell, in order."
    notes, tree = comments(code), ast.parse(code)
    kinds = {ast.FunctionDef: function, ast.ClassDef: a_class}
    return [kinds[type(n)](n, code, notes) for n in tree.body if type(n) in kinds and n.name[0] != '_']


# --- the same as Markdown ---------------------------------------------------------------------------------------------

def table_of_parameters(entry):
    rows = [(coded(n), coded(t), coded(d), plain(c)) for n, t, d, c in entry['params']]
    if entry['returns'] or entry['back']:
        rows.append(('**returns**', coded(entry['returns']), '', plain(entry['back'])))
    if not any(r[1] or r[3] for r in rows): return ''
    return table(rows, ('parameter', 'type', 'default', 'what it is')) + '\n'


def signature(entry):
    "The head of a function in one line, as Sphinx reads it."
    args = [
        n + (f': {t}' if t else '') + ((f' = {d}' if t else f'={d}') if d else '') for n, t, d, _ in entry['params']
    ]
    return f"{entry['name']}({', '.join(args)})" + (f" -> {entry['returns']}" if entry['returns'] else '')


def address(module, name, is_class):
    "Where a name stands on the page of its module's source."
    return f"{'class' if is_class else 'source'}-{module.replace('.', '-')}-{name.replace('_', '-').strip('-').lower()}"


def described(entry, module, seen, fence='`'*6, kind=None):
    "An entry as a directive of Sphinx's Python domain: it is found by the search, and has an address."
    name = f"{module}.{entry['name']}"
    names = {name, entry['name']} if entry['kind'] == 'class' else {name} # a type is found by its bare name
    once = [':no-index:'] if names & seen else []
    seen |= names
    inner = [described(m, f"{name}", seen, fence[:-1], 'method') for m in entry['methods']]
    where = (
        f"[source](/source/{module}.md#{address(module, entry['name'], entry['kind'] == 'class')})"
        if kind is None
        else ''
    )
    head = (
        [f"{fence}{{py:{kind or entry['kind']}}} {' '.join(signature(entry).split())}"]
        + ([f':module: {module}'] if kind is None else [])
        + once
    )
    return (
        '\n'.join(head)
        + '\n\n'
        + '\n\n'.join(p for p in [entry['doc'], table_of_parameters(entry), *inner, where] if p)
        + f'\n{fence}'
    )


# --- notebooks --------------------------------------------------------------------------------------------------------

def without_front(text):
    "The first cell without nbdev's front matter."
    return re.sub(r'^- \w+: .*\n?', '', text, flags=re.M).strip()


def turned(text, page, files):
    "Markdown whose links to the checkout's files lead to copies in the site; those are added to `files`."
    def turn(m):
        target, _, anchor = m[2].partition('#')
        if re.match(r'[a-z]+:|/', m[2]) or not target: return m[0]
        path = normpath(PurePosixPath('nbs', page).parent/target)
        if path.startswith('nbs/') and path.endswith('.ipynb'):
            return f"{m[1]}/{path[4:]}{'#' + anchor if anchor else ''})"
        if path in LISTS: return f'{m[1]}/{LISTS[path]})'
        result = re.fullmatch(r'results/(\w+)\.json', path)
        if result and result[1] in BENCHMARKS: return f'{m[1]}/benchmarks/{result[1]}.md)'
        if (ROOT/path).is_dir(): return m[0]
        files.add(path)
        return f'{m[1]}/files/{path})' if not path.endswith('.ipynb') else to_download(m[1][1:-2], path)
    parts = re.split(r'(^```.*?^```|`[^`\n]+`)', text, flags=re.M | re.S)
    return ''.join(p if i % 2 else re.sub(r'(\[[^\]]*\]\()([^)\s]+)\)', turn, p) for i, p in enumerate(parts))


def to_download(text, path):
    return f'{{download}}`{text} </files/{path}>`'


def markdown(text, **metadata):
    return dict(cell_type='markdown', metadata=metadata, source=text)


def page_cells(path, files, seen=None):
    "A notebook's cells as the site shows them."
    seen = set() if seen is None else seen
    page, module, first = path.relative_to(ROOT/'nbs').as_posix(), module_of(path), True
    for cell in cells(path):
        text, flags = source(cell).strip(), directives(cell)
        if cell['cell_type'] == 'markdown':
            if first: text, first = without_front(text), False
            if page == 'learn/glossary.ipynb': text = as_glossary(text)
            if not re.match(r'## .* -$', text): yield markdown(turned(text, page, files))
        elif 'hide' not in flags and 'default_exp' not in flags and text:
            code = re.sub(r'^#\|.*\n?', '', text, flags=re.M).strip()
            exported = 'export' in flags or 'exports' in flags
            if exported: yield from (markdown(described(e, f'swapkit.{module}', seen)) for e in offered(code))
            tags = [f'needs-{t}' for t in TIERS if t in flags] + ['hide-input']*exported
            yield dict(
                cell, metadata=dict(tags=tags), source=code, outputs=[o for o in cell.get('outputs', []) if still(o)]
            )


def still(output):
    "Whether an output shows something without a running notebook."
    return 'data' not in output or bool(output['data']) and not any('widget' in k for k in output['data'])


def processed(path, files, seen=None):
    "The notebook of a page."
    nb = json.loads(path.read_text(encoding='utf-8'))
    made, page, module = list(page_cells(path, files, seen)), path.relative_to(ROOT).as_posix(), module_of(path)
    files.add(page)
    links = [to_download('this page as a notebook', page)] + (
        [f'[module `swapkit.{module}`](/source/swapkit.{module}.md)'] if module else []
    )
    if path.name != 'index.ipynb': made.insert(1, markdown(' · '.join(links)))
    for i, c in enumerate(made): c['id'] = f'cell-{i}'
    return dict(nb, cells=made, metadata=dict(nb['metadata'], language_info=dict(name='python')))


# --- pages that are not notebooks -------------------------------------------------------------------------------------

def name_of(path):
    "Dotted name of a module."
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts)


def is_exported(text):
    "Whether a module is exported from a notebook; a plain module is not."
    return 'AUTOGENERATED' in text[:500]


def in_pieces(text):
    "The text of a plain module, cut in front of each function and class, as exported modules are."
    lines, starts = text.splitlines(True), [0]
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            starts.append(min([node.lineno] + [d.lineno for d in node.decorator_list]) - 1)
    head, *rest = [''.join(lines[a:b]) for a, b in zip(starts, starts[1:] + [None])]
    return [head] + ['\n' + r for r in rest]


def plain_modules(modules):
    "Modules that are written by hand and have no lesson."
    return [p for p in modules if not is_exported(p.read_text(encoding='utf-8'))]


def plain_page(modules, seen):
    "What the plain modules offer; what is in `seen` has a place elsewhere."
    out = [
        '# Plain modules',
        'These modules are written by hand and have no notebook: errors, registries, options and what else every '
        'section uses.',
    ]
    for path in plain_modules(modules):
        text, module = path.read_text(encoding='utf-8'), name_of(path)
        out += [f'## {module}', ast.get_docstring(ast.parse(text)) or '']
        if module == 'swapkit.options': out.append('Every option with its default and range: [options](/options.md).')
        out += [described(e, module, seen) for e in offered(text) if f"{module}.{e['name']}" not in seen]
    return '\n\n'.join(o for o in out if o) + '\n'


def module_page(path):
    "A module's source, cut where its notebook was, each piece with an address."
    module, text = name_of(path), path.read_text(encoding='utf-8')
    head, *pieces = re.split(r'^# %% ', text, flags=re.M) if is_exported(text) else in_pieces(text)
    notebook = re.search(r'File to edit: (\S+\.ipynb)', head)
    page = normpath(PurePosixPath(path.relative_to(ROOT).parent.as_posix())/notebook[1])[4:] if notebook else ''
    out = [
        f'# Source of {module}',
        f'Exported from [{page}](/{page}).' if page else 'Described with the [plain modules](/plain-modules.md).',
        f'```python\n{head.strip()}\n```',
    ]
    for piece in pieces:
        code = piece.partition('\n')[2].strip()
        names = [n for n in ast.parse(code).body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name[0] != '_']
        out += [f'({address(module, n.name, isinstance(n, ast.ClassDef))})=' for n in names] + [
            f'```python\n{code}\n```'
        ]
    return '\n\n'.join(o for o in out if o) + '\n'


def size(n):
    return '' if not n else f'{n/1e6:.1f} MB'


def models_page(names=()):
    "The registries of models and of swappers; `names` are the pages below it."
    from swapkit.models import MODELS
    from swapkit.swap.neural import swapper_table
    rows = [(coded(m.name), plain(m.about), size(m.size), plain(m.license), m.commercial) for m in MODELS.values()]
    return (
        '\n\n'.join(
            [
                '# Models and licenses',
                'Weights are other people\'s work under their own terms. `swapkit '
                'models list` shows the same table, `swapkit models pull NAME` fetches '
                'what is published. '
                'What the words mean: [models and licenses](/learn/licenses.ipynb). '
                'How files are found and checked: [weights](/1_base/06_weights.ipynb).',
                '## Every file of weights',
                table(rows, ('model', 'what it is', 'size', 'license of the weights', 'commercial')),
                '## Swappers',
                'What each swapper is told, and how we know that it computes what '
                'the original does: [neural](/6_swap/03_neural.ipynb).',
                swapper_table(),
                *[toctree(names)]*bool(names),
            ]
        )
        + '\n'
    )


def functions_page(modules):
    "Every public function and class, by module, each with a link to its description."
    out = [
        '# Functions and classes',
        'Everything that the modules of swapkit offer. The search finds the same names. Modules that are written by '
        'hand: [plain modules](/plain-modules.md). The code of every module: [source](/source/index.md).',
        toctree(['plain-modules', 'source/index']),
    ]
    for path in modules:
        module, text = name_of(path), path.read_text(encoding='utf-8')
        names = [(e['kind'], e['name']) for e in offered(text)]
        roles = dict(function='py:func', **{'class': 'py:class'})
        links = [f'{{{roles[kind]}}}`{name} <{module}.{name}>`' for kind, name in names]
        about = (ast.get_docstring(ast.parse(text)) or '').split('\n\n')[0]
        if links: out += [f'## {module}', about, ' · '.join(links)]
    return page(*out)


def sample_people(files):
    "The pictures of the people that come with the package."
    names = sorted(p.stem for p in (ROOT/'swapkit'/'samples').glob('*.jpg'))
    files.update(f'swapkit/samples/{n}.jpg' for n in names)
    shots = [directive('container', 'shot', f'![{n}](/files/swapkit/samples/{n}.jpg)', n) for n in names]
    return directive('container', 'shots people', *shots, fence='`'*4)


def start_page(nb, entries, names):
    "The notebook `index`, with the cards below its picture and the lists of pages for the sidebar at its end."
    made, shown = nb['cells'], [i for i, c in enumerate(nb['cells']) if 'results/demo.jpg' in source(c)]
    at = shown[0] + 1 if shown else len(made)
    end = dict(markdown(sidebar(entries)), id='contents')
    return dict(nb, cells=[*made[:at], dict(markdown(cards(entries, names)), id='cards'), *made[at:], end])


def all_pages():
    "Path → content, for every source of the site."
    files, seen, sources = set(), set(), {}
    paths = {p.relative_to(ROOT/'nbs').with_suffix('').as_posix(): p for p in notebooks(ROOT)}
    stored = {n: json.loads(p.read_text(encoding='utf-8')) for n, p in paths.items()}
    about = {n: title_of(nb) for n, nb in stored.items()}
    parts = grouped([n for n in paths if n != 'index'])
    made = {n: processed(p, files, seen) for n, p in paths.items()}
    made['index'] = start_page(made['index'], menu(parts, about), set(made))
    for name, nb in made.items(): sources[f'{name}.ipynb'] = json.dumps(nb, indent=1)

    modules = [p for p in sorted((ROOT/'swapkit').rglob('*.py')) if p.name[0] != '_']
    text = {f'source/{name_of(p)}': module_page(p) for p in modules}
    rows = [(f'[{n[7:]}](/{n}.md)',) for n in text]
    text['source/index'] = page('# Source', 'The source of every module, with a link from each function to its place.',
                                table(rows, ('module',)))
    for n in text: text[n] = '---\norphan: true\n---\n'*(n != 'source/index') + text[n]
    shots, pictures = gallery_page(parts, stored, about)
    files.add('results/demo.jpg')
    text |= section_pages(parts, about) | command_pages() | benchmark_pages(ROOT/'results', files)
    text['options'] = options_page(seen)
    text['plain-modules'] = plain_page(modules, seen)
    text['functions'] = functions_page(modules)
    text['models-and-licenses'] = models_page(parts['licenses'])
    text['gallery'] = page(
        '# Gallery',
        'The pictures of all stages, as the notebooks have stored them. A click on a picture opens its page.',
        '![A swap by the built-in swapper](/files/results/demo.jpg)', *shots,
        '## The sample people',
        'These people come with the package; where their pictures are from: '
        '[samples](/8_apps/08_samples.ipynb).', sample_people(files),
    )
    sources |= {f'{n}.md': t for n, t in text.items()} | pictures
    return sources | copies(files)


def copies(files):
    "Copies of the checkout's files that pages lead to, and of those that these lead to."
    made, left = {}, set(files)
    while left:
        f = left.pop()
        made[f'files/{f}'] = (ROOT/f).read_bytes()
        if not f.endswith('.md'): continue
        text = turned((ROOT/f).read_text(encoding='utf-8'), f'../{f}', found := set())
        made[f'files/{f}'] = f'---\norphan: true\n---\n{text}'
        left |= {n for n in found if f'files/{n}' not in made}
    return made


def write_pages(out):
    "Write all sources of the site, for Sphinx; one that has not changed keeps its time, so that it is not read again."
    out, sources = Path(out), all_pages()
    for old in out.rglob('*') if out.exists() else ():
        if old.is_file() and old.relative_to(out).as_posix() not in sources: old.unlink()
    for name, content in sources.items(): put(out/name, content)
    return sum(n.endswith(('.md', '.ipynb')) and not n.startswith('files/') for n in sources)


def put(path, content):
    data = content if isinstance(content, bytes) else content.encode()
    if path.exists() and path.read_bytes() == data: return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# --- links ------------------------------------------------------------------------------------------------------------

class Page(HTMLParser):
    "Addresses within a page, where it leads, and what it loads."
    def __init__(self):
        super().__init__()
        self.ids, self.leads, self.loads, self.loose, self.inside = set(), [], [], [], 0
    def handle_endtag(self, tag): self.inside -= tag == 'a'
    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        self.inside += tag == 'a'
        if 'xref' in (at.get('class') or '').split() and not self.inside: self.loose.append(self.getpos()[0])
        self.ids.update(v for k in ('id', 'name') if (v := at.get(k)))
        if tag == 'a' and at.get('href'): self.leads.append(at['href'])
        if tag in ('img', 'script', 'iframe', 'source', 'video') and at.get('src'): self.loads.append(at['src'])
        if tag == 'link' and at.get('href') and at.get('rel') not in ('canonical',): self.loads.append(at['href'])


def read_page(path):
    found = Page()
    found.feed(path.read_text(encoding='utf-8'))
    return found


def wrong_links(folder):
    "One line for each link within the site that leads nowhere, and for each thing that would be loaded from elsewhere."
    folder = Path(folder)
    pages = {p.resolve(): read_page(p) for p in folder.rglob('*.html')}
    out = [f'{p.relative_to(folder)}: loads {u}' for p in folder.rglob('*.css')
           for u in re.findall(r'(?:@import\s+|url\()["\']?((?:https?:)?//[^"\')]+)', p.read_text(encoding='utf-8'))]
    for path, here in pages.items():
        name = path.relative_to(folder.resolve()).as_posix()
        out += [f'{name}: line {n}: a reference to something that is not described' for n in here.loose]
        out += [f'{name}: loads {u}' for u in here.loads if re.match(r'(https?:)?//', u)]
        for link in here.leads + here.loads:
            url = urlsplit(link)
            if url.scheme or url.netloc: continue
            target = (path.parent/unquote(url.path)).resolve() if url.path else path
            if target.is_dir(): target = target/'index.html'
            if not target.exists(): out.append(f'{name}: {link} is not there')
            elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].ids:
                out.append(f'{name}: {link}: no such place on that page')
    return sorted(set(out))


def main(argv):
    if argv[:1] == ['links']:
        said = wrong_links(argv[1])
        print(
            '\n'.join(said)
            or f"{len(list(Path(argv[1]).rglob('*.html')))} pages, no broken link, nothing loaded from elsewhere"
        )
        return int(bool(said))
    print(f'{write_pages(argv[0])} pages')
    return 0


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
