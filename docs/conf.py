"How Sphinx makes the site from what pages.py wrote."
import functools
import re
from pathlib import Path

from docutils import nodes

HERE = Path(__file__).resolve().parent
project = 'swapkit'
author = 'The swapkit authors'
root_doc = 'index'
extensions = ['myst_nb']
exclude_patterns = ['files/**.ipynb']
suppress_warnings = ['myst.header', 'mystnb.unknown_mime_type', 'misc.highlighting_failure']
myst_heading_anchors = 4
myst_enable_extensions = []         # dollar signs are those of variables
nb_execution_mode = 'off'           # outputs are shown as they are stored
nb_ipywidgets_js = {}               # nothing from elsewhere
nb_merge_streams = True
nb_code_prompt_show = 'Source'
nb_code_prompt_hide = 'Hide the source'
add_module_names = False
python_maximum_signature_line_length = 72
smartquotes_action = 'q'            # two hyphens begin an option
html_search_scorer = str(HERE/'static'/'scorer.js')
html_theme = 'furo'
html_title = 'swapkit'
html_static_path = [str(HERE/'static')]
html_css_files = ['site.css']
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = dict(navigation_with_keys=True)
html_show_copyright = False
PLAIN = 'what it is', 'what it does', 'what it is about', 'result'   # columns that need no title in front of each cell
STACKED = 5     # tables with at most so many columns become stacked rows on a narrow screen; wider ones scroll


def short_navigation(context):
    "The sidebar: the pages of a section are listed only while one of them is open."
    from furo.navigation import get_navigation_tree
    if 'toctree' not in context: return ''
    return get_navigation_tree(context['toctree'](collapse=True, titles_only=True, maxdepth=-1, includehidden=True))


def lazy_pictures(app, doctree, name):
    "Pictures are loaded when they come near the screen; those of the start page at once."
    if name != app.config.root_doc:
        for image in doctree.findall(nodes.image): image['loading'] = 'lazy'


def labelled(table):
    "The HTML of a table with the title of its column at each cell, which the style sheet shows on a narrow screen."
    head = re.search(r'<thead>.*?</thead>', table[0], re.S)
    titles = [re.sub(r'<.*?>', '', t).strip() for t in re.findall(r'<th\b.*?</th>', head[0], re.S)] if head else []
    if not 2 <= len(titles) <= STACKED: return table[0]
    if len(titles) == 2: titles = ['', '']      # the second cell says something about the first, which needs no title
    titles = ['' if t in PLAIN else t for t in titles]
    def cell(m, column):
        title, empty = next(column, ''), not re.sub(r'<(?!img).*?>', '', m[0]).strip()
        return '<td class="empty"></td>' if empty else f'<td data-title="{title}"{m[0][3:]}'
    def row(m):
        column = iter(titles)
        return re.sub(r'<td\b.*?</td>', lambda c: cell(c, column), m[0], flags=re.S)
    text = re.sub(r'<tr\b.*?</tr>', row, table[0], flags=re.S)
    return re.sub(r'<table class="', '<table class="stacked ', text, count=1)


def label_tables(app, name, template, context, doctree):
    if 'body' in context: context['body'] = re.sub(r'<table class="docutils.*?</table>', labelled, context['body'],
                                                   flags=re.S)


def setup(app):
    import furo
    from sphinx.search.en import SearchEnglish
    SearchEnglish.stem = functools.lru_cache(None)(SearchEnglish.stem)     # the site has each of its words 15 times
    furo._compute_navigation_tree = short_navigation
    app.connect('doctree-resolved', lazy_pictures)
    app.connect('html-page-context', label_tables)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
