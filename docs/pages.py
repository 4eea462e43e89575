"""The site's pages, made from the notebooks as they are stored: nothing is executed, and nothing but Python's library
is needed.

`python3 dev.py site` runs this, then Sphinx, then the link checker below."""
import ast
import io
import json
import re
import shutil
import sys
import tokenize
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from dev import cells, directives, module_of, notebooks, source

TIERS = dict(
    weights='needs downloaded weights or media',
    golden='needs the golden vectors',
    gpu='needs an NVIDIA GPU',
    slow='takes long',
)
# Folders of notebooks, in the order of the site. Pages of a folder are in the order of their numbers.
PARTS = {
    '': 'Start', '1_base': 'Base', 'nets': 'Networks', '2_video': 'Video', '3_face': 'Faces', '4_mask': 'Masks',
    '5_mesh': 'Mesh', '6_swap': 'Swapping', '7_pipeline': 'Pipeline', '8_apps': 'Applications',
    '9_research': 'Research', 'learn': 'Learn',
}
# Pages of `learn` have no numbers: tutorials first, then explanations.
LEARN = tuple(
    'first install studio command_line several own_swapper steady masks video limits licenses gpu responsible batches '
    'pixels passes glossary '
    'peers'.split()
)


# --- what a piece of code offers: names, parameters and the comments beside them --------------------------------------

def comments(code):
    "Line number → comment, without its `#`."
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {t.start[0]: t.string.lstrip('# ').rstrip() for t in tokens if t.type == tokenize.COMMENT}


def parameters(node, code, notes):
    "(name, type, default, comment) of each parameter; of several on one line the last has the line's comment."
    a, text = node.args, lambda n: '' if n is None else ast.get_source_segment(code, n)
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
    back, note = ast.get_source_segment(code, node.returns) if node.returns else '', notes.get(line, '')
    if not doc: doc, note = note, ''
    return dict(
        kind='function', name=node.name, params=parameters(node, code, notes), returns=back, back=note, doc=doc or '',
        methods=[],
    )


def fields(node, code, notes):
    "The fields of a dataclass, as parameters."
    text = lambda n: '' if n is None else ast.get_source_segment(code, n)
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

def plain(text):
    "A comment as a cell of a Markdown table."
    return re.sub(r'([|*<\[\]])', r'\\\1', text.replace('\n', ' '))


def coded(text):
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ''


def table(rows, head):
    "A Markdown table, without the columns that are empty."
    keep = [i for i in range(len(head)) if any(r[i] for r in rows)]
    lines = [[head[i] for i in keep], ['---']*len(keep)] + [[r[i] for i in keep] for r in rows]
    return '\n'.join(f"| {' | '.join(r)} |" for r in lines)


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


def order_of(name):
    "Where a page stands among those of its part."
    known = name.split('/')[0] == 'learn' and name.split('/')[-1] in LEARN
    return LEARN.index(name.split('/')[-1]) if known else len(LEARN), name


def turned(text, page, files):
    "Markdown whose links to the checkout's files lead to copies in the site; those are added to `files`."
    def turn(m):
        target, _, anchor = m[2].partition('#')
        if re.match(r'[a-z]+:|/', m[2]) or not target: return m[0]
        path = normpath(PurePosixPath('nbs', page).parent/target)
        if path.startswith('nbs/') and path.endswith('.ipynb'):
            return f"{m[1]}/{path[4:]}{'#' + anchor if anchor else ''})"
        if (ROOT/path).is_dir(): return f'{m[1]}/{path})' if path in ('nbs',) else m[0]
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


def contents(paths):
    "Parts of the site and the names of their pages; a folder that PARTS does not have is a part by its own name."
    names = sorted((p.relative_to(ROOT/'nbs').with_suffix('').as_posix() for p in paths), key=order_of)
    folder = lambda name: name.split('/')[0] if '/' in name else ''
    parts = PARTS | {f: f for f in map(folder, names) if f not in PARTS}
    return {title: [n for n in names if folder(n) == f and n != 'index'] for f, title in parts.items()}


def toctree(title, names):
    return f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + '\n'.join(f'/{n}' for n in names) + '\n```'


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
    "What the plain modules offer, and the tables of all options."
    out = [
        '# Plain modules',
        'These modules are written by hand and have no notebook: errors, registries, options and what else every '
        'floor uses.',
    ]
    for path in plain_modules(modules):
        text, module = path.read_text(encoding='utf-8'), name_of(path)
        out += [f'## {module}', ast.get_docstring(ast.parse(text)) or '']
        tables = option_tables() if module == 'swapkit.options' else {}
        out += tables.values()
        out += [described(e, module, seen) for e in offered(text) if e['name'] not in tables]
    return '\n\n'.join(o for o in out if o) + '\n'


def option_tables():
    "Name of each class of options → its table, as the command line and the studio have them."
    from swapkit.options import OPTIONS
    from swapkit.option_tables import options_table
    return {c.__name__: f"### {c.__name__}\n\n{(c.__doc__ or '').strip()}\n\n{options_table(c)}" for c in OPTIONS}


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


def said(value):
    "A figure as a table shows it."
    if isinstance(value, float): return f'{value:.4g}'
    if isinstance(value, (list, tuple)):
        return '\u00a0×\u00a0'.join(map(said, value)) if len(value) < 5 else f'{len(value)} values'
    return plain(str(value)) if value is not None else ''


def flat(row, name=''):
    "A record with records inside as one record."
    out = {}
    for k, v in row.items(): out.update(flat(v, f'{name}{k} · ') if isinstance(v, dict) else {name + k: said(v)})
    return out


