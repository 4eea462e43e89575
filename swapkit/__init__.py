"""Face swapping in video, batched on the device, in literate notebooks

Modules:

- `swapkit.options`: Every option, once: its name, default, help, choices and range
- `swapkit.registry`: Named things that can be chosen (networks, smoothers, readers), plug-ins, and fingerprints of code"""

import os

os.environ['ORT_DISABLE_TELEMETRY'] = '1' # nothing that is loaded here reports to anybody; onnxruntime reads this when it is loaded
__version__ = "0.5.1"
