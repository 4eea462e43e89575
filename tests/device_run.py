"""Runs everything on the pretend accelerator and compares it with the CPU: `python3 dev.py device`.

The table has a row for every stage and every pass: the largest difference to the CPU (levels of 255 for pictures, else the
unit that is named), and what was done on the accelerator (see `pretend_device`). The last line has the totals. The exit
code is 0 only if everything ran, agreed with the CPU, and stayed within the limits below."""

import json
import os
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["SWAPKIT_MODELS"] = ""

import pretend_device as card  # noqa: E402

card.install()

import torch  # noqa: E402
from torch import nn  # noqa: E402

from swapkit import registry  # noqa: E402
from swapkit.analysis import Finder  # noqa: E402
from swapkit.apps.bench_tools import write_sample_clip  # noqa: E402
from swapkit.apps.samples import load_person, person_file, person_source, sample_film  # noqa: E402
from swapkit.blend import match_colors, match_tones, paste  # noqa: E402
from swapkit.compositor import Compositor, run_stages  # noqa: E402
from swapkit.face import runtime_free as _  # noqa: E402, F401
