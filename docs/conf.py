"How Sphinx makes the site from what pages.py wrote."
from pathlib import Path

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
python_maximum_signature_line_length = 88
html_theme = 'furo'
html_title = 'swapkit'
html_static_path = [str(Path(__file__).resolve().parent/'static')]
html_css_files = ['site.css']
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = dict(navigation_with_keys=True)
html_show_copyright = False
