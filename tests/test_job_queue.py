"The queue of jobs: each is done once, whatever happens to the workers."
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest

from swapkit import job_queue
from swapkit.apps.samples import person_file
from swapkit.batch import BatchResult
from swapkit.errors import BadInput, SystemFault
from swapkit.job_file import JobFile, read_job
from swapkit.job_queue import JobQueue, LeaseLost, run_worker, TRIES
from swapkit.request import SwapRequest
from swapkit.runtime import file_hash


def photo_job(out, who='ben', **more):
    ask = SwapRequest(sources=[person_file('cai')])
    return JobFile(targets=(str(person_file(who)),), out=str(out), request=ask, **more)


def a_queue(folder, n=3, lease=60.):
    queue = JobQueue(folder/'queue', lease)
    return queue, [queue.add(photo_job(folder/f'{i}.png')) for i in range(n)]


def states(queue): return [(e.state, e.what) for e in queue.entries()]


def result(state='done', code=0, reason='', **more):
    return BatchResult(target=person_file('ben'), out=None, state=state, code=code, reason=reason, **more)


def running(do):
    "Workers do this with a job instead of swapping."
    return mock.patch.object(job_queue, 'run_job', do)


def test_jobs_are_done_in_order(tmp_path):
    queue, names = a_queue(tmp_path)
    seen = []
    def do(job, step, tell): seen.append(job.out); return [result(numbers=dict(frames=9))]
    with running(do): assert run_worker(queue, 'w') == 0
    assert seen == [str(tmp_path/f'{i}.png') for i in range(3)] and states(queue) == [('done', '1 done')]*3
    assert [e.name for e in queue.entries()] == names and [e.tries for e in queue.entries()] == [1]*3
    assert queue.entries()[0].results[0]['state'] == 'done'
    assert {(e.worker, e.done, e.total) for e in queue.entries()} == {('w', 9, 9)}
    assert not list((queue.folder/'workers').iterdir()) and JobQueue(tmp_path/'queue', 5.).lease == 60


def test_failed_jobs_can_be_retried(tmp_path):
    queue, names = a_queue(tmp_path, 2)
    with running(lambda job, step, tell: [result('failed', 3, 'no face')]): assert run_worker(queue) == 3
    assert states(queue) == [('failed', 'no face')]*2
    with pytest.raises(BadInput, match='is not a failed job'): queue.retry(['x'])
    assert queue.retry(names[:1]) == names[:1] and queue.retry() == names[1:]
    def crash(job, step, tell): raise ZeroDivisionError('by\nzero')
    with running(crash): assert run_worker(queue) == 1
    assert states(queue) == [('failed', 'unexpected ZeroDivisionError: by zero')]*2


