"""Named things that can be chosen (networks, smoothers, readers), plug-ins, and fingerprints of code

`names(kind)` answers without loading torch: each registry knows the names of the built-in entries, and a test holds
that they are the registered ones. The entries themselves are loaded with the modules that define them, on first need.
"""

import dataclasses
import functools
import hashlib
import importlib
import logging
import os
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath
from threading import RLock
from typing import Any, ClassVar, Generic, TypeVar, cast

from .errors import BadInput, check_choice

__all__ = ['GROUP', 'COMMERCIAL', 'Registry', 'registries', 'names', 'load_plugins', 'load_plugin', 'fingerprint_of',
           'package_fingerprint', 'NetSpec', 'NetStage', 'SWAPPERS', 'RESTORERS', 'ENHANCERS', 'PARSERS', 'OCCLUDERS',
           'DETECTORS', 'MESHES', 'EMBEDDERS', 'SMOOTHERS', 'READERS', 'ENGINES']

S = TypeVar('S')
log = logging.getLogger('swapkit')

GROUP = 'swapkit.plugins'               # entry points of installed packages that register something
COMMERCIAL = 'yes', 'no', 'unclear'     # whether a license allows commercial use


# --- registries -------------------------------------------------------------------------------------------------------

_all: 'dict[str, Registry]' = {}        # by kind
_lock, _loaded = RLock(), False         # of entry points


def _interactive(module:str)->bool:
    "Whether code of this module is typed in: there a cell is run again and again."
    return module=='__main__' and not hasattr(sys.modules['__main__'], '__file__')


class Registry(Mapping[str, S], Generic[S]):
    "Name → spec. A name is registered once; an unknown one is answered with the choices."
    def __init__(self,
        kind:str,                   # what is chosen, for messages and `names(kind)`
        *modules:str,               # that register the built-in entries
        builtin:tuple[str, ...]=(), # their names, in the order in which they are shown
    ):
        self.kind, self.modules, self.builtin = kind, modules, builtin
        self.spec_class: type | None = None # a subclass of `NetSpec`, where entries are specs: its module sets it
        self._specs: dict[str, S] = {}
        self._owner: dict[str, str] = {}    # name → module that registered it
        self._under: dict[str, tuple[S, str]] = {} # built-in entries whose place somebody took
        _all[kind] = self
    def names(self, plugins:bool=True)->tuple[str, ...]:
        "All names; built-in entries are not loaded for that, installed plug-ins are."
        if plugins: load_plugins()
        return tuple(dict.fromkeys((*self.builtin, *self._specs)))
    def load(self):
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
    def get(self, name:str, default=None): return self[name] if name in self else default # type: ignore[override]
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
        spec:S|None=None,       # left out, this is a decorator
        *,
        replace:bool=False,     # take the place of an entry of this name
        **fields,               # decorator only: fields of the spec that is made around the function
    )->Any:                     # the spec; or what was decorated
        "Add an entry, as a call or as a decorator."
        owner = sys._getframe(1).f_globals.get('__name__', '')
        if spec is not None:
            if fields: raise TypeError(f"{self.kind} {name!r}: fields belong to the spec that is given")
            self._put(name, spec, owner, replace)
            return spec
        def add(f):
            made:Any = f
            if fields or self.spec_class and not isinstance(f, NetSpec):
                if not self.spec_class: raise TypeError(f"{self.kind} {name!r}: its entries have no fields")
                made = self.spec_class(**{getattr(self.spec_class, 'decorates', 'load'): f}, **fields)
            self._put(name, made, owner, replace)
            return f
        return add
    def _put(self, name:str, spec:Any, owner:str, replace:bool=False):
        if not isinstance(name, str) or not re.fullmatch(r'\w[\w.+-]*', name):
            raise BadInput(f"{name!r} cannot name a {self.kind}: use letters, digits, _ . + and -")
        if self.spec_class and not isinstance(spec, NetSpec):
            raise BadInput(f"{self.kind} {name!r}: give a {self.spec_class.__name__}, not a {type(spec).__name__}")
        was, own = self._owner.get(name), owner in self.modules
        if was is not None and own and was not in self.modules: # somebody's own came before the built-in one, and stays
            self._under[name] = cast(S, spec), owner
            return
        taken = was is not None or name in self.builtin and not own
        if taken and not (replace or was==owner or _interactive(owner)):
            raise BadInput(f"there is a {self.kind} {name!r} already{f', from {was}' if was else ''}: "
                           "choose another name, or register it with replace=True")
        if was in self.modules and not own: self._under[name] = self._specs[name], was or ''
        self._specs[name], self._owner[name] = cast(S, spec), owner
    def __eq__(self, other): return self is other # a registry is no value
    def __hash__(self): return id(self) # type: ignore[override]
    def __repr__(self): return f"Registry({self.kind!r}: {', '.join(self.names(plugins=False))})"


