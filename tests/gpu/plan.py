"What is measured, in this order, and what it must reach. Needs only Python's standard library."

from typing import NamedTuple


class Part(NamedTuple):
    "A part of the measurement: a function of one of the modules beside this file."
    name: str
    function: str           # 'module.function'; called with the `Run`
    limit: int              # seconds after which it is stopped
    least: int = 5          # seconds that must be left to start it
    fresh: bool = False     # starts in a process of its own, where nothing is warm


PARTS = [
    Part('machine', 'equality.machine', 60),
    Part('built-in chain equals the CPU', 'equality.built_in', 40),
    Part('neural chain equals the CPU', 'equality.neural', 60),
    Part('first pass equals the CPU', 'equality.first_pass', 40),
    Part('film and photo from file to file', 'equality.files', 60),
    Part('built-in chain, stages', 'chains.built_in', 40),
    Part('neural chain, stages', 'chains.neural', 60),
    Part('launches, waits and copies of a batch', 'chains.launches', 60),
    Part('neural chain, compiled', 'chains.compiled', 220, least=60, fresh=True),
    Part('first pass', 'films.first_pass', 100, least=15, fresh=True),
    Part('whole jobs, and ffmpeg alone', 'films.jobs', 150, least=40, fresh=True),
    Part('second pass, frames thrown away', 'films.thrown_away', 60, least=15),
    Part('memory of the card', 'chains.memory', 30, fresh=True),
    Part('launches, waits and copies in a job', 'films.launches', 60, least=15),
    Part('tests of the pages that need a card', 'equality.pages', 120, least=20),
    Part('batches that are too large', 'equality.too_large', 40),
    Part('copies to the card and back', 'chains.copies', 20),
    Part('more films', 'films.more', 90, least=20),
    Part('readers and encoders of the card', 'films.hardware', 60, least=10),
    Part('several cards', 'films.several', 60, least=15),
]


class Bar(NamedTuple):
    "A figure with what it was in 0.5.0 and what it must be."
    what: str
    before: str
    most: bool              # whether the limit is the most that is allowed; else it is the least
    limit: float
    unit: str
    rows: tuple             # (part, row, key) of the figure; the first that was measured counts
    over: tuple = ()        # … divided by this one


def _chain(kind, batch):
    "Where the time of a chain stands: compiled networks before eager ones."
    parts = [f'{kind} chain, compiled'] * (kind == 'neural') + [f'{kind} chain, stages']
    return tuple((p, f'batch {batch}', 'chain') for p in parts)


JOBS, AWAY, FFMPEG = 'whole jobs, and ffmpeg alone', 'second pass, frames thrown away', 'ffmpeg alone'
BARS = [
    *[Bar(f'SimSwap + BiSeNet + GFPGAN chain, batch {n}', was, True, limit, 'ms a frame', _chain('neural', n))
      for n, was, limit in ((32, '6.2', 2.6), (8, '9.1', 3.2), (1, '53', 12))],
    *[Bar(f'built-in chain, batch {n}', was, True, limit, 'ms a frame', _chain('built-in', n))
      for n, was, limit in ((16, '2.3', .6), (1, '41', 6))],
    Bar('first pass, warm', '172', False, 450, 'frames/s', (('first pass', 'whole film', 'warm'),)),
    Bar('first pass, cold penalty', '32', True, 5, 's', (('first pass', 'whole film', 'cold penalty, s'),)),
    Bar("second pass, frames thrown away, to the chain's own rate: neural", '-', False, .75, 'of it',
        ((AWAY, 'neural', 'of the chain'),)),
    *[Bar(f"{name}, to ffmpeg's decode and encode: {look}", was, False, limit, 'of it', ((JOBS, look, key),),
          (JOBS, FFMPEG, 'frames/s'))
      for name, key, rows in (
          ('second pass, x264 veryfast', 'second pass', (('neural', '.40', .95), ('built-in', '.62', .95))),
          ('whole job', 'whole', (('neural', '.24', .62), ('built-in', '.37', .62))))
      for look, was, limit in rows],
    Bar('memory of the card, batch 16, half precision', '-', True, 8, 'GB', (('memory of the card', 'peak', 'GB'),)),
]
