"""Every option, once: its name, default, help, choices and range

The command line, the studio's widgets, the tables of the documentation, the checks and the key of a segment are all
made from the fields of four classes; `option_tables` makes most of that.
"""

import dataclasses
import functools
import math
import numbers
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, ClassVar

from . import registry
from .errors import BadInput, check_choice, nearest
from .option_values import PARSED, parse_frame, parse_part, parse_time, Seconds, shown, split_part

__all__ = ['X26_PRESETS', 'CRF_MOST', 'Option', 'option', 'Options', 'SwapOptions', 'AnalyzeOptions', 'EncodeOptions',
           'RunOptions', 'OPTIONS', 'Seconds', 'parse_time', 'parse_frame', 'parse_part', 'split_part', 'options_of',
           'changed', 'split_flat', 'key', 'to_argv']


# --- one option -------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, kw_only=True)
class Option:
    "What is known of an option, but for its value."
    name:str = ''
    value_type:type = str               # bool, int, float or str
    optional:bool = False               # None is allowed
    default:Any = None
    help:str = ''
    choices:tuple[str, ...] = ()        # names; where there is a registry, those that it does not have
    kind:str = ''                       # of the registry that has the other names
    several:bool = False                # names separated by commas; the first of `choices` is none of them
    low:float|None = None               # smallest value
    high:float|None = None              # largest
    step:int = 1                        # what a whole number must be a multiple of
    parse:Callable[[Any], Any]|None = None  # value or text → value, or `BadInput`
    metavar:str = ''                    # what stands for the value in the command line's help
    short:str = ''                      # flag of one letter
    old:tuple[str, ...] = ()            # flags of earlier versions, which are hidden
    widget:str = ''                     # dropdown, slider, number or checkbox in the studio; none by default
    label:str = ''                      # beside the widget; the name by default
    offer:tuple[Any, ...] = ()          # values of a dropdown that others are allowed beside
    folded:bool = False                 # the studio shows it under More
    picture:bool|None = None            # whether the picture depends on it; as its class by default
    @property
    def flag(self)->str: return '--' + self.name.replace('_', '-')
    @property
    def is_flag(self)->bool: return self.value_type is bool
    def names(self)->tuple[str, ...]:
        "What can be chosen at this moment, plug-ins included; () where anything can."
        return tuple(dict.fromkeys((*self.choices, *registry.names(self.kind)))) if self.kind else self.choices
    def allowed(self)->str:
        "What is allowed, in words."
        if names := self.names(): return ', '.join(names)
        if self.parse: return PARSED[self.parse][0]
        if self.is_flag: return 'True or False'
        if self.value_type is str: return 'a name of letters, digits, _ . : + and -'
        what = 'a whole number' if self.value_type is int else 'a number'
        low, high = (v if v is None else f'{v:.6f}'.rstrip('0').rstrip('.') for v in (self.low, self.high))
        if low: what += f" from {low} to {high}" if high else f" from {low} on"
        elif high: what += f" up to {high}"
        return what + (f" that {self.step} divides" if self.step>1 else '')
    def convert(self,
        value:Any,  # from Python, a file or a widget; not from the command line, where all is text: see `read`
    )->Any:         # as Python's own type
        "The value, checked; raises `BadInput` in one line."
        value = _plain(value)
        if value is None and self.optional: return None
        if self.several: return self._several(value)
        if self.choices or self.kind: return self._chosen(value)
        if self.parse:
            try: return self.parse(value)
            except BadInput as e: raise BadInput(f"{self.name} {e}") from None
        good = self._typed(value)
        if good is None: raise BadInput(f"{self.name} {shown(value)} is not {self.allowed()}")
        return good
    def read(self, text:str)->Any:
        "A value that is written as text."
        if self.value_type not in (int, float) or self.parse: return self.convert(text)
        try: value = self.value_type(text)
        except ValueError: value = text
        return self.convert(value)
    def write(self, value:Any)->str:
        "A value as `read` takes it."
        return f'{value:.6f}'.rstrip('0').rstrip('.') if type(value) is float else str(value)
    def _chosen(self, value)->str:
        "One of the names; plug-ins are asked only where it is none of those that come with the package."
        known = (*self.choices, *(registry.registries()[self.kind].builtin if self.kind else ()))
        if isinstance(value, str) and value in known: return str(value)
        return check_choice(self.name, value, self.names())
    def _several(self, value)->str:
        "Names in one order, for equal keys."
        given = value if isinstance(value, (tuple, list)) else value.split(',') if isinstance(value, str) else [value]
        names = {self._chosen(n.strip() if isinstance(n, str) else n) for n in given} - {self.choices[0]}
        return ','.join(sorted(names)) or self.choices[0]
    def _typed(self, value)->Any:
        "The value as this option's type; None where it is no such thing."
        if self.value_type is bool: return value if isinstance(value, bool) else None
        if self.value_type is str:
            ok = isinstance(value, str) and (re.fullmatch(r'[\w.:+-]{1,64}', value) or value==self.default=='')
            return str(value) if ok else None
        wanted:Any = numbers.Integral if self.value_type is int else numbers.Real
        if isinstance(value, bool) or not isinstance(value, wanted): return None
        try: got = self.value_type(value)
        except (OverflowError, ValueError): return None
        if isinstance(got, float) and not math.isfinite(got): return None
        inside = (self.low is None or self.low<=got) and (self.high is None or got<=self.high)
        return got if inside and (self.step==1 or not got%self.step) else None


