"""Registries of everything that is chosen by name (networks, smoothers, readers), and plug-ins

`names(kind)` does not load torch: each registry lists the names of its built-in entries, and a test compares the list
with the registered entries. The modules that define the entries are imported when an entry is first needed.
"""

import dataclasses
import hashlib
import importlib
import logging
import os
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, Generic, TypeVar, cast

from .errors import BadInput, check_choice
from .fingerprint import fingerprint_of, follow

__all__ = ['GROUP', 'COMMERCIAL', 'Registry', 'registries', 'names', 'load_plugins', 'load_plugin', 'loaded_plugins',
           'NetSpec', 'NetStage', 'SWAPPERS', 'RESTORERS', 'ENHANCERS', 'PARSERS', 'REFINERS', 'OCCLUDERS', 'MASKS',
           'DETECTORS', 'MESHES', 'EMBEDDERS', 'SMOOTHERS', 'READERS', 'ENGINES']

S = TypeVar('S')
log = logging.getLogger('swapkit')

GROUP = 'swapkit.plugins'               # entry points with which installed packages register entries
COMMERCIAL = 'yes', 'no', 'unclear'     # whether a license allows commercial use


# --- registries -------------------------------------------------------------------------------------------------------

_all: 'dict[str, Registry]' = {}        # by kind
_lock, _loaded = RLock(), False         # whether entry points are loaded


def _interactive(module:str)->bool:
    "Whether this is a notebook or a prompt, where the same cell is often run again."
    return module=='__main__' and not hasattr(sys.modules['__main__'], '__file__')


class Registry(Mapping[str, S], Generic[S]):
    "Name → spec. A name can be registered once; an unknown name raises an error listing the valid ones."
    def __init__(self,
        kind:str,                   # kind of entry, for messages and `names(kind)`
        *modules:str,               # modules that register the built-in entries
        builtin:tuple[str, ...]=(), # names of the built-in entries, in display order
        spec:str|type='',           # subclass of `NetSpec` of the entries, or its place as module:name
    ):
        self.kind, self.modules, self.builtin, self._spec = kind, modules, builtin, spec
        self._specs: dict[str, S] = {}
        self._owner: dict[str, str] = {}    # name → module that registered it
        self._under: dict[str, tuple[S, str]] = {} # built-in entries that were replaced
        _all[kind] = self
    @property
    def spec_class(self)->Any:
        "Class of the entries; None if any object is allowed."
        if not self._spec or isinstance(self._spec, type): return self._spec or None
        module, name = self._spec.split(':')
        return getattr(importlib.import_module(module), name)
    def names(self, plugins:bool=True)->tuple[str, ...]:
        "All names. Plug-ins are loaded for that, built-in entries are not."
        if plugins: load_plugins()
        return tuple(dict.fromkeys((*self.builtin, *self._specs)))
    def load(self)->None:
        "Import the modules that register the built-in entries, then the plug-ins."
        for m in self.modules: importlib.import_module(m)
        load_plugins()
    def __contains__(self, name:object)->bool:
        return name in self._specs or name in self.builtin or name in self.names()
    def __getitem__(self, name:str)->S:
        "The entry; raises `BadInput` for an unknown name."
        if name not in self._specs: self.load()
        if name not in self._specs: check_choice(self.kind, name, self)
        return self._specs[name]
    def get(self, name:str, default:Any=None)->Any: # type: ignore[override]
        return self[name] if name in self else default
    def __iter__(self)->Iterator[str]:
        self.load()
        return iter([n for n in dict.fromkeys((*self.builtin, *self._specs)) if n in self._specs])
    def __len__(self)->int: return sum(1 for _ in self)
    def __setitem__(self, name:str, spec:S): self._put(name, spec, sys._getframe(1).f_globals.get('__name__', ''))
    def __ior__(self, others:Mapping[str, S])->'Registry[S]':
        owner = sys._getframe(1).f_globals.get('__name__', '')
        for name,spec in others.items(): self._put(name, spec, owner)
        return self
    def __delitem__(self, name:str):
        if name not in self._specs: check_choice(self.kind, name, self._specs)
        del self._specs[name], self._owner[name]
        if name in self._under: self._specs[name], self._owner[name] = self._under.pop(name)
    def register(self,
        name:str,
        spec:S|None=None,       # if left out, `register` is a decorator
        *,
        replace:bool=False,     # replace an entry of this name
        **fields:Any,           # only as a decorator: fields of the spec for the function
    )->Any:                     # the spec, or the decorated function
        "Add an entry, as a call or as a decorator; raises `BadInput` for a name that is taken or not valid."
        owner = sys._getframe(1).f_globals.get('__name__', '')
        if spec is not None:
            if fields: raise TypeError(f"{self.kind} {name!r}: fields belong to the spec that is given")
            self._put(name, spec, owner, replace)
            return spec
        def add(f):
            made:Any = f
            if fields or self._spec and not isinstance(f, NetSpec):
                spec_class = self.spec_class
                if not spec_class: raise TypeError(f"{self.kind} {name!r}: its entries have no fields")
                made = spec_class(**{spec_class.decorates: f}, **fields)
            self._put(name, made, owner, replace)
            return f
        return add
    def _put(self, name:str, spec:Any, owner:str, replace:bool=False):
        if not isinstance(name, str) or not re.fullmatch(r'\w[\w.+-]*', name):
            raise BadInput(f"{name!r} cannot name a {self.kind}: use letters, digits, _ . + and -")
        if self._spec and not isinstance(spec, NetSpec):
            raise BadInput(f"{self.kind} {name!r}: give a {self.spec_class.__name__}, not a {type(spec).__name__}")
        was, own = self._owner.get(name), owner in self.modules
        if was is not None and own and was not in self.modules: # an entry of the user came first, and stays
            self._under[name] = cast(S, spec), owner
            return
        taken = was is not None or name in self.builtin and not own
        if taken and not (replace or was==owner or _interactive(owner)):
            raise BadInput(f"there is a {self.kind} {name!r} already{f', from {was}' if was else ''}: "
                           "choose another name, or register it with replace=True")
        if was in self.modules and not own: self._under[name] = self._specs[name], was or ''
        if not own: follow(owner)
        self._specs[name], self._owner[name] = cast(S, spec), owner
    def fingerprint_parts(self)->dict[str, Any]: return dict(kind=self.kind) # entries have fingerprints of their own
    def __eq__(self, other): return self is other # compared by identity
    def __hash__(self): return id(self) # type: ignore[override]
    def __repr__(self)->str: return f"Registry({self.kind!r}: {', '.join(self.names(plugins=False))})"


