"""Count what a reader meets on the pages: pictures and their widths, outside links, drafts before exported code, words.

    python tests/page_counts.py [CHECKOUT]      prints JSON

A draft is a code cell with an output that stands between an exported cell and the exported cell or title before it."""
import base64
import json
import re
import statistics
import struct
import sys
from pathlib import Path

NOT_STAGES = 'learn', '9_research'


def picture_width(data):
    "Width in pixels of a PNG or JPEG, from its header."
    if data[:4]==b'\x89PNG': return struct.unpack('>I', data[16:20])[0]
    at = 2
    while at+9<len(data):
        marker, size = data[at+1], int.from_bytes(data[at+2:at+4])
        if 0xC0<=marker<=0xC3: return int.from_bytes(data[at+7:at+9])
        at += 2+size
    return 0


def widths(cell):
    "Widths of the pictures that a cell stores."
    for output in cell.get('outputs', []):
        for kind in ('image/png', 'image/jpeg'):
            if kind in output.get('data', {}): yield picture_width(base64.b64decode(''.join(output['data'][kind])))


def page(path):
    "The figures of one notebook."
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    exported = drafted = 0
    draft = False
    for cell in cells:
        text = ''.join(cell['source'])
        if cell['cell_type']!='code': continue
        if re.match(r'#\|\s*exporti?\b', text): exported += 1; drafted += draft; draft = False
        elif cell.get('outputs') and not re.search(r'^#\|\s*hide\b', text, re.M): draft = True
    prose = ' '.join(''.join(c['source']) for c in cells if c['cell_type']=='markdown')
    return dict(pictures=[w for c in cells for w in widths(c)], links=len(re.findall(r'\]\(https?://', prose)),
                exported=exported, drafted=drafted, words=len(prose.split()), kb=round(path.stat().st_size/1000))


def count(root):
    pages = {p.relative_to(root/'nbs').as_posix(): page(p) for p in sorted((root/'nbs').rglob('*.ipynb'))
             if '.ipynb_checkpoints' not in p.parts}
    stages = {k: v for k,v in pages.items() if '/' in k and not k.startswith(NOT_STAGES)}
    shown = [w for v in stages.values() for w in v['pictures']]
    return dict(
        stage_pages=len(stages),
        stage_pages_without_picture=sorted(k for k,v in stages.items() if not v['pictures']),
        stage_pages_without_outside_link=sorted(k for k,v in stages.items() if not v['links']),
        pictures=len(shown), median_picture_width=statistics.median(shown), narrowest_picture=min(shown),
        exported_cells=sum(v['exported'] for v in stages.values()),
        exported_cells_with_draft=sum(v['drafted'] for v in stages.values()),
        largest_page_kb=max(v['kb'] for v in pages.values()), all_pages_kb=sum(v['kb'] for v in pages.values()),
        readme_words=len((root/'README.md').read_text(encoding='utf-8').split()),
        pages=len(pages),
    )


if __name__ == '__main__': print(json.dumps(count(Path((sys.argv[1:] or ['.'])[0])), indent=1))
