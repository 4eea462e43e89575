"Films from file to file: the first pass, the second one with and without encoder, whole jobs, several cards."

import subprocess
import time
from contextlib import contextmanager, ExitStack
from functools import partial
from pathlib import Path
from unittest import mock

from chains import count
from common import Busy, choices_of, compositor, frames_with_faces, has_option, long_film, NotMeasured, one_line, timed


def rate(frames, seconds): return round(frames/seconds, 1)


def first_pass(run):
    "The whole film twice in a process where nothing is warm; then single batches."
    from swapkit.analysis import Finder
    from swapkit.pipeline import analyze
    from swapkit.video.probe import video_info
    film, took, busy = long_film(run), [], Busy(run)
    frames = len(video_info(film))
    for k in range(2):
        began = time.perf_counter()
        with busy if k else ExitStack():
            analyze(film, device=run.device, batch=32, detector='tiny_detect', landmarks='tiny_mesh')
        took.append(time.perf_counter() - began)
    cold, warm = took
    run.row('whole film', frames=frames, cold=rate(frames, cold), warm=rate(frames, warm), card_busy=busy.share,
            **{'cold penalty, s': round(cold - warm, 2)})
    find = Finder('tiny_detect', 'tiny_mesh', device=run.device)
    for n in run.built_in:
        some, _ = frames_with_faces(run, n)
        run.row(f'batch {n}', **timed(run, {'ms a frame': partial(find.film, some)}, n))


# --- whole jobs -------------------------------------------------------------------------------------------------------

