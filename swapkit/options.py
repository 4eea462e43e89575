"""The options of swapkit, each defined once: name, default, help, choices and range

The fields of four classes define the options. The flags of the command line, the widgets of the studio, the tables of
the documentation, the checks of values and the key of a segment are derived from them, most of it in `option_tables`.
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
from .option_values import PARSED, parse_devices, parse_frame, parse_part, parse_time, Seconds, shown, split_part

__all__ = ['X26_PRESETS', 'CRF_MOST', 'Option', 'option', 'Options', 'SwapOptions', 'AnalyzeOptions', 'EncodeOptions',
           'RunOptions', 'OPTIONS', 'Seconds', 'parse_time', 'parse_frame', 'parse_part', 'split_part', 'options_of',
           'changed', 'split_flat', 'key', 'to_argv']


# --- one option -------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, kw_only=True)
class Option:
    "Everything about an option except its value."
    name:str = ''
    value_type:type = str               # bool, int, float or str
    optional:bool = False               # None is allowed
    default:Any = None
    help:str = ''                       # one or two sentences for users
    choices:tuple[str, ...] = ()        # allowed names, besides those registered under `kind`
    kind:str = ''                       # kind of registry whose names can be chosen too, such as 'swapper'
    several:bool = False                # takes names separated by commas; the first of `choices` means none
    low:float|None = None               # smallest value
    high:float|None = None              # largest
    step:int = 1                        # a whole number must be a multiple of it
    parse:Callable[[Any], Any]|None = None  # converts a value or a text; raises `BadInput`
    metavar:str = ''                    # placeholder for the value in the help of the command line
    short:str = ''                      # short flag, such as -q
    old:tuple[str, ...] = ()            # flags of earlier versions; accepted, but not shown in the help
    widget:str = ''                     # dropdown, slider, number or checkbox; without one the studio does not show it
    label:str = ''                      # text beside the widget; the name by default
    offer:tuple[Any, ...] = ()          # values in the dropdown; other values are allowed too
    folded:bool = False                 # the studio shows it under More only
    picture:bool|None = None            # True if it affects rendered pixels; None: as its class's `picture`
    @property
    def flag(self)->str: return '--' + self.name.replace('_', '-')
    @property
    def is_flag(self)->bool: return self.value_type is bool
    def names(self)->tuple[str, ...]:
        "All names that can be chosen now, those of plug-ins included; () if there is no list of names."
        return tuple(dict.fromkeys((*self.choices, *registry.names(self.kind)))) if self.kind else self.choices
    def allowed(self)->str:
        "The allowed values, in words, for messages and tables."
        if names := self.names(): return ', '.join(names)
        if self.parse: return PARSED[self.parse][0]
        if self.is_flag: return 'True or False'
        if self.value_type is str: return 'a name of letters, digits, _ . : + and -'
        what = 'a whole number' if self.value_type is int else 'a number'
        low, high = (v if v is None else f'{v:.6f}'.rstrip('0').rstrip('.') for v in (self.low, self.high))
        if low: what += f" from {low} to {high}" if high else f" of at least {low}"
        elif high: what += f" up to {high}"
        return what + (f", a multiple of {self.step}" if self.step>1 else '')
    def convert(self,
        value:Any,  # from Python, a file or a widget; for text from the command line use `read`
    )->Any:         # of the built-in type `value_type`, or None
        "Check a value and convert it to a built-in type. Raises `BadInput` with a message of one line."
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
        "Convert a value that is written as text. Raises `BadInput`."
        if self.value_type not in (int, float) or self.parse: return self.convert(text)
        try: value = self.value_type(text)
        except ValueError: value = text
        return self.convert(value)
    def write(self, value:Any)->str:
        "Write a value as text; `read` reads it back."
        return f'{value:.6f}'.rstrip('0').rstrip('.') if type(value) is float else str(value)
    def _chosen(self, value)->str:
        "Check one name. Plug-ins are loaded only if the name is not one that comes with swapkit."
        known = (*self.choices, *(registry.registries()[self.kind].builtin if self.kind else ()))
        if isinstance(value, str) and value in known: return str(value)
        return check_choice(self.name, value, self.names())
    def _several(self, value)->str:
        "Check several names and sort them, so that the same set of names always gives the same key."
        given = value if isinstance(value, (tuple, list)) else value.split(',') if isinstance(value, str) else [value]
        names = {self._chosen(n.strip() if isinstance(n, str) else n) for n in given} - {self.choices[0]}
        return ','.join(sorted(names)) or self.choices[0]
    def _typed(self, value)->Any:
        "The value as this option's type, or None if it has another type or is out of range."
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
    "Convert a number of numpy or torch to a Python number; anything else stays as it is."
    return value.item() if getattr(value, 'shape', None)==() and hasattr(value, 'item') else value


def option(
    default:Any,
    help:str,       # one or two sentences for users
    *choices:str,   # allowed names, besides those registered under `kind`
    **more,         # other fields of `Option`
)->Any:
    "Define a field of an option class."
    o = Option(help=help, choices=choices, default=default, **more)
    return dataclasses.field(default=default, metadata={'option': o})


# --- option classes ---------------------------------------------------------------------------------------------------

@functools.cache
def options_of(cls:'type[Options]')->dict[str, Option]:
    "The options of a class: name → `Option`."
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
    "Base class of the option classes. Every value is checked when an instance is made; raises `BadInput`."
    picture:ClassVar[bool] = False  # whether rendered pixels depend on the fields
    argument:ClassVar[str] = ''     # the argument of `swap_video` that takes this class
    def __post_init__(self):
        for name,o in options_of(type(self)).items(): object.__setattr__(self, name, o.convert(getattr(self, name)))
        self.check()
    def check(self):
        "Check that the options do not contradict each other. Raises `BadInput`."


@dataclass(frozen=True, kw_only=True)
class SwapOptions(Options):
    "How the swapped face looks."
    picture, argument = True, 'swap'
    swapper: str = option('mesh', "Method that swaps the face. mesh is built in; the others are networks whose weights "
                                  "must be downloaded.", kind='swapper', metavar='NAME', widget='dropdown')
    strength: float = option(1., "Opacity of the swapped face: 0 shows the target only, 1 the swap only.", low=0,
                             high=1, widget='slider')
    shape: float = option(1., "How far the target's face takes the proportions of the source: 0 not at all, 1 fully. "
                              "For the swapper mesh only.", low=0, high=1, widget='slider', folded=True)
    mouth: str = option('inner', "What stays of the target's own mouth: inner keeps teeth and tongue, lips keeps the "
                                 "lips too, none keeps nothing.", 'inner', 'lips', 'none', widget='dropdown')
    parser: str = option('auto', "Network that tells skin from hair, glasses and what is in front of the face. auto "
                                 "uses bisenet_19 if its weights are installed, else tiny_parse, which is built in.",
                         'auto', 'none', kind='parser', metavar='NAME', widget='dropdown', folded=True)
    glasses: str = option('keep', "What happens to the target's glasses: keep leaves frames and dark lenses as they "
                                   "are, remove lets the swap cover them. Needs a parser.", 'keep', 'remove',
                          widget='dropdown')
    occluder: str = option('none', "Network that finds hands, microphones and other objects in front of the face; they "
                                   "stay visible.", 'none', kind='occluder', metavar='NAME', widget='dropdown')
    masks: str = option('none', "Further masks, separated by commas: hair keeps the target's hair in front of the face "
                                "(MediaPipe's hair network), keep_eyes and the like a region of the target's face; "
                                "others come from plug-ins. The swap appears only where all of them allow it.",
                        'none', kind='mask', several=True, metavar='NAME,NAME', widget='dropdown', folded=True)
    mask_grow: float = option(0., "Move the outline of the swapped face outward, or inward below 0, as a part of the "
                                  "crop's side: .02 is 10 pixels of 512. Hair and hands in front of it stay.", low=-.2,
                              high=.2, widget='slider', label='outline', folded=True)
    mask_fade: float = option(0., "Width over which the swap fades out towards the edge of its mask, as a part of the "
                                  "crop's side.", low=0, high=.4, widget='slider', label='soft edge', folded=True)
    refine: str = option('auto', "Network that corrects colors, light and detail of the swapped face. auto uses "
                                 "tiny_refine, which is built in, for the swapper mesh, and none for others.",
                         'auto', 'none', kind='refiner', metavar='NAME', widget='dropdown')
    refine_strength: float = option(1., "How much of the correction is used: 0 none, 1 all of it.", low=0, high=1,
                                    widget='slider', label='refined')
    restore: str = option('none', "Network that sharpens the swapped face and adds detail.", 'none', kind='restorer',
                          short='-r', metavar='NAME', widget='dropdown')
    restore_strength: float = option(1., "Opacity of the restored face over the swapped one: 0 turns restoring off; "
                                         "0.8 often looks more natural than 1.", low=0, high=1, widget='slider',
                                     label='restored')
    fidelity: float = option(.5, "For CodeFormer and other restorers with this setting: 1 stays close to the swapped "
                             "face, 0 restores most.",
                             low=0, high=1, widget='slider', folded=True)
    enhance: str = option('none', "Network that sharpens the whole frame after the swap.", 'none', kind='enhancer',
                          metavar='NAME', widget='dropdown', folded=True)
    color: str = option('match', "Colors of a face that a network made: match adapts them to the target; none leaves "
                                 "them as the network made them.", 'match',
                        'none', old=('--colours', '--colors'), widget='dropdown', folded=True)
    sharpness: str = option('match', "Sharpness of the swapped face, before a restorer: match blurs a face that is "
                                     "sharper than the film; none leaves it.", 'match', 'none', widget='dropdown',
                            folded=True)
    crop: int = option(512, "Resolution of the swapped face: side of its square crop, in pixels. Use 1024 where "
                            "faces are large.", low=64,
                       high=2048, step=8, offer=(256, 512, 1024), widget='dropdown', folded=True)
    pixel_boost: int = option(1, "Swap at a multiple of the network's resolution: 2 makes 256 pixels of a network of "
                                 "128. For networks with a fixed size. Time grows with its square; use a crop that is "
                                 "as large.",
                              low=1, high=8)
    precision: str = option('auto', "Number format inside networks. auto uses fp16 on a GPU, fp32 on a CPU.",
                            'auto', 'fp32', 'fp16', 'bf16', widget='dropdown', folded=True)


@dataclass(frozen=True, kw_only=True)
class AnalyzeOptions(Options):
    "How faces are found and followed."
    picture, argument = True, 'analyze'
    detector: str = option('auto', "Network that finds faces. auto uses the best one whose weights are installed.",
                           'auto', kind='detector', metavar='NAME')
    landmarks: str = option('auto', "Network that places 468 landmarks on each face. auto uses the best one whose "
                                    "weights are installed.", 'auto', kind='landmarks', metavar='NAME')
    smooth: str = option('kalman', "How landmarks are smoothed over time, against jitter; none turns smoothing off.",
                         kind='smoother', widget='dropdown', folded=True)
    smallest: float = option(0., "Do not swap faces whose box has a shorter side than this, in pixels of the frame.",
                             low=0,
                             high=100_000, metavar='PX', widget='number', folded=True)
    small: bool = option(False, "Find faces down to 24 pixels. Slower.", old=('--small-faces',),
                         widget='checkbox', label='small faces', folded=True)


X26_PRESETS = 'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow', 'placebo'
CRF_MOST = dict(auto=51, libx264=51, libx265=51, h264_nvenc=51, hevc_nvenc=51) # most crf; 63 for others (AV1, VP9)


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(Options):
    "How the result is encoded."
    picture, argument = True, 'encode'
    encoder: str = option('libx264', "Video encoder of ffmpeg, such as libx264, libx265, libsvtav1 or h264_nvenc. auto "
                                     "uses the graphics card (NVENC) if it can encode the film, else libx264. A "
                                     ".webm takes libvpx-vp9 in place of libx264.",
                          metavar='NAME')
    crf: int = option(16, "Quality of the video; a lower number is better and gives a larger file. At most 51 for "
                          "H.264 and H.265, 63 for AV1 and VP9, where about 30 is usual.", low=0, high=63, short='-q',
                      widget='number', folded=True)
    preset: str = option('medium', "Speed of the encoder; slower presets give smaller files. For ProRes and DNxHR the "
                                   "profile, such as hq or dnxhr_hqx.", metavar='NAME')
    pix_fmt: str = option('', "Pixel format of the result, such as yuv420p10le; same keeps the target's. By default "
                              "yuv420p if the encoder writes it, or same if lossless.", metavar='NAME|same')
    lossless: bool = option(False, "Encode without loss, in the target's pixel format, so that pixels outside the face "
                                   "stay exactly as they were. Files are large and few players can show them.")
    show: str = option('swap', "What the result shows: swap is the target with the new face; compare the target and "
                               "the swap side by side; mask a gray film, white where the new face is; matte the same "
                               "with the pixels around it that were bent to fit its shape.",
                       'swap', 'compare', 'matte', 'mask', widget='dropdown', folded=True)
    bitrate: float|None = option(None, "Average bitrate of the picture in megabits per second, in place of crf: 8 is "
                                       "60 MB a minute.", low=.01, high=1000, metavar='NUMBER')
    scale: float = option(1., "Size of the result as a part of the target's: 0.5 halves its width and its height.",
                          low=.05, high=4, widget='number', folded=True)
    def check(self):
        most = CRF_MOST.get(self.encoder, 63)
        if self.crf>most:
            raise BadInput(f"crf {self.crf} is not a whole number from 0 to {most}, the range of {self.encoder} "
                           "(AV1 and VP9 allow up to 63)")
        if self.encoder in ('auto', 'libx264', 'libx265'): check_choice('preset', self.preset, X26_PRESETS)
        if self.lossless and (self.bitrate or self.scale!=1):
            other = 'bitrate' if self.bitrate else 'scale'
            raise BadInput(f"lossless keeps every pixel, which {other} does not: leave out one of the two")
        if self.bitrate and self.encoder in ('prores_ks', 'dnxhd'):
            raise BadInput(f"the bitrate of {self.encoder} follows from its profile: leave out bitrate, or choose a "
                           "profile with preset, such as " + ('lt' if self.encoder=='prores_ks' else 'dnxhr_lb'))
        if self.lossless and self.show=='compare':
            raise BadInput("a comparison is drawn anew, so it is not lossless: leave out lossless")


@dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    "Which part of the film is rendered, where and how."
    argument = 'run'
    batch: int = option(16, "Number of frames that are processed at once. The result is the same for every number.",
                        low=1, high=4096, short='-b')
    device: str = option('auto', "Where networks run. auto uses the GPU if there is one.", 'auto', 'cpu', 'cuda',
                         short='-d')
    devices: str = option('', "GPUs that share the second pass over a film: their numbers like 0,1, or all. By default "
                              "one GPU.", parse=parse_devices, metavar='NUMBERS|all')
    engine: str = option('auto', "What runs ONNX networks: onnxruntime on the CPU (cpu) or the GPU (cuda), or "
                                 "TensorRT. auto uses onnxruntime on the chosen device; torch refuses ONNX networks.",
                         'auto', 'torch', kind='engine')
    compile: str = option('auto', "Whether large torch networks are compiled for this machine, which makes them faster "
                                  "on a GPU. auto does it in the background on a GPU, if it is possible; yes waits for "
                                  "it, on a CPU too.", 'auto', 'yes', 'no', widget='dropdown', folded=True)
    reader: str = option('auto', "What decodes the film. auto uses gpu, the decoder of the graphics card, if frames "
                                 "come out as with pyav; else pyav.", 'auto', kind='reader', picture=True)
    start: float|None = option(None, "Start of the part to render, as a time from the start of the film; by default "
                                     "the first frame.", parse=parse_time, metavar='TIME')
    end: float|None = option(None, "End of the part to render, as a time from the start of the film; by default the "
                                   "last frame.", parse=parse_time, metavar='TIME')
    frame: int|Seconds|None = option(None, "Render only this frame and save it as a picture: a frame number, or a time "
                                           "like 80.5s or 1:20.",
                                     parse=parse_frame, metavar='FRAME|TIME', old=('--preview',))
    part: str|None = option(None, "Render only one part of the film, for example 2/4 on the second of four machines. "
                                  "When all parts are rendered, run the same job without this option to join them.",
                                  parse=parse_part, metavar='I/N')
    cluster: str = option('', "Render the film on a Ray cluster: auto is the one that this machine belongs to, local "
                              "starts one here, else host:port. By default the film is rendered by this process.",
                          metavar='auto|local|HOST:PORT')
    strangers: str = option('keep', "What to do with source photos that seem to show another person than the others: "
                                    "keep uses them, drop leaves them out.", 'keep', 'drop', widget='dropdown',
                            folded=True)
    keep: bool = option(False, "Keep the folder of rendered segments when the result is finished, and when the options "
                               "change.")
    overwrite: bool = option(False, "Replace the output file if it exists.", short='-y')
    def check(self):
        if self.start is not None and self.end is not None and self.end<=self.start:
            raise BadInput(f"end {self.end:g} s is not after start {self.start:g} s")
        if self.frame is not None and (self.start is not None or self.end is not None or self.part is not None):
            raise BadInput("frame renders a single picture: leave out start, end and part")


OPTIONS = SwapOptions, AnalyzeOptions, EncodeOptions, RunOptions


# --- derived from options ---------------------------------------------------------------------------------------------

def changed(options:Options)->dict[str, Any]:
    "The options whose value is not the default: name → value."
    return {n: v for n,o in options_of(type(options)).items() if (v := getattr(options, n))!=o.default}


def split_flat(
    flat:Mapping[str, Any],     # option name → value, of any of the four classes
    swap:SwapOptions=SwapOptions(), analyze:AnalyzeOptions=AnalyzeOptions(),
    encode:EncodeOptions=EncodeOptions(), run:RunOptions=RunOptions(),
    also:Iterable[str]=(),      # names of other arguments, which an error may suggest
)->tuple[SwapOptions, AnalyzeOptions, EncodeOptions, RunOptions]:
    """Sort single options into the four option classes. An unknown name raises `BadInput` with the nearest
    known name."""
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
        if '--' + name.replace('_', '-') in o.old: raise BadInput(f"option {name!r} was renamed to {o.name!r}")
    near = nearest(name, [*names, *also])
    what = f"did you mean {near!r}?" if near else f"the options are {', '.join(names)}"
    raise BadInput(f"unknown option {name!r}; {what}")


def key(*options:Options)->dict[str, Any]:
    """The options that affect rendered pixels, to be hashed into the key of a segment. Replace `auto` first
    (`resolve_options`),
    since its meaning depends on the machine."""
    return {n: getattr(o, n) for o in options for n,p in options_of(type(o)).items() if p.picture}


def to_argv(*options:Options)->list[str]:
    "The options as arguments of the command line; defaults are left out."
    words = []
    for o in options:
        for n,v in changed(o).items():
            p = options_of(type(o))[n]
            words += ([p.flag] if v else []) if p.is_flag else [p.flag, p.write(v)]
    return words
