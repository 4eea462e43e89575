"""All options as keyword arguments. Written by `python -m swapkit.option_tables`; do not edit."""

from typing import Literal, TypedDict

__all__ = ['FlatOptions']


class FlatOptions(TypedDict, total=False):
    "All options of a swap, none of them required."
    # SwapOptions: how the swapped face looks
    swapper: str
    strength: float
    shape: float
    mouth: Literal['inner', 'lips', 'none']
    parser: str
    glasses: Literal['keep', 'remove']
    occluder: str
    masks: str
    mask_grow: float
    mask_fade: float
    refine: str
    refine_strength: float
    restore: str
    restore_strength: float
    fidelity: float
    enhance: str
    color: Literal['match', 'none']
    sharpness: Literal['match', 'none']
    crop: int
    pixel_boost: int
    precision: Literal['auto', 'fp32', 'fp16', 'bf16']
    # AnalyzeOptions: how faces are found and followed
    detector: str
    landmarks: str
    smooth: str
    smallest: float
    small: bool
    # EncodeOptions: how the result is encoded
    encoder: str
    crf: int
    preset: str
    pix_fmt: str
    lossless: bool
    show: Literal['swap', 'compare', 'matte', 'mask']
    bitrate: float | None
    scale: float
    # RunOptions: which part of the film is rendered, where and how
    batch: int
    device: Literal['auto', 'cpu', 'cuda']
    devices: str
    engine: str
    compile: Literal['auto', 'yes', 'no']
    reader: str
    start: float | str | None
    end: float | str | None
    frame: int | float | str | None
    part: str | None
    cluster: str
    strangers: Literal['keep', 'drop']
    keep: bool
    overwrite: bool
