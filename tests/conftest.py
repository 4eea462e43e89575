"""Order and choice of tests: the longest run first, so that workers side by side end together; `--quick` leaves out the
slow ones."""
import json
import os
from pathlib import Path

import pytest

STORED = Path(__file__).with_name('durations.json')    # seconds of each test, one at a time on each of two cores
QUICK = 5           # seconds: what takes longer is no test for every day
UNKNOWN = 5         # seconds that a new test is taken to need


def key_of(item):
    "The name of a test, without the tiers that this machine can serve."
    return item.nodeid.split('+')[0].rstrip(']')


def pytest_addoption(parser):
    parser.addoption('--quick', action='store_true', help=f'leave out tests that take more than {QUICK} seconds')
    parser.addoption('--store-durations', action='store_true', help='write tests/durations.json from this run')


def pytest_configure(config):
    "Workers share the cores: without this every one of them would start a thread for each."
    workers = int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', 0))
    if not workers: return
    threads = str(max((os.cpu_count() or 1)//workers, 1))
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'): os.environ.setdefault(name, threads)


def pytest_collection_modifyitems(config, items):
    known = json.loads(STORED.read_text()) if STORED.exists() else {}
    seconds = {item.nodeid: known.get(key_of(item), UNKNOWN) for item in items}
    if config.getoption('--quick'):
        if not known:
            raise pytest.UsageError(f"no {STORED.name}: write it with `python3 dev.py test --store-durations`")
        slow = [item for item in items if seconds[item.nodeid]>QUICK]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if seconds[item.nodeid]<=QUICK]
    items.sort(key=lambda item: -seconds[item.nodeid])


def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption('--store-durations'): return
    total = {}
    for report in terminalreporter.stats.get('passed', []):
        if hasattr(report, 'duration'): total[key_of(report)] = total.get(key_of(report), 0)+report.duration
    known = json.loads(STORED.read_text()) if STORED.exists() else {}
    known |= {k: round(v, 1) for k,v in total.items()}
    STORED.write_text(json.dumps(dict(sorted(known.items())), indent=0)+'\n')
