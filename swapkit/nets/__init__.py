"Networks: ours and other people's as torch modules, and any ONNX file. Importing this loads none of them."


def __getattr__(name):
    if name != 'NETS': raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .zoo import NETS
    return NETS
