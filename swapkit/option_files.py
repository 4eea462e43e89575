"""Options in a TOML file"""

import os
import tomllib
from pathlib import Path
from typing import Any

from .errors import BadInput
from .options import split_flat

__all__ = ['JOB_KEYS', 'read_toml', 'read_options']

# keys of a job file (`job_file`), none of which is the name of an option
JOB_KEYS = ('targets', 'sources', 'out', 'names', 'faces', 'assign', 'faces_file', 'plugins', 'options')


def read_toml(path:str|os.PathLike)->dict[str, Any]:
    "The keys and tables of a TOML file. Raises `BadInput`."
    try: return tomllib.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError: raise BadInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as e: raise BadInput(f"{path} cannot be read: {e}") from e
    except tomllib.TOMLDecodeError as e: raise BadInput(f"{path} is not valid TOML: {e}") from None


def read_options(
    path:str|os.PathLike,      # name = value for each option; or a job file, whose table `options` is read
)->dict[str, Any]:      # name → value, checked
    "Read single options from a file. Raises `BadInput` for an unknown name or a wrong value."
    told = read_toml(path)
    flat = {k: v for k,v in told.items() if k not in JOB_KEYS} | dict(told.get('options', {}))
    try: options = split_flat(flat)
    except BadInput as e: raise BadInput(f"{path}: {e}") from None
    return {k: next(getattr(o, k) for o in options if hasattr(o, k)) for k in flat}
