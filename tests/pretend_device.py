"""A pretend accelerator for machines without one: the CPU holds the numbers, and Python sees them on `cuda:0` or
`cuda:1`.

`install()` comes before swapkit is imported. From then on tensors may be put on `cuda`, and each remembers its place.
An operation on tensors of different places raises the error that CUDA raises; so do `numpy()` of a tensor on a card,
and an enlarged picture with more elements than `INDEX_LIMIT`.

`COUNT` counts, for work on the cards:
- operations  what launches a kernel; views launch nothing and are counted apart, as `views`
- waits       the host reads a value of a card (`read`), waits for a download (`download`), or uploads from memory that
              is not pinned, which also waits (`upload`)
- copies, bytes   between host and card, or between cards
`SHAPES` has the input shapes of each network, and `WHERE` the line of swapkit behind each wait and copy.

It cannot see kernels, races of streams, half-precision arithmetic, compiled code or onnxruntime."""

import sys
import threading
import weakref
from collections import Counter, defaultdict
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode

COUNT, WHERE, SHAPES = Counter(), Counter(), defaultdict(Counter)
INDEX_LIMIT = 2**31
CARDS = 2
HOST = torch.device("cpu")
# operations whose result has a size, or a value, that only the card knows
READS = {
    "_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim", "unique_consecutive",
    "is_nonzero", "linalg_svd", "_linalg_svd",
}
_pinned = weakref.WeakKeyDictionary()   # pinned tensors, by their storage
_inside = threading.local()             # how many networks this thread is inside of


def reset():
    COUNT.clear(), WHERE.clear(), SHAPES.clear()


def note(kind, n=1):
    "Count something, and remember the line of swapkit that did it."
    COUNT[kind] += n
    if kind in ("operations", "views", "bytes"): return
    frame = sys._getframe(1)
    while frame and "/swapkit/" not in frame.f_code.co_filename: frame = frame.f_back
    if frame: WHERE[kind, frame.f_code.co_filename.rpartition("/swapkit/")[2], frame.f_lineno] += n


class Placed(torch.Tensor):
    "A tensor that says it is on a card; `raw` has its numbers."

    __slots__ = ("raw", "place")

    @staticmethod
    def __new__(cls, raw, place):
        self = torch.Tensor._make_wrapper_subclass(
            cls, raw.shape, strides=raw.stride(), dtype=raw.dtype, storage_offset=raw.storage_offset(), device=HOST
        )
        self.raw, self.place = raw, place
        return self

    device = property(lambda self: self.place)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def __repr__(self):
        return f"Placed({self.place}, {tuple(self.shape)})"

    def numpy(self, *args, **kwargs):
        raise TypeError("can't convert a cuda tensor to numpy; use Tensor.cpu()")

    __array__ = numpy

    def cpu(self, *args, **kwargs):
        return self.to(HOST)

    def cuda(self, index=0, **kwargs):
        return self.to(torch.device("cuda", index or 0))

    def data_ptr(self):
        return self.raw.data_ptr()

    def record_stream(self, stream):
        pass

    def tolist(self):
        note("waits"), note("read")
        return self.raw.tolist()

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        return operate(op, args, kwargs or {})


def raw(x):
    return x.raw if isinstance(x, Placed) else x


# In place of `tree_leaves` and `tree_map` of torch: arguments of operations are only tuples, lists and dictionaries,
# and this is called for every operation of a run.

def tree_leaves(x):
    "What lies in nested tuples, lists and dictionaries."
    if isinstance(x, dict): x = x.values()
    elif not isinstance(x, (tuple, list)): return [x]
    return [leaf for part in x for leaf in (tree_leaves(part) if isinstance(part, (tuple, list, dict)) else [part])]


def tree_map(f, x):
    "The same nested tuples, lists and dictionaries, with `f` of what lies in them."
    if isinstance(x, dict): return {k: tree_map(f, v) for k, v in x.items()}
    return type(x)([tree_map(f, v) for v in x]) if isinstance(x, (tuple, list)) else f(x)


def placed(x, place):
    return Placed(x, place) if isinstance(x, torch.Tensor) else x


def place_of(device):
    device = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    if device.type != "cuda": return device
    index = _current.index if device.index is None else device.index
    if index >= CARDS: raise RuntimeError("CUDA error: invalid device ordinal")
    return torch.device("cuda", index)


