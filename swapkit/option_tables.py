"""Tables, docstrings, studio widgets and types, all derived from the options

`python -m swapkit.option_tables` writes `option_types.py`, the types of the options as keyword arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import registry
from .option_values import PARSED
from .options import OPTIONS, Options, options_of

__all__ = ['options_table', 'options_help', 'with_options', 'Widget', 'widgets_of', 'option_types']

F = TypeVar('F', bound=Callable)


def options_table(cls:type[Options])->str: # Markdown
    "A table of a class's options: name, default, allowed values, help."
    def row(*cells): return f"| {' | '.join(c.replace('|', chr(92)+'|') for c in cells)} |"
    rows = [row('option', 'default', 'allowed', 'what it does'), row(*['---']*4)]
    for n,o in options_of(cls).items():
        told = 'none' if o.default is None else "''" if o.default=='' else o.write(o.default)
        rows.append(row(f'`{n}`', f'`{told}`', ', '.join(f'`{c}`' for c in o.names()) or o.allowed(), o.help))
    return '\n'.join(rows)


def options_help(*classes:type[Options])->str: # Markdown
    "A list of options for a docstring: name, default, help, allowed values. Loads no plug-in."
    def one(n, o):
        known = (*o.choices, *(registry.registries()[o.kind].builtin if o.kind else ()))
        what = ', '.join(known) if known else o.allowed()
        return f"- `{n}` ({'none' if o.default is None else repr(o.default)}): {o.help.rstrip('.')}. {what}"
    return '\n'.join(f"\n`{c.__name__}`: {(c.__doc__ or '').lower()}\n\n" +
                     '\n'.join(one(n, o) for n,o in options_of(c).items()) for c in classes)


def with_options(*classes:type[Options])->Callable[[F], F]: # a decorator
    "Append the list of options to a function's docstring."
    def add(f):
        f.__doc__ = f"{f.__doc__}\n\nOptions, also taken as keyword arguments:\n{options_help(*classes)}\n"
        return f
    return add


@dataclass(frozen=True, kw_only=True)
class Widget:
    "All that the studio needs to show an option."
    name:str
    kind:str                            # dropdown, slider, number or checkbox
    value_type:type
    label:str
    help:str
    default:Any
    choices:tuple[Any, ...] = ()        # entries of a dropdown
    registry:str = ''                   # kind of the registry of the choices; some may lack weights
    low:float|None = None
    high:float|None = None
    step:float|None = None
    folded:bool = False                 # shown under More only


def widgets_of(cls:type[Options])->list[Widget]:
    "The widgets of a class: those that are always shown, then those in the studio's folded section More."
    def one(n, o):
        step = .05 if o.widget=='slider' else float(o.step) if o.value_type is int else None
        return Widget(name=n, kind=o.widget, value_type=o.value_type, label=o.label or n.replace('_', ' '), help=o.help,
                      default=o.default, choices=o.offer or o.names(), registry=o.kind, low=o.low, high=o.high,
                      step=step, folded=o.folded)
    found = [one(n, o) for n,o in options_of(cls).items() if o.widget]
    return sorted(found, key=lambda w: w.folded)


def option_types()->str: # Python
    "The source of the module `option_types`: all options as one `TypedDict`, for keyword arguments."
    lines, words = [], set()
    for cls in OPTIONS:
        lines.append(f"    # {cls.__name__}: {(cls.__doc__ or '').rstrip('.').lower()}")
        for n,o in options_of(cls).items():
            kind = o.value_type.__name__
            if o.choices and not o.kind: kind = f"Literal[{', '.join(map(repr, o.choices))}]"; words.add('Literal')
            if o.parse: kind = PARSED[o.parse][1]
            lines.append(f"    {n}: {kind}{' | None'*o.optional}")
    title = 'All options as keyword arguments. Written by `python -m swapkit.option_tables`; do not edit.'
    head = f"from typing import {', '.join(sorted(words | {'TypedDict'}))}\n\n__all__ = ['FlatOptions']\n\n"
    return '\n'.join([f'"""{title}"""\n', head, 'class FlatOptions(TypedDict, total=False):',
                      '    "All options of a swap, none of them required."', *lines, ''])


if __name__=='__main__': Path(__file__).with_name('option_types.py').write_text(option_types(), encoding='utf-8')