def recode(run, film, out):
    "ffmpeg's own decoding and encoding, the frames through a pipe."
    from swapkit.video.containers import ffmpeg_exe, ffmpeg_version
    from swapkit.video.probe import video_info
    i, exe = video_info(film), ffmpeg_exe()
    every = ['-fps_mode' if ffmpeg_version(exe) >= (5, 1) else '-vsync', 'passthrough']
    read = [exe, '-v', 'error', '-i', film, '-map', '0:v:0', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', *every, '-']
    write = [exe, '-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', f'{i.width}x{i.height}',
             '-framerate', str(i.rate), '-i', '-', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', out]
    with subprocess.Popen(read, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as a:
        subprocess.run(write, stdin=a.stdout, check=True)


def job(run, film, out, kind, **how):
    "Swap a film; frames a second of both passes and of the whole, and how busy the card was."
    from swapkit.apps.samples import person_file
    from swapkit.pipeline import swap_video
    frames = run.frames if kind == 'built-in' else run.few
    told, busy, began = [], Busy(run), time.perf_counter()
    options = dict(device=run.device, preset='veryfast', crf=18, overwrite=True, detector='tiny_detect',
                   landmarks='tiny_mesh', end=frames/24) | run.look(kind) | how
    try:
        with busy:
            swap_video(film, person_file('cai'), out, **options,
                       progress=lambda n, of, what: told.append((what, n, time.perf_counter())))
    except ThrownAway: pass
    done = time.perf_counter()
    found = {'whole': rate(frames, done - began)}
    drawn = [(n, t) for what, n, t in told if what == 'render']
    if seen := [t for what, _, t in told if what == 'analyze']:
        found |= {'first pass': rate(frames, seen[-1] - began), 'second pass': rate(frames, drawn[-1][1] - seen[-1])}
    else:   # the job began with loading: the frames after the first batch count
        (n, t), (m, last) = drawn[0] if len(drawn) > 1 else (0, began), drawn[-1]
        found |= {'second pass': rate(m - n, last - t)}
    middle = [(n, t) for n, t in drawn if n >= drawn[-1][0]/2]
    if len(middle) > 1:     # where compiled networks are ready
        found['later half'] = rate(middle[-1][0] - middle[0][0], middle[-1][1] - middle[0][1])
    return dict(frames=frames) | found | dict(card_busy=busy.share)


def jobs(run):
    from swapkit.video.probe import video_info
    film, out, alone = long_film(run), run.folder/'job.mp4', []
    frames = len(video_info(film))

    def ffmpeg():
        began = time.perf_counter()
        recode(run, film, run.folder/'recoded.mp4')
        alone.append(rate(frames, time.perf_counter() - began))
        run.row('ffmpeg alone', **{'frames/s': sorted(alone)[len(alone)//2], 'all': list(alone)})

    ffmpeg()
    few = min(run.frames, 32)
    run.row('built-in, first in the process', batch=few, **job(run, film, out, 'built-in', batch=few))
    run.row('built-in', batch=few, **job(run, film, out, 'built-in', batch=few))
    ffmpeg()
    run.row('neural', batch=few, **job(run, film, out, 'neural', batch=few))
    if run.full: ffmpeg()


def more(run):
    "Other batches and sizes, and reading alone."
    from swapkit.video.probe import video_info
    from swapkit.video.read import read_frames
    film, small, out = long_film(run), long_film(run, run.small_clip), run.folder/'job.mp4'
    frames, began = len(video_info(film)), time.perf_counter()
    for _ in read_frames(video_info(film), 16): pass
    run.row('reader alone', **{'frames/s': rate(frames, time.perf_counter() - began)})
    run.row('built-in, 512 x 512', batch=64, **job(run, small, out, 'built-in', batch=64))
    run.row('neural, batch 16', batch=16, **job(run, film, out, 'neural', batch=16))
    if has_option('compile') and run.card:
        run.row('neural, compiled at the start', batch=32, **job(run, film, out, 'neural', batch=32, compile='yes'))


# --- frames thrown away -----------------------------------------------------------------------------------------------

class ThrownAway(Exception):
    "Ends a job whose frames are drawn and not encoded."


class Nowhere:
    "In place of `swapkit.video.encode.Encoding`: takes the encoder's frames and drops them."
    def __init__(self, cmd, exe, queue_size=4, path=None, **more): self.path = path
    def put(self, x): pass
    def close(self, kill=False): pass
    def __enter__(self):
        if self.path: Path(self.path).touch()
        return self
    def __exit__(self, *error): pass


@contextmanager
def without_encoder():
    "Jobs drop their frames before the encoder. Their segments are empty files, so they end before these are joined."
    from swapkit import jobs
    from swapkit.video import encode
    def render(*args, _render=jobs.render_segments, **kw):
        with mock.patch.object(encode, 'Encoding', Nowhere): _render(*args, **kw)
        raise ThrownAway
    with mock.patch.object(jobs, 'write_xmp', lambda path: None), mock.patch.object(jobs, 'render_segments', render):
        yield


def faces_of(run, film):
    "The faces file of a film."
    from swapkit.pipeline import analyze
    made = run.folder/'film.faces'
    if not made.exists():
        analyze(film, made, device=run.device, batch=min(run.frames, 32), detector='tiny_detect',
                landmarks='tiny_mesh')
    return made


def thrown_away(run):
    "The second pass with everything but the encoder, and the chain's own rate at the same batch."
    from swapkit.apps.samples import person_source
    film, n = long_film(run), min(run.few, 32)
    faces, src = faces_of(run, film), [person_source('cai').to(run.device)]
    some, on = frames_with_faces(run, n)
    for kind in ('neural', 'built-in'):
        made = compositor(run, kind)
        ms = timed(run, dict(chain=partial(made, some, on, src)), n)['chain']
        with without_encoder():
            got = job(run, film, run.folder/f'away-{kind}.mp4', kind, batch=n, faces_file=faces)
        run.row(kind, batch=n, frames=got['frames'], **{
            'second pass': got['second pass'], 'chain': round(1000/ms, 1),
            'of the chain': round(got['second pass']*ms/1000, 3)}, card_busy=got['card_busy'])


def launches(run):
    "Calls of the CUDA runtime per batch of a second pass: those of a long job without those of a short one."
    film = long_film(run)
    faces, (n, few) = faces_of(run, film), (16, 4) if run.full else (1, 1)
    for kind in ('built-in', 'neural'):
        found = []
        for k in (few, 2*few):
            out = run.folder/f'launches-{kind}-{k}.mp4'
            call = partial(job, run, film, out, kind, batch=n, faces_file=faces, end=k*n/24)
            with without_encoder(): found.append(count(run, call, warm=False))
        short, long = found
        run.row(f'{kind}, batch {n}, in a job', **{k: round((v - short.get(k, 0))/few, 2) for k, v in long.items()})


# --- what only some machines have -------------------------------------------------------------------------------------

def hardware(run):
    "Every other reader, and encoders of the card; one that is not there says why."
    run.need_card()
    from swapkit.registry import READERS
    from swapkit.video.containers import ffmpeg_exe, has_encoder
    from swapkit.video.probe import video_info
    from swapkit.video.read import open_reader, read_frames
    film, out = long_film(run), run.folder/'hardware.mp4'
    info = video_info(film)
    for name in READERS:
        began = time.perf_counter()
        try:
            for _ in read_frames(info, 16, get=open_reader(info, name)): pass
            run.row(f'reader {name}', **{'frames/s': rate(len(info), time.perf_counter() - began)})
        except Exception as e: run.row(f'reader {name}', why=one_line(e))
    exe = ffmpeg_exe('h264_nvenc')
    names = ['auto']*('auto' in choices_of('encoder')) + ['h264_nvenc']*has_encoder(exe, 'h264_nvenc')
    if 'h264_nvenc' not in names: run.row('encoder h264_nvenc', why='no ffmpeg here has it')
    for name in names:
        how = dict(encoder=name) | (dict(preset='p4') if name == 'h264_nvenc' else {})
        try: run.row(f'encoder {name}', **job(run, film, out, 'built-in', batch=32, **how))
        except Exception as e: run.row(f'encoder {name}', why=one_line(e))


def several(run):
    "The neural job on all cards, and on one."
    run.need_card()
    import torch
    n = torch.cuda.device_count()
    if n < 2: raise NotMeasured('this machine has one card')
    if not has_option('devices'): raise NotMeasured('this version has no option devices')
    film = long_film(run)
    for k in (1, n):
        some = ','.join(map(str, range(k)))
        run.row(f'{k} cards' if k > 1 else '1 card', **job(run, film, run.folder/f'several-{k}.mp4', 'neural',
                                                           batch=32, devices=some))