def _plain(value:Any)->Any:
    "A number of numpy or torch as Python's own."
    return value.item() if getattr(value, 'shape', None)==() and hasattr(value, 'item') else value


def option(
    default:Any,
    help:str,       # one sentence
    *choices:str,   # names to choose from, beside those of the registry `kind`
    **more,         # other fields of `Option`
)->Any:
    "A field of an option class."
    o = Option(help=help, choices=choices, default=default, **more)
    return dataclasses.field(default=default, metadata={'option': o})


# --- option classes ---------------------------------------------------------------------------------------------------

@functools.cache
def options_of(cls:'type[Options]')->dict[str, Option]:
    "Each option of a class by its name."
    hints, found = typing.get_type_hints(cls), {}
    for f in fields(cls):
        kinds = [t for t in typing.get_args(hints[f.name]) or (hints[f.name],) if t is not types.NoneType]
        kind = kinds[0] if kinds[0] in (bool, int, float, str) else str
        o:Option = f.metadata.get('option') or Option(default=None if f.default is MISSING else f.default)
        optional = types.NoneType in typing.get_args(hints[f.name])
        pictured = cls.picture if o.picture is None else o.picture
        found[f.name] = replace(o, name=f.name, value_type=kind, optional=optional, picture=pictured)
    return found


@dataclass(frozen=True, kw_only=True)
class Options:
    "Options that belong together; each is checked when it is given."
    picture:ClassVar[bool] = False  # whether the picture depends on the fields
    argument:ClassVar[str] = ''     # of `swap_video`
    def __post_init__(self):
        for name,o in options_of(type(self)).items(): object.__setattr__(self, name, o.convert(getattr(self, name)))
        self.check()
    def check(self):
        "What options must be to each other; raises `BadInput`."


