"The sections of the site: their pages, the cards of the start page, the gallery, the glossary."
import base64
import re

from md import directive, page, plain, table, toctree

# Folder of notebooks → (title, what its pages are about). Pages of a folder are in the order of their numbers.
STAGES = {
    '1_base': ('Base', 'Types, weights, matrices and filters that every stage uses.'),
    'nets': ('Networks', 'The networks as torch modules, and any ONNX file as a function on tensors.'),
    '2_video': ('Video', 'Films and photos read as frames, and frames written back, with everything else kept.'),
    '3_face': ('Faces', 'Who is where in a whole film: detection, landmarks, tracking, smoothing, people.'),
    '4_mask': ('Masks', 'Which pixels are swapped, and which stay those of the target.'),
    '5_mesh': ('Mesh', 'What the built-in swapper is made of: drawing, texture, shape, light.'),
    '6_swap': ('Swapping', 'The swappers, restoration, and the way back into the frame.'),
    '7_pipeline': ('Pipeline', 'All stages together: two passes, segments, sources, people.'),
    '8_apps': ('Applications', 'The command line, the studio, checks of the machine, and measurements.'),
    '9_research': ('Research', 'Training of the built-in networks and long measurements. Not part of the installed '
                               'package.'),
}
# Pages that are no stages, by section. One that is not named here is an explanation.
LEARN = dict(
    start='learn/install 0_tour learn/first learn/studio'.split(),
    tutorials='learn/command_line learn/several learn/results learn/batch learn/masks learn/steady '
              'learn/own_swapper learn/video learn/gpu'.split(),
    explanations='learn/limits learn/batches learn/passes learn/pixels learn/reading learn/peers'.split(),
    use='learn/responsible'.split(),
    licenses='learn/licenses'.split(),      # below the page of models
    look_up='learn/glossary'.split(),
)
TITLES = dict(
    tutorials=('Tutorials', 'Each page does one task from the beginning to a result.'),
    explanations=('Explanations', 'Why swapkit works the way it does, and what it cannot do.'),
)
SHORT = {'learn/first': 'First swap', 'learn/studio': 'Studio', '0_tour': 'Tour'}
CARDS = {
    'Try': 'Install swapkit and swap a face: in five lines of Python, or with a mouse.',
    'Learn': 'Tutorials, explanations, and every stage as a notebook: a draft, a picture, the function, a test.',
    'Use': 'Every command and every option, models and their licenses, responsible use.',
    'Look up': 'Words, functions and measurements.',
}


# --- what a notebook says of itself -----------------------------------------------------------------------------------

