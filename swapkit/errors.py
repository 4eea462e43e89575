"""Exceptions for errors that the user can fix, each with an exit code of the command line"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ['SwapkitError', 'BadInput', 'OutputBusy', 'FaceMissing', 'ModelMissing', 'SystemFault', 'nearest',
           'check_choice']


class SwapkitError(Exception):
    "An error that the user can fix; the message says how, in one line."
    code = 1
class BadInput(SwapkitError):
    "A file, a name or a value cannot be used."
    code = 2
class OutputBusy(BadInput):
    "Another run is writing the same output."
class FaceMissing(SwapkitError):
    "No face was found where one is needed."
    code = 3
class ModelMissing(SwapkitError):
    "Weights are missing, or do not match their checksum."
    code = 4
class SystemFault(SwapkitError):
    "Something is missing on this machine: a device, disk space, a program."
    code = 5


def nearest(
    name:object,            # the unknown name
    names:Iterable[str],    # valid names
)->str:                     # '' if none is similar
    "The most similar of `names`; case, dashes and underscores do not matter."
    plain = {n.lower().replace('-', '_'): n for n in names}
    near = get_close_matches(str(name).lower().replace('-', '_'), plain, 1)
    return plain[near[0]] if near else ''


def check_choice(
    kind:str,   # kind of thing that is chosen, for the message
    name:object,
    names:Iterable[str],    # valid names
)->str:         # `name`
    "Return `name`, or raise `BadInput` with all valid names and the most similar one."
    names = tuple(names)
    if isinstance(name, str) and name in names: return str(name)
    if name=='': raise BadInput(f"{kind} has an empty name: write several names with commas, without spaces")
    near = nearest(name, names)
    said = ascii(name) if len(ascii(name))<=60 else f'{ascii(name)[:57]}...'
    raise BadInput(f"unknown {kind} {said}: choose {', '.join(names) or 'nothing, for there is none'}"
                   + (f" (did you mean {near!r}?)" if near else ''))