@dataclass(frozen=True, kw_only=True)
class SwapOptions(Options):
    "What the swapped face looks like."
    picture, argument = True, 'swap'
    swapper: str = option('mesh', "Swapper; mesh needs no weights.", kind='swapper', metavar='NAME', widget='dropdown')
    strength: float = option(1., "How much of the swap is seen.", low=0, high=1, widget='slider')
    shape: float = option(1., "How far mesh gives the face the source's proportions.", low=0, high=1,
                          widget='slider', folded=True)
    mouth: str = option('inner', "How much of the target's own mouth is kept.", 'inner', 'lips', 'none',
                        widget='dropdown')
    parser: str = option('auto', "Finds the skin; auto: bisenet_19 where its weights are here.", 'auto', 'none',
                         kind='parser', metavar='NAME', widget='dropdown', folded=True)
    occluder: str = option('none', "Finds hands and microphones in front of the face.", 'none', kind='occluder',
                           metavar='NAME', widget='dropdown')
    masks: str = option('none', "Masks of your own, separated by commas: the swap is seen where all of them allow it.",
                        'none', kind='mask', several=True, metavar='NAME,NAME', widget='dropdown', folded=True)
    restore: str = option('none', "Restorer, which makes the face sharp.", 'none', kind='restorer', short='-r',
                          metavar='NAME', widget='dropdown')
    restore_strength: float = option(1., "How much of the restored face is seen; 0.8 often looks more natural.",
                                     low=0, high=1, widget='slider', label='restored')
    fidelity: float = option(.5, "How close CodeFormer stays to the face it is given.", low=0, high=1,
                             widget='slider', folded=True)
    enhance: str = option('none', "Network that enhances the whole frame, last.", 'none', kind='enhancer',
                          metavar='NAME', widget='dropdown', folded=True)
    color: str = option('match', "Give a network's face the target's colors, or leave it as it is.", 'match',
                        'none', old=('--colours', '--colors'), widget='dropdown', folded=True)
    crop: int = option(512, "Side of the crop in which a face is put together; 1024 for close-ups.", low=64,
                       high=2048, step=8, offer=(256, 512, 1024), widget='dropdown', folded=True)
    precision: str = option('auto', "Numbers inside networks; auto: fp16 on a GPU.", 'auto', 'fp32', 'fp16', 'bf16',
                            widget='dropdown', folded=True)


@dataclass(frozen=True, kw_only=True)
class AnalyzeOptions(Options):
    "How faces are found and followed."
    picture, argument = True, 'analyze'
    detector: str = option('auto', "Finds faces; auto: the best whose weights are here.", 'auto', kind='detector',
                           metavar='NAME')
    landmarks: str = option('auto', "Places 468 points on each face; auto: the best whose weights are here.",
                            'auto', kind='landmarks', metavar='NAME')
    smooth: str = option('kalman', "How landmarks are smoothed over time.", kind='smoother', widget='dropdown',
                         folded=True)
    smallest: float = option(0., "Leave faces alone that are smaller, in pixels.", low=0, high=100_000,
                             metavar='PX', widget='number', folded=True)
    small: bool = option(False, "Look closer, for faces from 24 pixels; slower.", old=('--small-faces',),
                         widget='checkbox', label='small faces', folded=True)


X26_PRESETS = 'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow', 'placebo'
CRF_MOST = dict(libx264=51, libx265=51, h264_nvenc=51, hevc_nvenc=51) # of others 63: AV1, VP9


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(Options):
    "How the result is encoded."
    picture, argument = True, 'encode'
    encoder: str = option('libx264', "Video encoder of ffmpeg.", metavar='NAME')
    crf: int = option(16, "Quality, lower is better: up to 51 for H.264 and H.265, up to 63 for AV1 and VP9.",
                      low=0, high=63, short='-q', widget='number', folded=True)
    preset: str = option('medium', "The encoder's speed.", metavar='NAME')
    pix_fmt: str = option('', "Pixel format; same: the target's. yuv420p by default, same with lossless.",
                          metavar='NAME|same')
    lossless: bool = option(False, "Keep every sample that is not the face's, in the stored pixel format; large files, "
                                   "which few players show.")
    def check(self):
        most = CRF_MOST.get(self.encoder, 63)
        if self.crf>most:
            raise BadInput(f"crf {self.crf} is not a whole number from 0 to {most}, which {self.encoder} takes "
                           "(AV1 and VP9 take up to 63)")
        if self.encoder in ('libx264', 'libx265'): check_choice('preset', self.preset, X26_PRESETS)


@dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    "What part of the film is worked on, where and how."
    argument = 'run'
    batch: int = option(16, "Frames at once.", low=1, high=4096, short='-b')
    device: str = option('auto', "Where to compute; auto: a GPU where there is one.", 'auto', 'cpu', 'cuda', short='-d')
    engine: str = option('auto', "Runs ONNX files.", 'auto', 'torch', kind='engine')
    reader: str = option('auto', "Decodes the film.", 'auto', kind='reader', picture=True)
    start: float|None = option(None, "Begin here, counted from the film's first frame.", parse=parse_time,
                               metavar='TIME')
    end: float|None = option(None, "End here, counted from the film's first frame.", parse=parse_time,
                             metavar='TIME')
    frame: int|Seconds|None = option(None, "Only this frame, as a picture: its number, or a time like 80.5s or 1:20.",
                                     parse=parse_frame, metavar='FRAME|TIME', old=('--preview',))
    part: str|None = option(None, "Render only this part of the film beside the output, like 2/4; the same without "
                                  "it joins them.", parse=parse_part, metavar='I/N')
    strangers: str = option('keep', "Source photos that look like somebody else: keep or drop them.", 'keep', 'drop',
                            widget='dropdown', folded=True)
    keep: bool = option(False, "Leave finished segments beside the output, and those of other options.")
    overwrite: bool = option(False, "Replace the output if it is there.", short='-y')
    def check(self):
        if self.start is not None and self.end is not None and self.end<=self.start:
            raise BadInput(f"end {self.end:g} s is not after start {self.start:g} s")
        if self.frame is not None and (self.start is not None or self.end is not None or self.part is not None):
            raise BadInput("frame asks for a single picture: leave out start, end and part")


OPTIONS = SwapOptions, AnalyzeOptions, EncodeOptions, RunOptions


# --- what is made from them -------------------------------------------------------------------------------------------

def changed(options:Options)->dict[str, Any]:
    "The options that are not the default."
    return {n: v for n,o in options_of(type(options)).items() if (v := getattr(options, n))!=o.default}


def split_flat(
    flat:Mapping[str, Any],     # name → value, of any of the classes
    swap:SwapOptions=SwapOptions(), analyze:AnalyzeOptions=AnalyzeOptions(),
    encode:EncodeOptions=EncodeOptions(), run:RunOptions=RunOptions(),
    also:Iterable[str]=(),      # names of other arguments, which may have been meant
)->tuple[SwapOptions, AnalyzeOptions, EncodeOptions, RunOptions]:
    "Single options put into those that are given; an unknown one is a `BadInput` with the nearest name."
    given = dict(swap=swap, analyze=analyze, encode=encode, run=run)
    for (name,o),cls in zip(given.items(), OPTIONS):
        if not isinstance(o, cls): raise BadInput(f"{name} {shown(o)} is not {cls.__name__}(...)")
    homes = {n: k for k,o in given.items() for n in options_of(type(o))}
    for name in flat: _check_name(name, [p for o in given.values() for p in options_of(type(o)).values()], also)
    def merged(k, o): return replace(o, **mine) if (mine := {n: v for n,v in flat.items() if homes[n]==k}) else o
    return merged('swap', swap), merged('analyze', analyze), merged('encode', encode), merged('run', run)


def _check_name(name:str, options:list[Option], also:Iterable[str]):
    names = [o.name for o in options]
    if name in names: return
    for o in options:
        if '--' + name.replace('_', '-') in o.old: raise BadInput(f"{name!r} is called {o.name!r} now")
    near = nearest(name, [*names, *also])
    what = f"did you mean {near!r}?" if near else f"there are {', '.join(names)}"
    raise BadInput(f"nothing is called {name!r}; {what}")


def key(*options:Options)->dict[str, Any]:
    """What the picture of a frame depends on, for the key of a segment. Call it with nothing left to `auto`: what auto
    means depends on the machine."""
    return {n: getattr(o, n) for o in options for n,p in options_of(type(o)).items() if p.picture}


def to_argv(*options:Options)->list[str]:
    "The words of a command line that mean these options; defaults are left out."
    words = []
    for o in options:
        for n,v in changed(o).items():
            p = options_of(type(o))[n]
            words += ([p.flag] if v else []) if p.is_flag else [p.flag, p.write(v)]
    return words
