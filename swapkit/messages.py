"""The logger `swapkit`, through which all messages go. The library never prints; applications display what it logs."""
import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ['collect_messages', 'hints', 'logger', 'Notes']

logger = logging.getLogger('swapkit')
hints = logging.getLogger('swapkit.hints')     # advice; the command line shows each hint once a day


class _Collector(logging.Handler):
    "Append the text of each record to a list."
    def __init__(self, lines: list[str], level: int):
        super().__init__(level)
        self.lines = lines
    def emit(self, record: logging.LogRecord) -> None: self.lines.append(record.getMessage())


@contextmanager
def collect_messages(
    level: int = logging.WARNING,   # lowest level to collect
) -> Iterator[list[str]]:           # messages in order, filled while the block runs
    "Collect the messages logged in a block, in all threads, instead of displaying them."
    lines: list[str] = []
    handler, before, level_before, passed = _Collector(lines, level), logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    if logger.getEffectiveLevel() > level: logger.setLevel(level)
    try: yield lines
    finally: logger.handlers, logger.propagate = before, passed; logger.setLevel(level_before)


class Notes(logging.Handler):
    """Listens to what is logged in a block, which is displayed all the same: numbers and warnings of one swap. With
    `about`, every record gets this name as its attribute `about`, so a batch can show which target it concerns."""
    def __init__(self, about: str = '') -> None:
        super().__init__(logging.INFO)
        self.about = about
        self.told: dict[str, int] = {}      # from records with `summary`: frames, faces, people, others
        self.lines: dict[str, None] = {}    # warnings, each once, in order
    def emit(self, record: logging.LogRecord) -> None:
        self.told |= getattr(record, 'summary', {})
        if record.levelno >= logging.WARNING and record.name != hints.name: self.lines[record.getMessage()] = None
    def mark(self, record: logging.LogRecord) -> bool:
        record.about = self.about
        return True
    def __enter__(self) -> 'Notes':
        self.was = logger.level
        if self.about: logger.addFilter(self.mark)
        logger.addHandler(self)
        if logger.getEffectiveLevel() > logging.INFO: logger.setLevel(logging.INFO)
        return self
    def __exit__(self, *_: object) -> None:
        logger.removeHandler(self)
        logger.removeFilter(self.mark)
        logger.setLevel(self.was)