def registries()->dict[str, Registry]:
    "All registries by kind."
    return dict(_all)


def names(kind:str)->tuple[str, ...]:
    "Valid names of a kind, including plug-ins; no network is loaded."
    return _all[check_choice('kind', kind, _all)].names()


# --- plug-ins ---------------------------------------------------------------------------------------------------------

def load_plugins()->None:
    "Load the entry points `swapkit.plugins` of installed packages, once; one that fails is skipped with a warning."
    global _loaded
    if _loaded: return
    with _lock:
        if _loaded: return
        _loaded = True
        from importlib.metadata import entry_points
        for e in entry_points(group=GROUP):
            try:
                with _undone_on_error():
                    got = e.load()
                    if callable(got): got()
            except Exception as error: log.warning("the plug-in %s was left out: %s", e.name, _in_short(error))


class _undone_on_error:
    "If a plug-in fails, remove the entries that it registered; built-in entries that it caused to load stay."
    def __enter__(self): self.was = {r: (dict(r._specs), dict(r._owner)) for r in _all.values()}
    def __exit__(self, kind, *_):
        for r,(specs,owner) in self.was.items() if kind else ():
            for n in [n for n,s in r._specs.items() if r._owner[n] not in r.modules and s is not specs.get(n)]:
                if n in specs: r._specs[n], r._owner[n] = specs[n], owner[n]
                else: del r[n]


def _in_short(e:BaseException, path:str='')->str:
    "An error as one line, with the line of `path` where it happened."
    at, trace = (e.lineno if isinstance(e, SyntaxError) else None), e.__traceback__
    while trace:
        if path and trace.tb_frame.f_code.co_filename==path: at = trace.tb_lineno
        trace = trace.tb_next
    said = ' '.join((e.msg if isinstance(e, SyntaxError) else str(e)).split())
    said = said if isinstance(e, BadInput) else f'{type(e).__name__}{f": {said}" if said else ""}'
    return said + (f' (line {at})' if at else '')