def registries()->dict[str, Registry]:
    "All registries by kind."
    return dict(_all)


def names(kind:str)->tuple[str, ...]:
    "What can be chosen of a kind, plug-ins included; loads no network."
    return _all[check_choice('kind', kind, _all)].names()


# --- plug-ins ---------------------------------------------------------------------------------------------------------

def load_plugins():
    "Load what installed packages offer in the entry points `swapkit.plugins`, once; a broken one costs one line."
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
    "Take back what a plug-in registered that fails halfway; built-in entries that it was the first to need stay."
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
    "Run a file that registers swappers, restorers …; what is wrong with it is one line. An unchanged file runs once."
    file = Path(path)
    if file.suffix!='.py': raise BadInput(f"{path} is no plug-in: name a Python file (.py)")
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
    sys.modules[name] = module # dataclasses and pickle look for it there
    try:
        with _undone_on_error(): exec(compile(code, full, 'exec'), module.__dict__)
    except (Exception, SystemExit) as e:
        if was is None: del sys.modules[name]
        else: sys.modules[name] = was
        raise BadInput(f"the plug-in {path} cannot be used: {_in_short(e, full)}") from e
    return module


# --- fingerprints -----------------------------------------------------------------------------------------------------

_LIBRARIES = frozenset('torch numpy scipy cv2 PIL kornia onnx onnxruntime av decord safetensors IPython'.split())
_SIMPLE = bool, int, float, complex, str, bytes, type(None), type(...)


def _root(module:object)->str: return module.split('.')[0] if isinstance(module, str) else ''


@functools.cache
def _installed()->tuple[str, ...]:
    "Folders of Python's own modules and of installed packages."
    import site
    import sysconfig
    found = {sysconfig.get_paths()[k] for k in ('stdlib', 'platstdlib', 'purelib', 'platlib')}
    if hasattr(site, 'getusersitepackages'): found |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(os.path.realpath(f), '') for f in found)


def _followed(module:object)->bool:
    """Whether code of a module is read wherever it is used: that of notebooks, plug-ins and files that are not
    installed. Of libraries the version counts, and of our own package `package_fingerprint`."""
    root = _root(module)
    if not root or root in ('swapkit', *_LIBRARIES) or root in sys.stdlib_module_names-{'__main__'}: return False
    if root=='__main__' or any(root==_root(owner) for r in _all.values() for owner in r._owner.values()): return True
    file = getattr(sys.modules.get(str(module)), '__file__', None)
    return file is None or not os.path.realpath(file).startswith(_installed())