def pin(x):
    "A copy in pinned memory."
    x = x.clone()
    _pinned[x.untyped_storage()] = True
    return x


def is_pinned(x):
    return not isinstance(x, Placed) and x.untyped_storage() in _pinned


# --- operations -------------------------------------------------------------------------------------------------------

def check_places(op, name, args, kwargs, leaves):
    "The places of an operation's tensors, `leaves`; raises where they must not meet."
    places = {x.place for x in leaves if isinstance(x, Placed)}
    if not places: return places
    # a number without dimensions may come from the host
    host = any(not isinstance(x, Placed) and x.dim() for x in leaves)
    if name == "copy_" and places and (host or len(places) > 1):
        copied(args[1], isinstance(args[0], Placed), args[2] if len(args) > 2 else kwargs.get("non_blocking"), args[0])
    elif name.startswith("index") and isinstance(args[0], Placed) and host and whole_numbers(args[1:]):
        rows = [x for x in leaves if not isinstance(x, Placed) and x.dim()]  # named on the host: allowed, and copied
        for x in rows: copied(x, True, False)
    elif len(places) > 1 or places and host:
        names = sorted(map(str, places)) + ["cpu"] * host
        raise RuntimeError(f"{op}: Expected all tensors to be on the same device, but found {' and '.join(names)}")
    return places


def copied(x, up, non_blocking, to=None):
    "Count a copy of a tensor between places, and the wait for it."
    note("copies"), note("bytes", x.numel() * x.element_size())
    pinned = is_pinned(x) if up else to is not None and is_pinned(to)
    if isinstance(x, Placed) and up: return  # from card to card
    if not (pinned and non_blocking): note("waits"), note("upload" if up else "download")


def whole_numbers(args):
    return all(
        isinstance(x, Placed) or x.dtype in (torch.bool, torch.long)
        for x in tree_leaves(args)
        if isinstance(x, torch.Tensor)
    )


def operate(op, args, kwargs):
    "Run one operation on the numbers; its results lie where its inputs lie."
    name = op.overloadpacket.__name__
    leaves = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    places = check_places(op, name, args, kwargs, leaves)
    if places:
        note("views" if op.is_view else "operations")
        by_mask = name.startswith("index") and any(
            getattr(x, "dtype", None) == torch.bool for x in tree_leaves(args[1:2])
        )
        if name in READS or by_mask: note("waits"), note("read")
    # conjugates and negatives that are only noted down are not seen below this level
    op = {"_conj": torch.ops.aten.conj_physical.default, "_neg_view": torch.ops.aten.neg.default}.get(name, op)
    if not places: return op(*args, **kwargs)
    out = op(*tree_map(raw, args), **tree_map(raw, kwargs))
    if name.startswith("upsample") and out.numel() >= INDEX_LIMIT:
        said = "only supports output tensors with less than INT_MAX elements, but got"
        raise RuntimeError(f"{name} {said} {list(out.shape)}")
    if op._schema.is_mutable and isinstance(out, torch.Tensor):
        return args[0] if name.endswith("_") else kwargs.get("out", args[0])
    place = next(iter(places))
    return tree_map(lambda x: placed(x, place), out)


def move(x, device, non_blocking=False):
    "The only way from one place to another."
    to, here = place_of(device), x.place if isinstance(x, Placed) else HOST
    if to == here: return x
    copied(x, to != HOST, non_blocking)
    return raw(x).clone() if to == HOST else Placed(raw(x).clone(), to)


def destination(name, x, args, device):
    "Where `to`, `cuda` or `cpu` sends a tensor (None: nowhere), and the arguments that are left."
    if name == "cpu": return HOST, args
    if name == "cuda": return torch.device("cuda", (args[0] if args else 0) or 0), args[1:]
    if device is None and args and isinstance(args[0], (str, torch.device)): return args[0], args[1:]
    if device is None and args and isinstance(args[0], torch.Tensor): return args[0].device, [args[0].dtype]
    return device, args


