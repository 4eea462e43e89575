"""Read times, frame numbers and parts of a film that are written as text"""

import numbers
import re
from collections.abc import Callable

from .errors import BadInput

__all__ = ['PARSED', 'Seconds', 'parse_time', 'parse_frame', 'parse_part', 'split_part', 'parse_devices', 'shown']


class Seconds(float):
    "A time in seconds, where a plain number would mean a frame number."
    def __repr__(self): return f'{float(self)!r}s'


_TIME = 'seconds like 80.5, or a time code like 1:20.5 or 0:01:20'
_PART = '1/4 for the first of four, 4/4 for the last'
_DEVICES = 'all, or numbers of GPUs like 0,1'
_number = re.compile(r'[0-9]{1,9}(\.[0-9]*)?|\.[0-9]+')


def parse_time(
    text:str|float, # 80.5, '80.5', '80.5s', '1:20.5', '0:01:20'
)->float:           # seconds
    "Read a time. Raises `BadInput`, which says what is allowed."
    if isinstance(text, numbers.Real) and not isinstance(text, bool):
        if 0<=(t := float(text))<1e9: return t
        raise BadInput(f"{shown(text)} is not a time of 0 or later: write {_TIME}")
    *whole, last = parts = text.strip().split(':') if isinstance(text, str) else ['']
    if len(parts)==1: last = parts[-1] = last.removesuffix('s').rstrip()
    good = len(parts)<=3 and all(p.isascii() and p.isdigit() and len(p)<7 for p in whole) and _number.fullmatch(last)
    if not good or any(float(p)>=60 for p in parts[1:]):
        raise BadInput(f"{shown(text)} is not a time: write {_TIME}")
    return sum(float(p)*60**k for k,p in enumerate(reversed(parts)))


def parse_frame(
    text:str|float, # a frame number, or a time as text with ':' or 's'
)->int|Seconds:     # frame number or time
    "Read which frame is meant. Raises `BadInput`, which says what is allowed."
    if isinstance(text, Seconds): return Seconds(parse_time(text))
    if isinstance(text, int) and not isinstance(text, bool) and 0<=text<2**53: return int(text)
    if isinstance(text, str):
        plain = text.strip()
        if plain.isascii() and plain.isdigit() and len(plain)<16: return int(plain)
        if ':' in plain or plain.endswith('s'):
            try: return Seconds(parse_time(plain))
            except BadInput: pass
    raise BadInput(f"{shown(text)} is not a frame: write its number, which counts from 0, or its time like 80.5s "
                   "or 1:20.5")


def parse_part(
    text:str,   # such as '2/4'
)->str:         # without blanks and leading zeros
    "Check which part of a film is meant. Raises `BadInput`, which says what is allowed."
    plain = text.strip() if isinstance(text, str) else ''
    if re.fullmatch(r'[0-9]{1,6}/[0-9]{1,6}', plain):
        i, n = map(int, plain.split('/'))
        if 1<=i<=n: return f'{i}/{n}'
    raise BadInput(f"{shown(text)} is not a part: write {_PART}")


def split_part(part:str)->tuple[int, int]: # i, n
    "The two numbers of a text from `parse_part`."
    i, n = part.split('/')
    return int(i), int(n)


def parse_devices(
    text:str|int,   # such as '0,1', or 'all'
)->str:             # without blanks and leading zeros; '' for one device
    "Check which GPUs are meant. Raises `BadInput`, which says what is allowed."
    plain = str(text).replace(' ', '') if isinstance(text, (str, int)) and not isinstance(text, bool) else '?'
    if plain in ('', 'all'): return plain
    if re.fullmatch(r'[0-9]{1,3}(,[0-9]{1,3})*', plain):
        numbers = [int(n) for n in plain.split(',')]
        if len(set(numbers))==len(numbers): return ','.join(map(str, numbers))
    raise BadInput(f"{shown(text)} is not a choice of GPUs: write {_DEVICES}, each number once")


def shown(value:object)->str:
    "A value for a message: ASCII, one line, at most 60 characters."
    text = ascii(value)
    return text if len(text)<=60 else f'{text[:57]}...'


# function → the allowed values in words, the type in `option_types`
PARSED:dict[Callable, tuple[str, str]] = {parse_time: (_TIME, 'float | str'), parse_part: (_PART, 'str'),
                                           parse_devices: (_DEVICES, 'str'),
                                           parse_frame: ('a frame number or a time', 'int | float | str')}
