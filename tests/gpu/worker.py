"Runs parts of the measurement one after the other, and writes what they find as lines of JSON."

import gc
import importlib
import json
import os
import sys
import time
import traceback

from common import NotMeasured, one_line, Run
from plan import PARTS


def measure(function, run):
    "Run a part; how it ended."
    try:
        module, name = function.split('.')
        getattr(importlib.import_module(module), name)(run)
        return dict(status='measured')
    except NotMeasured as e: return dict(status='not measured', why=str(e))
    except Exception as e:
        traceback.print_exc()
        return dict(status='failed', why=one_line(e), where=traceback.format_exc()[-1500:])


def release():
    "Give the memory of the card back, so that parts do not disturb each other."
    gc.collect()
    torch = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def main():
    task, where = json.loads(sys.argv[1]), {p.name: p.function for p in PARTS}
    with open(task['events'], 'a', encoding='utf-8') as out:
        def tell(**event):
            out.write(json.dumps(event) + '\n')
            out.flush()
        for name in task['parts']:
            print(f'--- {name}', flush=True)
            tell(event='start', part=name)
            began = time.monotonic()
            end = measure(where[name], Run(task, tell))
            tell(event='end', seconds=round(time.monotonic() - began, 1), **end)
            if 'CUDA error' in end.get('why', ''): os._exit(1)  # after this no call works in the process
            release()


if __name__ == '__main__': main()