def result_tables(data):
    "(title, Markdown table) of each list of records in a file of results."
    for key, value in data.items():
        if key in ('command', 'machine', 'engine'): continue
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            value = [dict(name=k, **v) for k, v in value.items()]
        elif isinstance(value, dict):
            value = [value]
        if not (isinstance(value, list) and value and all(isinstance(r, dict) for r in value)): continue
        rows = [flat(r) for r in value]
        head = list(dict.fromkeys(k for r in rows for k in r))
        yield key, table([[r.get(k, '') for k in head] for r in rows], head)


def results_page(folder, files):
    "Every file of results, with the command that made it."
    out = [
        '# Benchmarks',
        'Figures as they were measured: each with the command that makes '
        'it and the machine it ran on. How they are made: [bench](/8_apps/07_bench.ipynb).',
    ]
    for path in sorted(folder.glob('*.json')):
        data = json.loads(path.read_text(encoding='utf-8'))
        if not isinstance(data, dict): continue
        files.add(path.relative_to(ROOT).as_posix())
        machine = data.get('machine') or {}
        where = ', '.join(f'{k} {v}' for k, v in machine.items() if v)
        out += [
            f'## {path.stem}',
            f"```sh\n{data['command']}\n```" if 'command' in data else '',
            f'{plain(where)} · [JSON](/files/{path.relative_to(ROOT).as_posix()})',
        ]
        for title, text in result_tables(data): out += [f'**{plain(title)}**', text]
    return '\n\n'.join(o for o in out if o) + '\n'


def size(n):
    return '' if not n else f'{n/1e6:.1f} MB'


def models_page():
    "The registries of models and of swappers."
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
            ]
        )
        + '\n'
    )


def gallery_page(files):
    "The sample people."
    names = sorted(p.stem for p in (ROOT/'swapkit'/'samples').glob('*.jpg'))
    files.update(f'swapkit/samples/{n}.jpg' for n in names)
    files.add('results/demo.jpg')
    show = [
        f'```{{figure}} /files/swapkit/samples/{n}.jpg\n:alt: {n}, an invented '
        f'person\n:width: 240px\n:figclass: person\n\n{n}\n```'
        for n in names
    ]
    return (
        '\n\n'.join(
            [
                '# The sample people',
                'Nobody on this page exists. Each is the mean of eight or more generated '
                'portraits (CC0), aligned by their mesh; how they are made: [samples](/8_apps/08_samples.ipynb). '
                'They come with the package, and no picture on this site shows a '
                'real person, but for Grace Hopper\'s portrait (public domain).',
                *show,
                '## Swapped',
                'Before and after, by the built-in swapper:',
                '![Two invented people, before and after](/files/results/demo.jpg)',
            ]
        )
        + '\n'
    )


def write_pages(out):
    "All sources of the site, for Sphinx."
    out, files, seen = Path(out), set(), set()
    if out.exists(): shutil.rmtree(out)
    pages = {p: processed(p, files, seen) for p in notebooks(ROOT)}
    parts = contents(list(pages))
    modules = [p for p in sorted((ROOT/'swapkit').rglob('*.py')) if p.name[0] != '_']
    text = {f'source/{name_of(p)}': module_page(p) for p in modules}
    trees = [toctree(title, names) for title, names in parts.items() if names]
    reference = ['plain-modules', 'gallery', 'models-and-licenses', 'benchmarks', 'source/index']
    trees.append(toctree('Reference', reference))
    index = next(nb for p, nb in pages.items() if p.name == 'index.ipynb')
    index['cells'].append(dict(markdown('\n\n'.join(trees)), id='contents'))
    text.update(
        {
            'plain-modules': plain_page(modules, seen),
            'gallery': gallery_page(files),
            'models-and-licenses': models_page(),
            'benchmarks': results_page(ROOT / 'results', files),
            'source/index': '# Source\n\n```{toctree}\n:maxdepth: 1\n\n' + '\n'.join(n[7:] for n in text) + '\n```\n',
        }
    )
    for path, nb in pages.items(): put(out/path.relative_to(ROOT/'nbs'), json.dumps(nb, indent=1))
    for name, page in text.items(): put(out/f'{name}.md', page)
    for f in files: put(out/'files'/f, b'---\norphan: true\n---\n'*f.endswith('.md') + (ROOT/f).read_bytes())
    return len(pages) + len(text)


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


# --- links ------------------------------------------------------------------------------------------------------------

class Page(HTMLParser):
    "Addresses within a page, where it leads, and what it loads."
    def __init__(self):
        super().__init__()
        self.ids, self.leads, self.loads = set(), [], []
    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        self.ids.update(v for k in ('id', 'name') if (v := at.get(k)))
        if tag == 'a' and at.get('href'): self.leads.append(at['href'])
        if tag in ('img', 'script', 'iframe', 'source', 'video') and at.get('src'): self.loads.append(at['src'])
        if tag == 'link' and at.get('href') and at.get('rel') not in ('canonical',): self.loads.append(at['href'])


def read_page(path):
    page = Page()
    page.feed(path.read_text(encoding='utf-8'))
    return page


def wrong_links(folder):
    "One line for each link within the site that leads nowhere, and for each thing that would be loaded from elsewhere."
    folder = Path(folder)
    pages = {p.resolve(): read_page(p) for p in folder.rglob('*.html')}
    out = [f'{p.relative_to(folder)}: loads {u}' for p in folder.rglob('*.css')
           for u in re.findall(r'(?:@import\s+|url\()["\']?((?:https?:)?//[^"\')]+)', p.read_text(encoding='utf-8'))]
    for path, page in pages.items():
        name = path.relative_to(folder.resolve()).as_posix()
        out += [f'{name}: loads {u}' for u in page.loads if re.match(r'(https?:)?//', u)]
        for link in page.leads + page.loads:
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
