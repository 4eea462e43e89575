"Pieces of Markdown, as MyST reads it."
import json
import re


def plain(text):
    "Text as a cell of a Markdown table."
    return re.sub(r'([|*<\[\]])', r'\\\1', text.replace('\n', ' '))


def coded(text):
    "Text as code, also within a table."
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ''


def table(rows, head):
    "A Markdown table, without the columns that are empty."
    keep = [i for i in range(len(head)) if any(r[i] for r in rows)]
    lines = [[head[i] for i in keep], ['---']*len(keep)] + [[r[i] for i in keep] for r in rows]
    return '\n'.join(f"| {' | '.join(r)} |" for r in lines)


def directive(kind, argument, *body, fence='`'*3, **options):
    "A directive of Sphinx; directives inside need a shorter fence."
    def quoted(v): return json.dumps(v) if v[:1] in ('"', "'") else v # YAML would take the quotes away
    head = [f"{fence}{{{kind}}} {argument}".rstrip()] + [f':{k}: {quoted(v)}'.rstrip() for k, v in options.items()]
    return '\n'.join(head) + '\n\n' + '\n\n'.join(b for b in body if b) + f'\n{fence}'


def page(*parts):
    "A page of its parts; empty ones are left out."
    return '\n\n'.join(p for p in parts if p) + '\n'


def toctree(names, caption='', hidden=True):
    "A list of pages for the sidebar: names, or (title, name)."
    entries = [f'/{n}' if isinstance(n, str) else f'{n[0]} </{n[1]}>' for n in names]
    head = [':hidden:']*hidden + [f':caption: {caption}']*bool(caption)
    return '\n'.join(['```{toctree}', *head, '', *entries, '```'])


def facts(*pairs):
    "Short facts in one line, or below one another where the screen is narrow."
    said = [f'**{name}:** {value}' for name, value in pairs if value]
    return directive('container', 'facts', *said) if said else ''
