import os

os.environ['ORT_DISABLE_TELEMETRY'] = '1' # nothing that is loaded here reports to anybody; onnxruntime reads this when it is loaded
__version__ = "0.5.1"