def load_plugin(
    path:str|os.PathLike,   # a Python file
)->types.ModuleType:
    "Run a file that registers entries; raises `BadInput` with the error in one line. An unchanged file runs once."
    file = Path(path)
    if file.suffix!='.py': raise BadInput(f"{path} is not a plug-in: name a Python file (.py)")
    try: code = file.read_bytes()
    except FileNotFoundError: raise BadInput(f"{path}: no such file") from None
    except OSError as e: raise BadInput(f"{path} cannot be read: {e.strerror}") from e
    full = str(file.resolve())
    place = hashlib.sha256(os.fsencode(full)).hexdigest()[:8]
    name = f"swapkit_plugin_{re.sub('[^0-9a-zA-Z]+', '_', file.stem)}_{place}"
    was = sys.modules.get(name)
    if was is not None and getattr(was, '_swapkit_bytes', None)==code: return was
    module = types.ModuleType(name)
    module.__file__, module.__dict__['_swapkit_bytes'] = full, code
    sys.modules[name] = module # dataclasses and pickle need it there
    try:
        with _undone_on_error(): exec(compile(code, full, 'exec'), module.__dict__)
    except (Exception, SystemExit) as e:
        if was is None: del sys.modules[name]
        else: sys.modules[name] = was
        raise BadInput(f"the plug-in {path} cannot be used: {_in_short(e, full)}") from e
    return module


def loaded_plugins()->tuple[str, ...]:
    "The paths of the files that `load_plugin` has loaded, in that order."
    return tuple(m.__file__ for n,m in sys.modules.items() if n.startswith('swapkit_plugin_') and m.__file__)


# --- networks ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, kw_only=True)
class NetSpec:
    "Description of a network; each kind of stage adds its own fields."
    load:Callable[..., Any] | None = None   # called with (device, engine[, dtype]); returns the network
    license:str = ''                        # license of the weights
    commercial:str = 'unclear'              # commercial use allowed: yes, no or unclear
    needs:tuple[str, ...] = ()              # keys of `models.MODELS`
    decorates:ClassVar[str] = 'load'        # the field that `Registry.register` fills when it decorates a function
    about:ClassVar[frozenset[str]] = frozenset({'license', 'commercial', 'verified'}) # do not affect pictures
    def __post_init__(self):
        check_choice('commercial', self.commercial, COMMERCIAL)
        if isinstance(self.needs, str): raise BadInput(f"needs {self.needs!r}: give a tuple of names of models")
        object.__setattr__(self, 'needs', tuple(self.needs))
    def fingerprint_parts(self)->dict[str, Any]:
        "The fields that affect pictures."
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self.about}
    def fingerprint(self,
        sha:Callable[[str], str],   # name of a model → SHA-256 of its file
    )->str:                         # SHA-256, hexadecimal
        "Hash of the network's code and weights. Part of every job key, together with `package_fingerprint`."
        return fingerprint_of(self, {n: sha(n) for n in self.needs})


class NetStage:
    "Base class of stages with weights. The weights are loaded at construction; equal input gives equal output."
    registry:ClassVar[Registry]
    auto:ClassVar[tuple[str, ...]] = () # candidates for 'auto': the first whose weights are found, otherwise the last
    def __init__(self,
        name:Any,           # key of the stage's registry, or a spec that is not registered
        device:Any=None,    # by default the best available
        engine:str='auto',  # what runs an ONNX file
        dtype:Any=None,     # number type inside a torch network; None for stages without that choice
    ):
        given = isinstance(name, NetSpec)
        self.name = f'draft_{fingerprint_of(name)[:12]}' if given else self.resolve(name)
        self.spec:Any = name if given else self.registry[self.name]
        self.device, self.engine, self.dtype = device or _default_device(), engine, dtype
        self.net = self.load()
    @classmethod
    def resolve(cls, name:str)->str:
        "The name of an entry, with auto resolved; raises `BadInput` for an unknown name."
        if cls.auto and name=='auto': return importlib.import_module('swapkit.weights').choose_model(*cls.auto)
        if name in cls.registry: return name
        return check_choice(cls.registry.kind, name, (*['auto'][:len(cls.auto)], *cls.registry))
    def load(self)->Any:
        "Load the network of the spec; None if there is nothing to load."
        if self.spec.load is None: return None
        return self.spec.load(self.device, self.engine, *([] if self.dtype is None else [self.dtype]))
    def fingerprint(self,
        sha:Callable[[str], str],   # name of a model → SHA-256 of its file
    )->str:                         # SHA-256, hexadecimal
        "Hash of the stage's code, its network and its weights."
        return fingerprint_of(type(self).__qualname__, self.name, self.spec.fingerprint(sha))
    def __repr__(self)->str: return f"{type(self).__name__}({self.name!r}, {self.device})"