def _all_names(code:types.CodeType)->set[str]:
    "Every name that a function, or one inside it, may look up."
    inner = [_all_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


class _Fingerprint:
    """Writes down what an object is, the same way in every process: no addresses, no order of sets, and no word about
    which equal constants are one object, which differs between a file just compiled and one from the cache."""
    def __init__(self):
        self.hash = hashlib.sha256()
        self.seen:dict[int, int] = {}
        self.held:list[Any] = [] # so that an id stays what it is
    def say(self, *words:object):
        self.hash.update(('\0'.join(map(str, words)) + '\1').encode('utf-8', 'surrogatepass'))
    def again(self, x)->bool:
        "Whether an object that can hold itself was written down before."
        if id(x) in self.seen: self.say('again', self.seen[id(x)]); return True
        self.seen[id(x)] = len(self.seen)
        self.held.append(x)
        return False
    def each(self, *values:Any):
        for v in values: self.add(v)
    def pairs(self, things:Mapping[str, Any]):
        for k in sorted(things): self.say(k); self.add(things[k])
    def add(self, x:Any):
        if type(x) in _SIMPLE: self.say(type(x).__name__, repr(x))
        elif isinstance(x, Enum): self.say('enum', type(x).__qualname__, x.name)
        elif isinstance(x, tuple): self.say('tuple', type(x).__name__, len(x)); self.each(*x)
        elif isinstance(x, (set, frozenset)): self.say('set', *sorted(_alone(v) for v in x))
        elif isinstance(x, types.CodeType): self.code(x)
        elif isinstance(x, functools.partial): self.say('partial'); self.each(x.func, x.args, x.keywords)
        elif isinstance(x, types.MethodType): self.say('method'); self.each(x.__func__, x.__self__)
        elif isinstance(x, (PurePath, range, slice, re.Pattern)): self.say(type(x).__name__, repr(x))
        elif isinstance(x, types.ModuleType): self.named(x.__name__)
        elif self.again(x): return
        elif isinstance(x, list): self.say('list', len(x)); self.each(*x)
        elif isinstance(x, (dict, types.MappingProxyType)):
            self.say('dict', len(x))
            for _,k in sorted(((_alone(k), k) for k in x), key=lambda p: p[0]): self.each(k, x[k])
        elif isinstance(x, types.FunctionType): self.function(x)
        elif isinstance(x, (staticmethod, classmethod)): self.say(type(x).__name__); self.add(x.__func__)
        elif isinstance(x, property): self.say('property'); self.each(x.fget, x.fset, x.fdel)
        elif isinstance(x, type): self.kind(x)
        elif isinstance(x, Registry): self.say('registry', x.kind)
        elif isinstance(f := getattr(x, '__wrapped__', None), types.FunctionType): self.say('wrapped'); self.add(f)
        elif all(hasattr(x, k) for k in ('dtype', 'shape', 'tolist')): self.array(x)
        else: self.instance(x)
    def named(self, module:object, name:object=''):
        "What is known by its name, with the version of its package."
        self.say('named', module, name, getattr(sys.modules.get(_root(module)), '__version__', ''))
    def code(self, c:types.CodeType):
        self.say('code', c.co_argcount, c.co_posonlyargcount, c.co_kwonlyargcount, c.co_flags, c.co_code.hex(),
                 c.co_exceptiontable.hex(), *c.co_names, '', *c.co_varnames, '', *c.co_freevars, '', *c.co_cellvars)
        self.add(c.co_consts)
    def function(self, f:types.FunctionType):
        "What runs, its defaults, the values it closes over, and what it looks up where that is not ours."
        self.say('function'); self.code(f.__code__)
        self.each(f.__defaults__, f.__kwdefaults__)
        for c in f.__closure__ or ():
            try: self.add(c.cell_contents)
            except ValueError: self.say('empty') # not filled in yet
        if not _followed(f.__module__): return
        used = _all_names(f.__code__)
        for name in sorted(used & f.__globals__.keys()):
            self.say('global', name); self.reached(f.__globals__[name], used)
    def reached(self, x:Any, used:set[str]):
        "Something that a function looks up by name."
        if isinstance(x, types.ModuleType):
            self.named(x.__name__)
            if _followed(x.__name__) and not self.again(x):
                for name in sorted(used & vars(x).keys()): self.say(name); self.reached(vars(x)[name], used)
        elif isinstance(x, types.FunctionType) and not _followed(x.__module__): self.named(x.__module__, x.__qualname__)
        else: self.add(x)
    def kind(self, c:type):
        self.named(c.__module__, c.__qualname__)
        if not _followed(c.__module__): return
        self.each(*c.__bases__)
        skip = types.MemberDescriptorType, types.GetSetDescriptorType
        self.pairs({k:v for k,v in vars(c).items() if not isinstance(v, skip) and (k=='__call__' or not
                    (k.startswith('__') and k.endswith('__')) or isinstance(v, types.FunctionType))})
    def array(self, x):
        self.say('array', type(x).__name__, x.dtype, tuple(x.shape))
        torch = sys.modules.get('torch')
        if torch and isinstance(x, torch.Tensor):
            if x.device.type=='meta': return
            x = x.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        if getattr(x.dtype, 'hasobject', False) or not hasattr(x, 'tobytes'): self.add(x.tolist())
        else: self.hash.update(x.tobytes())
    def instance(self, x):
        "The methods of an object and what it holds; of an object of a library's class, only what is simple."
        self.kind(type(x))
        if isinstance(x, NetSpec): return self.pairs(x.parts())
        torch, inside = sys.modules.get('torch'), dict(getattr(x, '__dict__', {}))
        if torch and isinstance(x, torch.nn.Module):
            for name,m in x.named_modules(): self.say(name); self.kind(type(m))
            self.pairs(x.state_dict())
        elif callable(x) and not inside: self.named(getattr(x, '__module__', ''), getattr(x, '__qualname__', ''))
        for c in type(x).__mro__:
            slots = vars(c).get('__slots__', ())
            inside.update({s: getattr(x, s) for s in ([slots] if isinstance(slots, str) else slots) if hasattr(x, s)})
        if not _followed(type(x).__module__) and not dataclasses.is_dataclass(x):
            inside = {k:v for k,v in inside.items() if type(v) in _SIMPLE}
        self.pairs({k:v for k,v in inside.items() if isinstance(k, str) and k not in ('__dict__', '__weakref__')})


def _alone(x:Any)->str:
    f = _Fingerprint()
    f.add(x)
    return f.hash.hexdigest()


def fingerprint_of(
    *things:Any,    # functions, partials, classes, objects that can be called, values
)->str:             # SHA-256, hexadecimal
    """What code does, as a name: another one when a function's body, defaults or closure change, or what it looks up in
    notebooks, plug-ins and files that are not installed. Equal in all processes of one version of Python.

    The compiled code counts, for that is what runs: its file may have been edited since it was loaded."""
    return _alone(things)


_FOLDER = Path(__file__).resolve().parent
_LEFT_OUT = 'apps', 'research', 'tools', 'train', 'samples' # no picture depends on them


def _files()->dict[str, tuple[int, int]]:
    "Time and size of each file of the package that pictures depend on."
    found, todo = {}, [str(_FOLDER)] if _FOLDER.is_dir() else []
    while todo:
        with os.scandir(todo.pop()) as entries:
            for e in entries:
                if e.is_dir(): todo += [e.path]*(e.name not in (*_LEFT_OUT, '__pycache__'))
                elif e.name!='_modidx.py' and (e.name.endswith('.py') or Path(e.path).parent.name=='assets'):
                    s = e.stat() # weights that come with the package count as code
                    found[os.path.relpath(e.path, _FOLDER).replace(os.sep, '/')] = s.st_mtime_ns, s.st_size
    return found


_at_start, _process = _files(), os.urandom(16)


@functools.cache
def _hash_of(files:tuple)->str:
    from . import __version__
    h = hashlib.sha256(__version__.encode())
    for name in sorted(f for f,*_ in files):
        data = (_FOLDER/name).read_bytes()
        h.update(f'{name}\0{len(data)}\0'.encode() + data)
    return h.hexdigest()


def package_fingerprint()->str: # SHA-256, hexadecimal
    """What this package is, down to its last byte; without applications and research, on which no picture depends.

    Where files were changed after the package was loaded, nobody knows what runs: the answer then holds for this
    process alone, and no other one continues its work."""
    now = _files()
    got = _hash_of(tuple(sorted((n, *s) for n,s in now.items())))
    return got if now==_at_start else hashlib.sha256(_process + got.encode()).hexdigest()


# --- networks ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, kw_only=True)
class NetSpec:
    "What must be known of a network; each kind of stage adds its own fields."
    load:Callable[..., Any] | None = None   # (device, engine[, dtype]) → what the stage calls
    license:str = ''                        # of its weights
    commercial:str = 'unclear'              # use allowed: yes, no or unclear
    needs:tuple[str, ...] = ()              # keys of `models.MODELS`
    decorates:ClassVar[str] = 'load'        # the field that `Registry.register` fills when it decorates a function
    about:ClassVar[frozenset[str]] = frozenset({'license', 'commercial', 'verified'}) # fields that change no picture
    def __post_init__(self):
        check_choice('commercial', self.commercial, COMMERCIAL)
        if isinstance(self.needs, str): raise BadInput(f"needs {self.needs!r}: give a tuple of names of models")
        object.__setattr__(self, 'needs', tuple(self.needs))
    def parts(self)->dict[str, Any]:
        "The fields that a picture depends on."
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self.about}
    def fingerprint(self,
        sha:Callable[[str], str],   # name of a model → SHA-256 of its file
    )->str:                         # SHA-256, hexadecimal
        "What the network computes: its code and its weights. Part of every key, beside `package_fingerprint`."
        return fingerprint_of(self, {n: sha(n) for n in self.needs})