def title_of(nb):
    "(title, description) of a notebook's first Markdown cell."
    text = next((''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown'), '')
    title = re.search(r'^# (.+)', text, re.M)
    about = re.search(r'^> (.+(?:\n> ?.+)*)', text, re.M)
    return (title[1].strip() if title else ''), re.sub(r'\n> ?', ' ', about[1]).strip() if about else ''


def grouped(names):
    """Section → names of its pages, in order. `names` are those of all notebooks but the index; a folder that STAGES
    does not have is a section by its own name."""
    def folder(name): return name.partition('/')[0] if '/' in name else 'learn'
    places = {p: s for s, pages in LEARN.items() for p in pages}
    section = {n: places.get(n, 'explanations') if folder(n) == 'learn' else folder(n) for n in names}
    order = {n: i for pages in LEARN.values() for i, n in enumerate(pages)}
    keys = [*LEARN, *STAGES, *sorted({s for s in section.values() if s not in (*LEARN, *STAGES)})]
    return {k: sorted((n for n in names if section[n] == k), key=lambda n: (order.get(n, 99), n)) for k in keys}


def list_of_pages(names, about):
    "A table of pages: title with link, description."
    rows = [(f'[{plain(about[n][0] or n)}](/{n}.ipynb)', plain(about[n][1])) for n in names]
    return table(rows, ('page', 'what it does'))


# --- pages ------------------------------------------------------------------------------------------------------------

def section_pages(parts, about):
    "Name of a page → text: a page for each section, and one that lists all stages."
    pages = {}
    for s, (title, text) in TITLES.items():
        first = parts['start'] if s == 'tutorials' else []
        pages[s] = page(f'# {title}', text, list_of_pages(first + parts[s], about), toctree(parts[s]))
    folders = [f for f in parts if f not in LEARN]
    for f in folders:
        title, text = STAGES.get(f, (f, ''))
        pages[f'{f}/index'] = page(
            f'# {title}', text, f'The notebooks are in the folder `nbs/{f}`.', list_of_pages(parts[f], about),
            toctree(parts[f]),
        )
    rows = [(f'[{STAGES.get(f, (f, ""))[0]}](/{f}/index.md)', STAGES.get(f, ('', ''))[1], str(len(parts[f])))
            for f in folders if parts[f]]
    pages['stages'] = page(
        '# All stages',
        'Every part of swapkit is developed, shown and tested in a notebook, and the package is exported from these '
        'notebooks. A section uses itself and the sections above it in this list, never one below.',
        table(rows, ('section', 'what it is about', 'pages')),
        toctree([f'{f}/index' for f in folders if parts[f]]),
    )
    return pages


def menu(parts, about):
    "Caption → (title, name) of the pages that the sidebar and the cards of the start page offer."
    def named(names): return [(SHORT.get(n) or about[n][0], n) for n in names]
    return {
        'Try': [*named(parts['start']), ('Gallery', 'gallery')],
        'Learn': [*[(TITLES[s][0], s) for s in TITLES], ('All stages', 'stages')],
        'Use': [('Command line', 'command-line/index'), ('Options', 'options'),
                ('Models and licenses', 'models-and-licenses'), *named(parts['use'])],
        'Look up': [*named(parts['look_up']), ('Functions', 'functions'), ('Benchmarks', 'benchmarks/index')],
    }


def sidebar(entries):
    return '\n\n'.join(toctree(pages, caption) for caption, pages in entries.items())


def cards(entries, notebooks):
    "The four cards of the start page."
    def card(caption, pages):
        links = [f'[{title}](/{n}{".ipynb" if n in notebooks else ".md"})' for title, n in pages]
        return directive('container', 'card', f'**{caption}**', CARDS[caption], ' · '.join(links))
    return directive('container', 'cards', *[card(*e) for e in entries.items()], fence='`'*4)


# --- gallery ----------------------------------------------------------------------------------------------------------

KINDS = {'image/jpeg': 'jpg', 'image/png': 'png'}


def size_of_picture(data):
    "(width, height) of a JPEG or a PNG."
    if data[:8] == b'\x89PNG\r\n\x1a\n': return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
    i = 2
    while i + 9 < len(data):
        marker, n = data[i + 1], int.from_bytes(data[i + 2:i + 4], 'big')
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[i + 7:i + 9], 'big'), int.from_bytes(data[i + 5:i + 7], 'big')
        i += 2 + n
    return 0, 0


def pictures(nb):
    "(heading, suffix, bytes) of each picture in a notebook's stored outputs."
    heading = ''
    for cell in nb['cells']:
        text = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown':
            if found := re.findall(r'^##+ (.+)', text, re.M): heading = found[-1].removesuffix(' -').strip()
        for o in cell.get('outputs', []):
            for kind, suffix in KINDS.items():
                if kind in o.get('data', {}):
                    yield heading, suffix, base64.b64decode(''.join(o['data'][kind]))


def gallery_page(parts, notebooks, about, least=200):
    """(text, {file: bytes}) of the gallery: the pictures of all stage pages, each with a link to its page. Pictures
    narrower than `least` pixels are left out."""
    out, files = [], {}
    for f in [f for f in parts if f not in (*LEARN, '9_research')]:
        shots = []
        for name in parts[f]:
            for i, (heading, suffix, data) in enumerate(pictures(notebooks[name])):
                wide, high = size_of_picture(data)
                if wide < least: continue
                file = f'gallery/{name.replace("/", "-")}-{i + 1}.{suffix}'
                files[file] = data
                title = about[name][0] or name
                words = plain(f'{title}: {heading}' if heading else f'{title}: {about[name][1]}')
                shots.append(directive(
                    'container', 'shot wide' if wide > 2.2*high else 'shot',
                    f'[![{words}](/{file})](/{name}.ipynb)',
                    f'[{plain(title)}](/{name}.ipynb)' + (f' · {plain(heading)}' if heading else ''),
                ))
        if shots: out += [f'## {STAGES.get(f, (f, ""))[0]}', directive('container', 'shots', *shots, fence='`'*4)]
    return out, files


# --- glossary ---------------------------------------------------------------------------------------------------------

def as_glossary(text):
    "Tables whose first column has words in bold, as glossaries: the search finds each word by itself."
    def turn(m):
        rows = re.findall(r'^\| \*\*(.+?)\*\* \|(.*)$', m[0], re.M)
        if not rows: return m[0]
        out = []
        for word, rest in rows:
            meaning, *code = [c.strip() for c in re.split(r'(?<!\\)\|', rest.strip().strip('|'))]
            more = f' In the code: {code[0]}.' if code and code[0] else ''
            out.append(f'{word}\n  {meaning}{more}')
        return directive('glossary', '', '\n\n'.join(out))
    return re.sub(r'^\|.*\n\|[-| :]+\|\n(?:\|.*\n?)+', turn, text, flags=re.M)