def _default_device()->Any: # torch is imported only here
    return importlib.import_module('swapkit.runtime').default_device()


# --- the registries: each line names the modules that register the entries --------------------------------------------

SWAPPERS: Registry[Any] = Registry(
    'swapper', 'swapkit.swap.mesh_swapper', 'swapkit.swap.neural', spec='swapkit.swap.base:SwapSpec', builtin=(
        'mesh', 'simswap_224', 'simswap_256', 'simswap_512', 'simswap_256_onnx', 'simswap_unofficial_512',
        'hififace_unofficial_256', 'uniface_256', 'blendswap_256', 'ghost_1_256', 'ghost_2_256', 'ghost_3_256',
        'hyperswap_1a_256', 'hyperswap_1b_256', 'hyperswap_1c_256', 'inswapper_128', 'inswapper_128_to_256',
        'inswapper_128_to_512', 'inswapper_128_fp16'))
RESTORERS: Registry[Any] = Registry('restorer', 'swapkit.restore', spec='swapkit.restore:RestoreSpec', builtin=(
    'gfpgan_1.4', 'gfpgan_1.3', 'gfpgan_1.4_onnx', 'codeformer', 'restoreformer_plus_plus'))
ENHANCERS: Registry[Any] = Registry('enhancer', 'swapkit.restore', spec='swapkit.restore:EnhanceSpec', builtin=(
    'real_esrgan_x2', 'realesrgan_x4plus', 'realesrgan_x4plus_fp16', 'realesr_animevideov3'))
PARSERS: Registry[Any] = Registry('parser', 'swapkit.mask.parsing', spec='swapkit.mask.parsing:ParseSpec', builtin=(
    'bisenet_19', 'bisenet_resnet_18', 'bisenet_resnet_34', 'tiny_parse'))
REFINERS: Registry[Any] = Registry('refiner', 'swapkit.refine', spec='swapkit.refine:RefineSpec', builtin=(
    'tiny_refine',))
OCCLUDERS: Registry[Any] = Registry(
    'occluder', 'swapkit.mask.occlusion', spec='swapkit.mask.occlusion:OccludeSpec', builtin=(
        'face_unet_256', 'xseg', 'xseg_1', 'xseg_2', 'xseg_3'))
MASKS: Registry[Any] = Registry( # masks of users, and some that are built in
    'mask', 'swapkit.mask.hair', 'swapkit.mask.regions', spec='swapkit.mask.compose:MaskSpec', builtin=(
        'hair', 'keep_brows', 'keep_eyes', 'keep_nose', 'keep_upper_face', 'keep_lower_face'))
DETECTORS: Registry[Any] = Registry('detector', 'swapkit.face.detect', spec='swapkit.face.detect:DetectSpec', builtin=(
    'yunet_n', 'yunet_s', 'yunet_kornia', 'tiny_detect'))
MESHES: Registry[Any] = Registry(
    'landmarks', 'swapkit.face.landmarks', 'swapkit.face.expression', spec='swapkit.face.landmarks:MeshSpec', builtin=(
        'face_landmarker', 'tiny_mesh', 'face_mesh_468'))
EMBEDDERS: Registry[Any] = Registry(
    'embedder', 'swapkit.face.recognition', spec='swapkit.face.recognition:EmbedSpec', builtin=(
        'mobilefacenet_128', 'sface', 'arcface_w600k_r50', 'simswap_arcface'))
SMOOTHERS: Registry[Any] = Registry('smoother', 'swapkit.face.smooth', builtin=('kalman', 'savgol', 'one_euro', 'none'))
READERS: Registry[Any] = Registry('reader', 'swapkit.video.read', builtin=('pyav', 'decord', 'gpu'))
ENGINES: Registry[Any] = Registry('engine', 'swapkit.nets.onnx', builtin=('cpu', 'cuda', 'tensorrt'))
