"""A pretend accelerator for machines without one: the CPU holds the numbers, and Python sees them on `cuda:0`.

`install()` comes before swapkit is imported. From then on tensors may be put on `cuda`, and each remembers its place.
An operation on tensors of different places raises an error, as CUDA does; so does `numpy()` of a tensor on the card.
`COUNT` counts operations, copies between places, and host waits (reads of a value that the card has to work out first).
It cannot see kernels, streams or half precision."""

import threading
from collections import Counter

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

COUNT = Counter()
HOST = torch.device("cpu")
# operations whose result has a size, or a value, that only the card knows
WAITS = {
    "_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim", "unique_consecutive",
    "is_nonzero",
}


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

    def tolist(self):
        COUNT["waits"] += 1
        return self.raw.tolist()

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        return operate(op, args, kwargs or {})


def raw(x):
    return x.raw if isinstance(x, Placed) else x


def placed(x, place):
    return Placed(x, place) if isinstance(x, torch.Tensor) else x


def place_of(device):
    device = torch.device(device)
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


def check_places(op, name, args, kwargs):
    "The places of an operation's tensors; raises where they must not meet."
    leaves = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    places = {x.place for x in leaves if isinstance(x, Placed)}
    host = any(
        not isinstance(x, Placed) and x.dim() for x in leaves
    )  # a number without dimensions may come from the host
    if name == "copy_" and (host or len(places) > 1):
        COUNT["copies"] += 1
    elif name.startswith("index") and isinstance(args[0], Placed) and host and whole_numbers(args[1:]):
        COUNT["copies"] += 1  # rows named on the host: allowed, and carried over
    elif len(places) > 1 or places and host:
        names = sorted(map(str, places)) + ["cpu"] * host
        raise RuntimeError(f"{op}: Expected all tensors to be on the same device, but found {' and '.join(names)}")
    return places


def whole_numbers(args):
    return all(
        isinstance(x, Placed) or x.dtype in (torch.bool, torch.long)
        for x in tree_leaves(args)
        if isinstance(x, torch.Tensor)
    )


def operate(op, args, kwargs):
    "Run one operation on the numbers; its results lie where its inputs lie."
    name = op.overloadpacket.__name__
    places = check_places(op, name, args, kwargs)
    if places:
        COUNT["views" if op.is_view else "operations"] += 1
        by_mask = name.startswith("index") and any(
            getattr(x, "dtype", None) == torch.bool for x in tree_leaves(args[1:2])
        )
        COUNT["waits"] += name in WAITS or by_mask
    # conjugates and negatives that are only noted down are not seen below this level
    op = {"_conj": torch.ops.aten.conj_physical.default, "_neg_view": torch.ops.aten.neg.default}.get(name, op)
    out = op(*tree_map(raw, args), **tree_map(raw, kwargs))
    if not places:
        return out
    if op._schema.is_mutable and isinstance(out, torch.Tensor):
        return args[0] if name.endswith("_") else kwargs.get("out", args[0])
    return tree_map(lambda x: placed(x, next(iter(places))), out)


def move(x, device):
    "The only way from one place to another."
    to, here = place_of(device), x.place if isinstance(x, Placed) else HOST
    if to == here:
        return x
    COUNT["copies"] += 1
    COUNT["waits"] += to == HOST
    return raw(x).clone() if to == HOST else Placed(raw(x).clone(), to)


def destination(name, x, args, device):
    "Where `to`, `cuda` or `cpu` sends a tensor (None: nowhere), and the arguments that are left."
    if name == "cpu":
        return HOST, args
    if name == "cuda":
        return torch.device("cuda", (args[0] if args else 0) or 0), args[1:]
    if device is None and args and isinstance(args[0], (str, torch.device)):
        return args[0], args[1:]
    if device is None and args and isinstance(args[0], torch.Tensor):
        return args[0].device, [args[0].dtype]
    return device, args


class Functions(TorchFunctionMode):
    "Catches what names a device: moves, and functions that make tensors."

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        if name == "pin_memory":
            return args[0]
        if name in ("to", "cuda", "cpu") and isinstance(args[0], torch.Tensor):
            device, rest = destination(name, args[0], list(args[1:]), kwargs.pop("device", None))
            kwargs.pop("non_blocking", None)
            rest, x = [r for r in rest if isinstance(r, torch.dtype)], args[0]
            kwargs = {k: v for k, v in kwargs.items() if v is not None}
            if rest or "dtype" in kwargs or "memory_format" in kwargs:
                x = function(x, *rest, **kwargs)
            return x if device is None else move(x, device)
        if name == "new_tensor" and isinstance(args[0], Placed):
            COUNT["copies"] += 1
            return Placed(torch.tensor(args[1], dtype=kwargs.get("dtype") or args[0].dtype), args[0].place)
        device = kwargs.get("device")
        if device is None or torch.device(device).type != "cuda":
            return function(*args, **kwargs)
        if name in ("tensor", "as_tensor", "asarray"):
            if isinstance(args[0], Placed):
                return move(args[0], device)
            COUNT["copies"] += 1
        return Placed(raw(function(*args, **kwargs | dict(device=HOST))), place_of(device))


class Operations(TorchDispatchMode):
    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        return operate(op, args, kwargs or {})


def install():
    "Make every thread from now on see one card. Modes belong to a thread, so each new one enters them."
    assert not torch.cuda.is_available(), "this machine has a card: use it"
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch.inference_mode = lambda mode=True: torch.no_grad() if not callable(mode) else torch.no_grad()(mode)
    torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: 1
    torch.cuda.synchronize = torch.cuda.empty_cache = lambda *args: None
    run = threading.Thread.run

    def run_with_modes(self):
        with Functions(), Operations():
            run(self)

    threading.Thread.run = run_with_modes
    modes = Functions(), Operations()
    for mode in modes:
        mode.__enter__()
