"""Options in a TOML file"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BadInput
from .options import split_flat

__all__ = ['JOB_KEYS', 'read_toml', 'check_table', 'read_options']

# keys of a job file (`job_file`), none of which is the name of an option
JOB_KEYS = ('targets', 'sources', 'out', 'names', 'faces', 'assign', 'faces_file', 'plugins', 'options')


def read_toml(path:str|os.PathLike)->dict[str, Any]:
    "The keys and tables of a TOML file. Raises `BadInput`."
    try: return tomllib.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError: raise BadInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as e: raise BadInput(f"{path} cannot be read: {e}") from e
    except tomllib.TOMLDecodeError as e: raise BadInput(f"{path} is not valid TOML: {e}") from None


def check_table(path:str|os.PathLike, flat:Mapping[str, Any])->tuple[Any, ...]: # as `options.split_flat` gives them
    "Sort the options of a file into the four option classes. Raises `BadInput` with the file's name."
    try: return split_flat(flat)
    except BadInput as e:
        quoted = any(str(e).startswith(f'{k} {v!r}') for k,v in flat.items() if isinstance(v, str) and _is_plain(v))
        said = str(e).replace('True or False', 'true or false')
        raise BadInput(f"{path}: {said}" + '; numbers, true and false are written without quotes'*quoted) from None


def _is_plain(text:str)->bool:
    "Whether a text is a number or a truth value in TOML."
    return text in ('true', 'false') or bool(re.fullmatch(r'[-+]?[0-9.]+', text))


def read_options(
    path:str|os.PathLike,      # name = value for each option; or a job file, whose table `options` is read
)->dict[str, Any]:      # name → value, checked
    "Read single options from a file. Raises `BadInput` for an unknown name or a wrong value."
    told = read_toml(path)
    flat = {k: v for k,v in told.items() if k not in JOB_KEYS} | dict(told.get('options', {}))
    options = check_table(path, flat)
    return {k: next(getattr(o, k) for o in options if hasattr(o, k)) for k in flat}