def test_only_one_worker_gets_a_job(tmp_path):
    queue, names = a_queue(tmp_path, 20)
    done, lock = [], threading.Lock()
    def do(job, step, tell):
        with lock: done.append(job.out)
        return [result()]
    with running(do):
        threads = [threading.Thread(target=run_worker, args=(queue, f'w{i}')) for i in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
    assert sorted(done) == sorted({*done}) and len(done) == 20 and {s for s,_ in states(queue)} == {'done'}


def test_a_job_whose_worker_is_silent_is_taken_over(tmp_path):
    queue, (name,) = a_queue(tmp_path, 1, lease=.6)
    first, path = queue.take('a')
    assert queue.take('b') is None and states(queue) == [('running', 'begins')]
    time.sleep(.8)
    second, mine = queue.take('b')
    assert (first, second) == (name, name) and not path.exists() and queue.entries()[0].worker == 'b'
    with pytest.raises(LeaseLost): queue.move(path, 'done', name)
    for i in range(2, TRIES): # every worker that takes it dies
        time.sleep(.8)
        assert queue.take(f'w{i}') and queue.entries()[0].tries == i+1
    time.sleep(.8)
    assert queue.take('z') is None and states(queue) == [('failed', f'failed: its worker died {TRIES} times')]


def test_a_suspended_worker_notices(tmp_path):
    queue, (name,) = a_queue(tmp_path, 1, lease=.6)
    def do(job, step, tell): # taken over, and then at its next frame
        queue.files('running')[0][2].rename(queue.folder/'running'/f'{name}~other.toml')
        for _ in range(40): time.sleep(.05); step(1, 9, 'render')
        raise AssertionError('went on')
    def other():
        while not (f := queue.folder/'running'/f'{name}~other.toml').exists(): time.sleep(.02)
        time.sleep(.5); queue.move(f, 'done', name)
    thread = threading.Thread(target=other)
    thread.start()
    with running(do): assert run_worker(queue, 'slow') == 0
    thread.join()
    assert states(queue)[0][0] == 'done'


def test_ctrl_c_and_a_busy_output_put_the_job_back(tmp_path):
    queue, _ = a_queue(tmp_path, 1, lease=.6)
    def stop(job, step, tell): raise KeyboardInterrupt
    with running(stop), pytest.raises(KeyboardInterrupt): run_worker(queue)
    assert states(queue) == [('waiting', 'stopped')] and queue.entries()[0].tries == 0
    answers = [[result('failed', 2, 'busy', busy=True)], [result()]]
    with running(lambda job, step, tell: answers.pop(0)): assert run_worker(queue) == 0
    assert states(queue) == [('done', '1 done')] and queue.entries()[0].tries == 1


def test_the_options_of_a_machine_come_from_its_worker(tmp_path):
    queue, _ = a_queue(tmp_path, 1)
    got = []
    with running(lambda job, step, tell: got.append(job.request.run) or [result()]):
        run_worker(queue, run=dict(batch=4))
    assert got[0].batch == 4


def test_what_is_wrong_is_refused_when_it_is_added(tmp_path):
    queue = JobQueue(tmp_path/'queue')
    for job, line in ((photo_job(tmp_path/'no'/'x.png'), 'does not exist; make it first'),
                      (photo_job(tmp_path/'x.mp4'), 'one picture')):
        with pytest.raises(BadInput, match=line): queue.add(job)
    assert not queue.entries() and not list(queue.folder.glob('.*'))
    (tmp_path/'file').touch()
    with pytest.raises(SystemFault, match='cannot be used as a queue'): JobQueue(tmp_path/'file')


def test_a_damaged_job_fails_alone(tmp_path):
    queue, names = a_queue(tmp_path, 2)
    (queue.folder/'waiting'/f'{names[0]}.toml').write_text('targets = ')
    (queue.folder/'reports'/f'{names[1]}.json').write_text('{')
    with running(lambda job, step, tell: [result()]): assert run_worker(queue) == 2
    assert [s for s,_ in states(queue)] == ['failed', 'done'] and 'not valid TOML' in states(queue)[0][1]


WORKER = ("from swapkit.job_queue import JobQueue, run_worker\nimport sys\n"
          "print('ready', flush=True)\nsys.exit(run_worker(JobQueue(sys.argv[1])))")


def test_workers_that_are_killed_lose_nothing(tmp_path):
    "Two processes; one is killed while it works, and again; the other one finishes. As one run alone would."
    queue = JobQueue(tmp_path/'queue', lease=1.)
    for i,who in enumerate(('ben', 'dot', 'fay', 'ada')): queue.add(photo_job(tmp_path/f'{i}.png', who))
    start = lambda: subprocess.Popen([sys.executable, '-c', WORKER, str(queue.folder)], stdout=subprocess.PIPE)
    dice, victim, steady = random.Random(4), start(), start()
    victim.stdout.readline()
    while not any(w for _,w,_ in queue.files('running')): time.sleep(.01)
    time.sleep(dice.random()*.5)
    victim.send_signal(signal.SIGKILL if os.name == 'posix' else signal.SIGTERM); victim.wait()
    assert steady.wait(120) == 0
    assert [s for s,_ in states(queue)] == ['done']*4 and all((tmp_path/f'{i}.png').exists() for i in range(4))
    assert read_job(next((queue.folder/'done').glob('*-ben-*.toml'))).out == str(tmp_path/'0.png')
    one = JobQueue(tmp_path/'one')
    one.add(photo_job(tmp_path/'alone.png'))
    assert run_worker(one) == 0
    from swapkit.video.photo import read_photo
    assert (read_photo(tmp_path/'alone.png').data == read_photo(tmp_path/'0.png').data).all()
    assert not list(tmp_path.glob('*.parts')) and file_hash(tmp_path/'0.png')
    assert all(json.loads(f.read_text())['tries'] >= 1 for f in (queue.folder/'reports').glob('*.json'))
