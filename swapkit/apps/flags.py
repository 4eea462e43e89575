"""The options of the command line, made from the option classes"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from swapkit.errors import BadInput
from swapkit.option_files import read_options
from swapkit.options import Option, Options, options_of
from swapkit.registry import load_plugin

__all__ = ['PLUGINS', 'Flag', 'Value', 'flag', 'click_options', 'options_from', 'options_file_option', 'plugin_option',
           'plugins_of', 'switches']

PLUGINS = 'SWAPKIT_PLUGINS' # environment variable: the plug-in files that `swapkit studio` hands to its page

O = TypeVar('O', bound=Options)
F = TypeVar('F', bound=Callable[..., Any])


class Flag(click.Option):
    "An option that also accepts its old spellings; the help does not show them."
    def __init__(self, *args, old:Iterable[str]=(), **kw):
        self.old = tuple(old)
        super().__init__(*args, **kw)
    def _shown(self, ask):
        every, self.opts = self.opts, [o for o in self.opts if o not in self.old]
        try: return ask()
        finally: self.opts = every
    def get_help_record(self, ctx): return self._shown(lambda: super(Flag, self).get_help_record(ctx))
    def get_error_hint(self, ctx, *args): return self._shown(lambda: super(Flag, self).get_error_hint(ctx, *args))


def flag(
    name:str,               # of the argument
    *spellings:str,         # --name, and a short one
    old:Iterable[str]=(),   # of earlier versions
    **kw,                   # as for `click.option`
)->Callable[[F], F]:
    "Add a command-line option that is not a field of an option class."
    return click.option(name, *spellings, *old, cls=Flag, old=tuple(old), **kw)


class Value(click.ParamType):
    "The type of a command-line value: converts with the rules of its option class, and reports that class's message."
    def __init__(self, option:Option): self.option, self.name = option, option.name
    def convert(self, value, param, ctx):
        o = self.option
        try: return o.read(value) if isinstance(value, str) else o.convert(value)
        except BadInput as e: self.fail(str(e).removeprefix(f'{o.name} '), param, ctx)
    def get_metavar(self, param, *_, **__): return metavar(self.option)


def metavar(o:Option)->str:
    "The placeholder for an option's value in the `--help` text."
    if o.metavar: return o.metavar
    if names := o.names(): return '[' + '|'.join(names) + ']' if len(names)<7 else 'NAME'
    if o.low is not None and o.high is not None: return f'{o.low:g}..{o.high:g}'
    return 'N' if o.value_type is int else 'TEXT' if o.value_type is str else 'NUMBER'


def help_of(o:Option)->str:
    "The help with what the metavar does not say: choices and default."
    said, names = [o.help], o.names()
    if names and not metavar(o).startswith('['): said.append(f"Choose {', '.join(names)}.")
    if o.step>1: said.append(f"A multiple of {o.step}.")
    shown = '' if o.is_flag or o.default in (None, '') else f'  [default: {o.write(o.default)}]'
    return ' '.join(said) + shown


class _Lazy(Flag):
    "A flag whose help is put together when it is asked for: only then plug-ins are looked for."
    option:Option
    def get_help_record(self, ctx):
        self.help = help_of(self.option)
        return super().get_help_record(ctx)


def click_options(
    cls:type[Options],
    only:Iterable[str]=(),      # names; all by default
    without:Iterable[str]=(),   # names
)->Callable[[F], F]:            # a decorator
    "One option of the command line for each option of a class."
    names = [n for n in options_of(cls) if (not only or n in only) and n not in without]
    wrong = sorted({*only, *without}-{*options_of(cls)})
    if wrong: raise TypeError(f"{cls.__name__} has no {', '.join(wrong)}")
    def add(f):
        for n in reversed(names):
            o = options_of(cls)[n]
            kw:dict[str, Any] = dict(is_flag=True) if o.is_flag else dict(type=Value(o))
            kw |= dict(cls=type('_Lazy', (_Lazy,), dict(option=o)), old=o.old, default=o.default)
            f = click.option(n, o.flag, *filter(None, [o.short]), *o.old, **kw)(f)
        return f
    return add


def options_from(
    cls:type[O],
    arguments:dict[str, Any],   # a command's arguments; the options of the class are removed from it
)->O:
    "The options of a class from a command's arguments."
    return cls(**{n: arguments.pop(n) for n in options_of(cls) if n in arguments})


def options_file_option(f:F)->F:
    "`--options FILE.toml`: a file gives the defaults of the other options; what is written on the line counts more."
    def load(ctx, param, path):
        if not path: return
        known = {p.name for p in ctx.command.params}
        ctx.default_map = {k: v for k,v in read_options(path).items() if k in known}
    return click.option('--options', metavar='FILE.toml', is_eager=True, expose_value=False, callback=load,
                        help="Read options from a file, as name = value; a job file will do. Options that are written "
                             "on the line count more.")(f)


_PLUGINS = 'swapkit.plugins' # in the memory of a click context


def plugin_option(f:F)->F:
    "`--plugin FILE.py`: files are loaded before the other options are read, so that these may name what they add."
    def load(ctx, param, paths):
        for p in paths: load_plugin(Path(p))
        ctx.meta[_PLUGINS] = paths
    return click.option('--plugin', multiple=True, metavar='FILE.py', is_eager=True, expose_value=False, callback=load,
                        help="Python file that registers your own swappers, restorers, masks or other entries.")(f)


def plugins_of(
    ctx:click.Context,  # of a command with `plugin_option`
)->tuple[str, ...]:     # paths
    "The plug-in files that were given."
    return ctx.meta.get(_PLUGINS, ())


def switches(
    command:click.Command,
)->tuple[str, ...]:     # spellings
    "The flags that take no value, of a command and those below it."
    flags = [p for p in command.params if isinstance(p, click.Option) and p.is_flag]
    found = [s for p in flags for s in (*p.opts, *p.secondary_opts)]
    for c in getattr(command, 'commands', {}).values(): found += switches(c)
    return tuple(dict.fromkeys(['--help', '-h', *found]))