class NetStage:
    "A stage with weights: construction loads, the same input gives the same output."
    registry:ClassVar[Registry]
    def __init__(self,
        name:str,           # key of the stage's registry
        device:Any=None,    # the best that is here by default
        engine:str='auto',  # what runs an ONNX file
        dtype:Any=None,     # inside a torch network; left out for stages that have no such choice
    ):
        self.name, self.spec = name, self.registry[name]
        self.device, self.engine, self.dtype = device or _default_device(), engine, dtype
        self.net = self.load()
    def load(self)->Any:
        "What the spec loads; None where there is nothing to load."
        if self.spec.load is None: return None
        return self.spec.load(self.device, self.engine, *([] if self.dtype is None else [self.dtype]))
    def fingerprint(self, sha:Callable[[str], str])->str:
        return fingerprint_of(type(self).__qualname__, self.name, self.spec.fingerprint(sha))
    def __repr__(self): return f"{type(self).__name__}({self.name!r}, {self.device})"


def _default_device():
    for module in ('swapkit.runtime', 'swapkit.core'): # its home, and the one before
        try: return importlib.import_module(module).default_device()
        except ModuleNotFoundError as e:
            if e.name!=module: raise
    raise ImportError('swapkit.runtime')


# --- what there is: each line names the modules that register the entries ---------------------------------------------