class Functions(TorchFunctionMode):
    "Catches what names a device: moves, and functions that make tensors."

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        if name == "pin_memory": return args[0] if isinstance(args[0], Placed) else pin(args[0])
        if name == "is_pinned": return is_pinned(args[0])
        if name in ("to", "cuda", "cpu") and isinstance(args[0], torch.Tensor):
            device, rest = destination(name, args[0], list(args[1:]), kwargs.pop("device", None))
            non_blocking = kwargs.pop("non_blocking", False)
            rest, x = [r for r in rest if isinstance(r, torch.dtype)], args[0]
            kwargs = {k: v for k, v in kwargs.items() if v is not None}
            if rest or "dtype" in kwargs or "memory_format" in kwargs: x = function(x, *rest, **kwargs)
            return x if device is None else move(x, device, non_blocking)
        if name == "new_tensor" and isinstance(args[0], Placed):
            made = torch.tensor(args[1], dtype=kwargs.get("dtype") or args[0].dtype)
            copied(made, True, False)
            return Placed(made, args[0].place)
        pinned = kwargs.pop("pin_memory", False)
        device = kwargs.get("device")
        if device is None or not isinstance(device, int) and torch.device(device).type != "cuda":
            made = function(*args, **kwargs)
            return pin(made) if pinned else made
        if name in ("tensor", "as_tensor", "asarray"):
            if isinstance(args[0], Placed): return move(args[0], device)
            made = raw(function(*args, **kwargs | dict(device=HOST)))
            copied(made, True, False)
            return Placed(made, place_of(device))
        if name.startswith("empty"): note("views")
        else: note("operations")
        return Placed(raw(function(*args, **kwargs | dict(device=HOST))), place_of(device))


# --- the rest of torch.cuda -------------------------------------------------------------------------------------------

class Stream:
    "A stream on which everything is done at once."

    def __init__(self, device=None, priority=0, **kwargs):
        self.device = place_of(device if device is not None else "cuda")

    def synchronize(self):
        note("waits"), note("download")

    def wait_stream(self, other): pass
    def wait_event(self, event): pass
    def query(self): return True
    def record_event(self, event=None): return event or Event()
    def __enter__(self): return self
    def __exit__(self, *args): pass


class Event(Stream):
    def __init__(self, *args, **kwargs): pass
    def record(self, stream=None): pass
    def wait(self, stream=None): pass
    def elapsed_time(self, other): return 0.0


class Current(threading.local):
    index = 0


_current = Current()


@contextmanager
def on_device(device):
    "`torch.cuda.device`: the card that `cuda` without a number means."
    before = _current.index
    if device is not None and device != -1: _current.index = place_of(device).index
    try: yield
    finally: _current.index = before


def watch_networks():
    "Note the input shapes of every outermost network that has weights."
    def enter(net, args):
        depth = _inside.depth = getattr(_inside, "depth", 0) + 1
        placed = [x for x in args if isinstance(x, Placed) and x.numel()]  # without rows nothing is computed
        if depth == 1 and placed and next(net.parameters(), None) is not None:
            SHAPES[type(net).__name__][tuple(tuple(x.shape) for x in args if isinstance(x, torch.Tensor))] += 1

    def leave(net, args, out): _inside.depth -= 1

    torch.nn.modules.module.register_module_forward_pre_hook(enter)
    torch.nn.modules.module.register_module_forward_hook(leave, always_call=True)


def install():
    "Make every thread from now on see two cards. Modes belong to a thread, so each new one enters them."
    assert not torch.cuda.is_available(), "this machine has a card: use it"
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch.inference_mode = lambda mode=True: torch.no_grad() if not callable(mode) else torch.no_grad()(mode)
    cuda = torch.cuda
    cuda.is_available, cuda.device_count = lambda: True, lambda: CARDS
    cuda.synchronize = lambda *args: (note("waits"), note("download"))[0]
    cuda.empty_cache = lambda *args: None
    cuda.current_device = lambda: _current.index
    cuda.set_device = lambda device: setattr(_current, "index", place_of(device).index)
    cuda.get_device_name = lambda device=None: "pretend card"
    cuda.mem_get_info = lambda device=None: (64 << 30, 80 << 30)
    cuda.device, cuda.Stream, cuda.Event = on_device, Stream, Event
    cuda.stream = lambda stream: stream if stream is not None else on_device(None)
    cuda.current_stream = cuda.default_stream = lambda device=None: Stream(device)
    watch_networks()
    run = threading.Thread.run

    def run_with_modes(self):
        with Functions(): run(self)

    threading.Thread.run = run_with_modes
    Functions().__enter__()
