"""What goes wrong, by name: every error a person can put right, with the exit code of the command line"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ['SwapkitError', 'BadInput', 'FaceMissing', 'ModelMissing', 'SystemFault', 'nearest', 'check_choice']


class SwapkitError(Exception):
    "Something a person can put right; the message says how, in one line."
    code = 1
class BadInput(SwapkitError):
    "A file, a name or a value cannot be used."
    code = 2
class FaceMissing(SwapkitError):
    "There is no face where one is needed."
    code = 3
class ModelMissing(SwapkitError):
    "Weights are not on this machine, or differ from their checksum."
    code = 4
class SystemFault(SwapkitError):
    "The machine lacks something: a device, disk space, a program."
    code = 5


def nearest(
    name:object,            # what was written
    names:Iterable[str],    # what there is
)->str:                     # '' where nothing is near
    "The name that is spelled most like `name`, whatever its case and its dashes."
    plain = {n.lower().replace('-', '_'): n for n in names}
    near = get_close_matches(str(name).lower().replace('-', '_'), plain, 1)
    return plain[near[0]] if near else ''


def check_choice(
    kind:str,   # what is chosen, for the message
    name:object,
    names:Iterable[str],    # to choose from
)->str:         # the name
    "Raise `BadInput` with the choices, and the nearest of them, where `name` is none of `names`."
    names = tuple(names)
    if isinstance(name, str) and name in names: return str(name)
    near = nearest(name, names)
    said = ascii(name) if len(ascii(name))<=60 else f'{ascii(name)[:57]}...'
    raise BadInput(f"unknown {kind} {said}: choose {', '.join(names) or 'nothing, for there is none'}"
                   + (f" (did you mean {near!r}?)" if near else ''))