SWAPPERS: Registry[Any] = Registry('swapper', 'swapkit.swap.mesh_swapper', 'swapkit.swap.neural', builtin=(
    'mesh', 'simswap_224', 'simswap_256', 'simswap_512', 'simswap_256_onnx', 'simswap_unofficial_512',
    'hififace_unofficial_256', 'uniface_256', 'blendswap_256', 'ghost_1_256', 'ghost_2_256', 'ghost_3_256',
    'hyperswap_1a_256', 'hyperswap_1b_256', 'hyperswap_1c_256', 'inswapper_128', 'inswapper_128_to_256',
    'inswapper_128_to_512', 'inswapper_128_fp16'))
RESTORERS: Registry[Any] = Registry('restorer', 'swapkit.restore', builtin=(
    'gfpgan_1.4', 'gfpgan_1.3', 'gfpgan_1.4_onnx', 'codeformer', 'restoreformer_plus_plus'))
ENHANCERS: Registry[Any] = Registry('enhancer', 'swapkit.restore', builtin=('real_esrgan_x2',))
PARSERS: Registry[Any] = Registry('parser', 'swapkit.mask.parsing', builtin=(
    'bisenet_19', 'bisenet_resnet_18', 'bisenet_resnet_34'))
OCCLUDERS: Registry[Any] = Registry('occluder', 'swapkit.mask.occlusion', builtin=(
    'face_unet_256', 'xseg', 'xseg_1', 'xseg_2', 'xseg_3'))
DETECTORS: Registry[Any] = Registry('detector', 'swapkit.face.detect', builtin=(
    'yunet_n', 'yunet_s', 'yunet_kornia', 'tiny_detect'))
MESHES: Registry[Any] = Registry('landmarks', 'swapkit.face.landmarks', builtin=('face_mesh_468', 'tiny_mesh'))
EMBEDDERS: Registry[Any] = Registry('embedder', 'swapkit.face.recognition', builtin=(
    'mobilefacenet_128', 'sface', 'arcface_w600k_r50', 'simswap_arcface'))
SMOOTHERS: Registry[Any] = Registry('smoother', 'swapkit.face.smooth', builtin=('kalman', 'savgol', 'one_euro', 'none'))
READERS: Registry[Any] = Registry('reader', 'swapkit.video.read', builtin=('pyav', 'decord'))
ENGINES: Registry[Any] = Registry('engine', 'swapkit.nets.onnx', builtin=('cpu', 'cuda', 'tensorrt'))
