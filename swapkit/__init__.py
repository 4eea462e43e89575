"""Face swapping in video, batched on the device, in literate notebooks

Modules:

- `swapkit.fingerprint`: What code and weights are, as a name: part of every key, so that changed code never continues an old job
- `swapkit.options`: Every option, once: its name, default, help, choices and range
- `swapkit.registry`: Named things that can be chosen (networks, smoothers, readers), and plug-ins"""

import os

os.environ['ORT_DISABLE_TELEMETRY'] = '1' # nothing that is loaded here reports to anybody; onnxruntime reads this when it is loaded
__version__ = "0.5.1"
