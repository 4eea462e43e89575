"""Hashes of code and weights, part of every job key: changed code never continues an old job

`fingerprint_of` hashes any object, `package_fingerprint` this package. A class can define `fingerprint_parts`, a method
that returns the parts of an object that count.
"""

import dataclasses
import functools
import hashlib
import os
import re
import sys
import types
from collections.abc import Mapping
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

__all__ = ['follow', 'fingerprint_of', 'package_fingerprint']

_LIBRARIES = frozenset('torch numpy scipy cv2 PIL kornia onnx onnxruntime av decord safetensors IPython'.split())
_SIMPLE = bool, int, float, complex, str, bytes, type(None), type(...)
_followed_roots: set[str] = set() # root packages of installed plug-ins


def _root(module:object)->str: return module.split('.')[0] if isinstance(module, str) else ''


def follow(
    module:str, # a module that registered an entry
)->None:
    "Include the code of this module's package in fingerprints, although the package is installed."
    _followed_roots.add(_root(module))


@functools.cache
def _installed()->tuple[str, ...]:
    "Folders of the standard library and of installed packages."
    import site
    import sysconfig
    found = {sysconfig.get_paths()[k] for k in ('stdlib', 'platstdlib', 'purelib', 'platlib')}
    if hasattr(site, 'getusersitepackages'): found |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(os.path.realpath(f), '') for f in found)


def _followed(module:object)->bool:
    """Whether the code of a module is hashed: notebooks, plug-ins and files that are not installed. For libraries the
    version is enough; our own package has `package_fingerprint`."""
    root = _root(module)
    if not root or root in ('swapkit', *_LIBRARIES) or root in sys.stdlib_module_names-{'__main__'}: return False
    if root=='__main__' or root in _followed_roots: return True
    file = getattr(sys.modules.get(str(module)), '__file__', None)
    return file is None or not os.path.realpath(file).startswith(_installed())


def _all_names(code:types.CodeType)->set[str]:
    "All names that a function and its inner functions may look up."
    inner = [_all_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


class _Fingerprint:
    """Hash an object, with the same result in every process. Addresses and the order of sets do not count. Nor does it
    count which equal constants share one object; that differs between freshly compiled and cached files."""
    def __init__(self):
        self.hash = hashlib.sha256()
        self.seen:dict[int, int] = {}
        self.held:list[Any] = [] # keeps objects alive, so that ids stay unique
    def say(self, *words:object):
        self.hash.update(('\0'.join(map(str, words)) + '\1').encode('utf-8', 'surrogatepass'))
    def again(self, x)->bool:
        "Whether an object was hashed before; objects can contain themselves."
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
        elif isinstance(f := getattr(x, '__wrapped__', None), types.FunctionType): self.say('wrapped'); self.add(f)
        elif all(hasattr(x, k) for k in ('dtype', 'shape', 'tolist')): self.array(x)
        else: self.instance(x)
    def named(self, module:object, name:object=''):
        "Hash a name and the version of its package."
        self.say('named', module, name, getattr(sys.modules.get(_root(module)), '__version__', ''))
    def code(self, c:types.CodeType):
        self.say('code', c.co_argcount, c.co_posonlyargcount, c.co_kwonlyargcount, c.co_flags, c.co_code.hex(),
                 c.co_exceptiontable.hex(), *c.co_names, '', *c.co_varnames, '', *c.co_freevars, '', *c.co_cellvars)
        self.add(c.co_consts)
    def function(self, f:types.FunctionType):
        "Hash the code of a function, its defaults, its closure, and the globals that it uses in followed modules."
        self.say('function'); self.code(f.__code__)
        self.each(f.__defaults__, f.__kwdefaults__)
        for c in f.__closure__ or ():
            try: self.add(c.cell_contents)
            except ValueError: self.say('empty') # cell not assigned yet
        if not _followed(f.__module__): return
        used = _all_names(f.__code__)
        for name in sorted(used & f.__globals__.keys()):
            self.say('global', name); self.reached(f.__globals__[name], used)
    def reached(self, x:Any, used:set[str]):
        "Hash an object that a function looks up by name."
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
        "Hash the class of an object and its attributes; for a class of a library only simple attributes."
        self.kind(type(x))
        if hasattr(type(x), 'fingerprint_parts'): return self.pairs(x.fingerprint_parts())
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
    *things:Any,    # functions, partials, classes, callable objects, values
)->str:             # SHA-256, hexadecimal
    """Hash of code. It changes with a function's body, defaults or closure, and with the globals that it uses in
    notebooks, plug-ins and files that are not installed. It is the same in all processes of one version of Python.

    The compiled code is hashed, not the source file, because the file may have been edited after it was loaded."""
    return _alone(things)


_FOLDER = Path(__file__).resolve().parent
_LEFT_OUT = 'apps', 'research', 'tools', 'train', 'samples' # they do not affect any picture


def _files()->dict[str, tuple[int, int]]:
    "Modification time and size of each file of the package that affects pictures."
    found, todo = {}, [str(_FOLDER)] if _FOLDER.is_dir() else []
    while todo:
        with os.scandir(todo.pop()) as entries:
            for e in entries:
                if e.is_dir(): todo += [e.path]*(e.name not in (*_LEFT_OUT, '__pycache__'))
                elif e.name!='_modidx.py' and (e.name.endswith('.py') or Path(e.path).parent.name=='assets'):
                    s = e.stat() # built-in weights count as code
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
    """Hash of all files of this package, except applications and research, which do not affect pictures.

    If files were changed after the package was loaded, it is unknown which code runs. Then the hash is valid for this
    process only, and no other process continues its work."""
    now = _files()
    got = _hash_of(tuple(sorted((n, *s) for n,s in now.items())))
    return got if now==_at_start else hashlib.sha256(_process + got.encode()).hexdigest()
