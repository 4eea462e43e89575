"""Face swapping in video, batched on the device, in literate notebooks

Modules:

- `swapkit.fingerprint`: Hashes of code and weights, part of every job key: changed code never continues an old job
- `swapkit.job_file`: Jobs as TOML files: targets, people, result and options of a swap, to be run later or elsewhere
- `swapkit.job_queue`: A queue of jobs in a folder, which one or several workers drain without a server
- `swapkit.options`: The options of swapkit, each defined once: name, default, help, choices and range
- `swapkit.registry`: Registries of everything that is chosen by name (networks, smoothers, readers), and plug-ins
- `swapkit.workdir`: The work folder beside an output: finished segments, lock and journal of a job that can continue"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assignment import Assignment
    from .batch import swap_batch
    from .compositor import Compositor
    from .errors import BadInput, FaceMissing, ModelMissing, SwapkitError, SystemFault
    from .options import AnalyzeOptions, EncodeOptions, RunOptions, SwapOptions
    from .pipeline import analyze, make_source, swap_image, swap_video
    from .types import Crops, Faces, Frames, Source

__all__ = ['swap_video', 'swap_image', 'swap_batch', 'analyze', 'make_source', 'SwapOptions', 'AnalyzeOptions',
           'EncodeOptions', 'RunOptions', 'Frames', 'Faces', 'Crops', 'Source', 'Assignment', 'Compositor',
           'SwapkitError', 'BadInput', 'FaceMissing', 'ModelMissing', 'SystemFault']

# nothing that is loaded here reports to anybody; onnxruntime reads this when it is loaded
os.environ['ORT_DISABLE_TELEMETRY'] = '1'
__version__ = "0.25.0"

_HOME = {
    'pipeline': ('swap_video', 'swap_image', 'analyze', 'make_source'),
    'batch': ('swap_batch',),
    'options': ('SwapOptions', 'AnalyzeOptions', 'EncodeOptions', 'RunOptions'),
    'types': ('Frames', 'Faces', 'Crops', 'Source'),
    'assignment': ('Assignment',),
    'compositor': ('Compositor',),
    'errors': ('SwapkitError', 'BadInput', 'FaceMissing', 'ModelMissing', 'SystemFault'),
}


def __getattr__(name: str) -> Any:
    "A public name, from the module that defines it."
    for module,names in _HOME.items():
        if name in names:
            from importlib import import_module
            return globals().setdefault(name, getattr(import_module(f'.{module}', __name__), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]: return sorted([n for n in globals() if n.startswith("__")]+__all__)
