"The reference of the command line and of the options, made from the argument parser and the option classes."
import inspect
import re

import click
from md import coded, directive, facts, page, plain, table, toctree

# What is made again when an option changes. The work folder is described on the page of jobs.
AGAIN = dict(
    swap='the segments',
    analyze='the first pass (`*.faces`) and the segments',
    encode='the segments',
)
AGAIN_SINGLE = dict(
    reader='the segments',
    start='the first pass (`*.faces`) and the segments',
    end='the first pass (`*.faces`) and the segments',
    frame='nothing: a single picture is made without a work folder',
)


# --- options ----------------------------------------------------------------------------------------------------------

def known_names(o):
    "The choices of an option that come with the package; plug-ins of this machine are left out."
    from swapkit import registry
    return tuple(dict.fromkeys((*o.choices, *(registry.registries()[o.kind].builtin if o.kind else ()))))


def default_of(o):
    if o.default is None: return 'none'
    return coded(o.write(o.default)) if o.default != '' else 'none'


def allowed(o):
    "What an option accepts, in words."
    names = known_names(o)
    if names: return ', '.join(map(coded, names)) + (' or a name that you registered' if o.kind else '')
    if o.is_flag: return 'on or off'
    return plain(o.allowed())


def in_studio(o):
    "Where the studio shows an option, and under which label."
    if not o.widget: return 'not shown'
    return f"{o.widget} “{o.label or o.name.replace('_', ' ')}”" + (', under More' if o.folded else '')


def made_again(cls, o):
    "What a new value of an option makes again in the work folder."
    return AGAIN_SINGLE.get(o.name) or AGAIN.get(cls.argument if o.picture else '', 'nothing')


def option_entry(cls, o):
    "One option: found by the search under its name, with an address."
    kind = o.value_type.__name__ + (' | None' if o.optional else '')
    flags = ', '.join(f for f in (o.flag, o.short) if f)
    return directive(
        'py:attribute', o.name, o.help,
        facts(
            ('allowed', allowed(o)),
            ('command line', f'{{option}}`{flags} <swapkit swap {o.flag}>`'),
            ('studio', in_studio(o)),
            ('a change makes again', made_again(cls, o)),
        ),
        fence='`'*4, type=kind, value=repr(o.default),
    )


def options_page(seen):
    "Every option of every class."
    from swapkit.options import OPTIONS, options_of
    out = [
        '# Options',
        'Every option has one name. It is a keyword of `swap_video` in Python, a flag on the command line, and a '
        'field of one of four classes; the studio shows most of them as widgets. Options are given one by one, or '
        'as objects of their classes:',
        "```python\nswap_video('film.mp4', photos, 'new.mp4', shape=.5, mouth='lips')\n"
        "swap_video('film.mp4', photos, 'new.mp4', swap=SwapOptions(shape=.5, mouth='lips'))\n```",
        '“A change makes again” says what of the work folder beside the output (`NAME.parts`) is of no use any more '
        'when the option gets another value, and is computed again. How that folder works: '
        '[two passes and segments](/learn/passes.ipynb), [jobs](/7_pipeline/07_jobs.ipynb).',
    ]
    for cls in OPTIONS:
        name = f'swapkit.options.{cls.__name__}'
        seen |= {name, cls.__name__}
        entries = [option_entry(cls, o) for o in options_of(cls).values()]
        names = ' · '.join(f'{{py:attr}}`{n} <{name}.{n}>`' for n in options_of(cls))
        out += [
            f'## {cls.__name__}', f'{(cls.__doc__ or "").strip()} As one object: `{cls.argument}=`.', names,
            directive('py:class', f'{cls.__name__}(**options)', *entries, fence='`'*5, module='swapkit.options'),
        ]
    return page(*out)


# --- command line -----------------------------------------------------------------------------------------------------

def program():
    "The command line, as click has it."
    from swapkit.apps.cli import cli
    return cli


def shown_commands(group):
    "The commands of a group; groups of further commands come last."
    found = [(n, c) for n, c in group.commands.items() if not c.hidden]
    return dict(sorted(found, key=lambda f: isinstance(f[1], click.Group)))


def linked(text):
    "Help text as Markdown."
    return plain(text or '').replace("\\b", '').strip()


def paragraphs(text):
    "The text of a docstring, one line for each paragraph."
    return '\n\n'.join(' '.join(p.split()) for p in inspect.cleandoc(text or '').split('\n\n'))


def examples(command):
    "The lines of code in the text below a command's help."
    lines = [l.strip() for l in (command.epilog or '').splitlines()]
    return [l for l in lines if l.startswith('swapkit ')]


def usage(command, path):
    "How a command is written."
    words = [path]
    for p in command.params:
        if isinstance(p, click.Argument):
            name = p.metavar or p.name.upper() + ('...' if p.nargs == -1 else '')
            words.append(name if p.required or name.startswith('[') else f'[{name}]')
    if isinstance(command, click.Group): words.append('COMMAND')
    options = any(isinstance(p, click.Option) for p in command.params)
    return ' '.join(words + ['[OPTIONS]']*options)


def of_class(p):
    "The `Option` that a flag was made from, or None."
    return getattr(p, 'option', None)


def spellings(p):
    "The flags of an option that are shown, the long one first."
    shown = [s for s in (*p.opts, *p.secondary_opts) if s not in (getattr(p, 'old', None) or ())]
    return sorted(shown, key=lambda s: not s.startswith('--'))


def value_of(p):
    "What stands for the value of an option."
    from swapkit.apps.flags import metavar
    if p.is_flag: return ''
    if o := of_class(p):
        names = known_names(o)
        return f"[{'|'.join(names)}]" if names and len(names) < 7 and not o.metavar else metavar(o) if not names else (
            o.metavar or 'NAME')
    if p.metavar: return p.metavar
    if isinstance(p.type, click.Choice): return f"[{'|'.join(p.type.choices)}]"
    return 'WHO' if p.name in ('faces', 'who') else getattr(p.type, 'name', 'TEXT').upper()


def default_text(p):
    if o := of_class(p): return '' if o.is_flag else default_of(o)
    said = re.search(r'\[default: (.*?)\]', p.help or '')
    if said: return plain(said[1])
    if p.is_flag or p.default is None or not isinstance(p.default, (str, int, float)): return ''
    return coded(str(p.default))


def allowed_by_click(p):
    "What an option without an option class accepts, where its type says so."
    if isinstance(p.type, click.Choice): return ', '.join(map(coded, p.type.choices))
    if not isinstance(p.type, (click.IntRange, click.FloatRange)): return ''
    what = 'a whole number' if isinstance(p.type, click.IntRange) else 'a number'
    if p.type.max is None: return f'{what} from {p.type.min} on'
    return f'{what} from {p.type.min} to {p.type.max}' if p.type.min is not None else f'{what} up to {p.type.max}'


def command_option(p):
    "One option of a command as a directive: it is found by the search, and has an address."
    o, names = of_class(p), spellings(p)
    help_text = o.help if o else re.sub(r'\s*\[default: .*?\]', '', p.help or '')
    value = value_of(p)
    link = f'{{py:attr}}`{o.name} <swapkit.options.{class_of(o)}.{o.name}>`' if o else ''
    old = getattr(p, 'old', None) or ()
    return directive(
        'option', ', '.join(f'{n} {value}'.rstrip() if not n.startswith('--no-') else n for n in names),
        linked(help_text),
        facts(
            ('required', 'yes' if p.required else ''),
            ('default', default_text(p)),
            ('allowed', allowed_by_click(p) if not o else '' if o.is_flag else allowed(o)),
            ('may be repeated', 'yes' if p.multiple else ''),
            ('in Python', link),
            ('old spelling', ', '.join(map(coded, old))),
        ),
        fence='`'*4,
    )


def class_of(o):
    from swapkit.options import OPTIONS, options_of
    return next(c.__name__ for c in OPTIONS if o.name in options_of(c))


def grouped(command):
    "(title, options) of a command: its own first, then those of each class."
    from swapkit.options import OPTIONS
    given = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    yield 'Options', [p for p in given if not of_class(p)]
    for cls in OPTIONS:
        found = [p for p in given if of_class(p) and class_of(of_class(p)) == cls.__name__]
        yield (cls.__doc__ or '').strip().rstrip('.'), found


def command_section(command, path, level='#'):
    "A command, its arguments and its options; those below it too."
    out = [f'{level} {path}', paragraphs(command.help), f'```text\n{usage(command, path)}\n```']
    if code := examples(command): out += ['For example:', '```sh\n' + '\n'.join(code) + '\n```']
    out.append(f'```{{program}} {path}\n```')
    for title, options in grouped(command):
        if options: out += [f'{level}# {title}' if level == '#' else '', *map(command_option, options)]
    for name, c in shown_commands(command).items() if isinstance(command, click.Group) else ():
        out += [command_section(c, f'{path} {name}', level + '#')]
    return page(*out)


def command_pages():
    "Name of a page → its text: an overview, and a page for each command."
    commands = shown_commands(program())
    pages = {f'command-line/{n}': command_section(c, f'swapkit {n}') for n, c in commands.items()}
    rows = [(f'[`swapkit {n}`](/command-line/{n}.md)', plain(paragraphs(c.help))) for n, c in commands.items()]
    codes = [
        ('0', 'done'), ('2', 'the input or the arguments are wrong'), ('3', 'no face was found to swap'),
        ('4', 'a model is missing or damaged'), ('5', 'the system failed: disk, memory, ffmpeg'),
        ('129, 130, 143', 'stopped: the terminal was closed, Ctrl-C, asked to end by a signal'),
        ('1', 'an unexpected error: please report it; of `swapkit mark`: a file without a valid mark'),
    ]
    pages['command-line/index'] = page(
        '# Command line',
        'The command is `swapkit`; in a checkout it is `.venv/bin/swapkit`, on Windows `.venv\\Scripts\\swapkit`. '
        '`swapkit COMMAND --help` shows the same in the terminal. Every option with its Python name and its label in '
        'the studio: [options](/options.md).',
        table(rows, ('command', 'what it does')),
        '## Who is meant',
        '`--faces` and `--assign` name people. `WHO` is a number that `swapkit analyze` shows, a place (`left`, '
        '`right2`), or a photo of that person; a photo needs an embedding network such as `sface`.',
        '## Exit codes',
        table([(coded(a), b) for a, b in codes], ('code', 'meaning')),
        'An error is one line that says what is wrong and what to do. Ctrl-C stops a command; frames that are drawn '
        'are kept, and the same command continues from there.',
        '```{program} swapkit\n```',
        '## Options without a command',
        *[command_option(p) for p in program().params],
        toctree([(f'swapkit {n}', f'command-line/{n}') for n in commands]),
    )
    return pages
