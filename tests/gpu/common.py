"What the parts of the measurement share."

import contextlib
import functools
import subprocess
import sys
import time
from pathlib import Path

NEURAL = dict(swapper='simswap_256', parser='bisenet_19', restore='gfpgan_1.4')
BUILT_IN = dict(parser='none')

# frames of the long film, and of it in neural jobs; batches of both chains; rounds of a timing; the clip
SIZES = dict(
    full=dict(frames=900, few=900, neural=(32, 8, 1), built_in=(64, 16, 1), rounds=5, clip='people_1080p.mp4'),
    small=dict(frames=16, few=2, neural=(1,), built_in=(4, 1), rounds=1, clip='people_512.mp4'),
    tiny=dict(frames=4, few=2, neural=(1,), built_in=(2, 1), rounds=1, clip='people_512.mp4'),
)


class NotMeasured(Exception):
    "This machine or this version cannot measure a part: one line says why."


def one_line(e): return ' '.join(f'{type(e).__name__}: {e}'.split())[:300]


class Run:
    "The device, the sizes, the files, and where rows go."
    def __init__(self, task, tell):
        self.task, self.device, self.size, self.tell = task, task['device'], task['size'], tell
        for k, v in SIZES[self.size].items(): setattr(self, k, v)
        self.card, self.full = self.device == 'cuda', self.size == 'full'
        if self.full: self.frames = self.few = max(96, int(self.frames*min(task['minutes']/8, 1)))
        self.folder, self.archive = Path(task['folder']), Path(task['archive'])
        self.small_clip, self.clip = (self.archive/'clips'/f for f in ('people_512.mp4', self.clip))

    def row(self, name, /, **values): self.tell(event='row', row=str(name), value=values)

    def need_card(self):
        if not self.card: raise NotMeasured('needs a card')

    def look(self, kind):
        "Options of a chain. In the smallest trial the crop is small, and the only network is the parser."
        look = NEURAL if kind == 'neural' else BUILT_IN
        return dict(crop=128, parser=look['parser']) if self.size == 'tiny' else look


# --- options that this version may have -------------------------------------------------------------------------------

def has_option(name):
    from swapkit.options import OPTIONS, options_of
    return any(name in options_of(cls) for cls in OPTIONS)


def choices_of(name):
    "The values that an option allows; none where there is no such option."
    from swapkit.options import OPTIONS, options_of
    return next((tuple(options_of(cls)[name].choices) for cls in OPTIONS if name in options_of(cls)), ())


def compositor(run, kind, device=None, **more):
    "The stages of a chain, on the device of the run by default; the last ones are kept, since loading takes seconds."
    return _compositor(device or run.device, **run.look(kind), **more)


@functools.lru_cache(3)
def _compositor(device, **given):
    "`compile` is an option of the whole run; for networks that are loaded here it is set around the loading."
    from swapkit.compositor import Compositor
    from swapkit.options import SwapOptions
    around = contextlib.nullcontext()
    if mode := given.pop('compile', ''):
        from swapkit.nets.compiled import compile_mode
        around = compile_mode(mode)
    with around: return Compositor(SwapOptions(**given), device)


# --- times ------------------------------------------------------------------------------------------------------------

def wait(run):
    if run.card:
        import torch
        torch.cuda.synchronize()


def seconds(run, f):
    "How long a call takes until the card has finished it."
    wait(run)
    t = time.perf_counter()
    f()
    wait(run)
    return time.perf_counter() - t


def timed(run, calls, n):
    "Milliseconds a frame of each call, after two calls to warm it: the median of rounds in turn."
    for f in calls.values():
        for _ in range(2 if run.full else 1): seconds(run, f)
    took = {k: [] for k in calls}
    for _ in range(run.rounds):
        for k, f in calls.items(): took[k].append(seconds(run, f))
    return {k: round(1000*sorted(v)[len(v)//2]/n, 3) for k, v in took.items()}


def levels(a, b):
    "How far two batches of pictures are apart, in levels of 255."
    d = (a.cpu().float() - b.cpu().float()).abs()
    return dict(largest=float(d.max()), mean=round(float(d.mean()), 4), pixels_over_2=int((d.amax(1) > 2).sum()))


# --- films ------------------------------------------------------------------------------------------------------------

def frames_with_faces(run, n, clip=None):
    "The first n frames of the clip with one face each, on the device."
    from swapkit.face.detect import Detector
    from swapkit.face.landmarks import FaceMesh
    from swapkit.face.track import choose_faces, track
    from swapkit.video.probe import video_info
    from swapkit.video.read import read_frames
    frames = next(iter(read_frames(video_info(clip or run.clip), n))).to(run.device)
    found = track(Detector('tiny_detect', run.device)(frames))
    faces = FaceMesh('tiny_mesh', run.device)(frames, found[choose_faces(found)])
    if len(faces) != n: raise RuntimeError(f'{len(faces)} faces found in {n} frames with one face each')
    return frames, faces


def long_film(run, clip=None):
    "The clip again and again, up to the number of frames."
    from swapkit.apps.bench_tools import repeat_film
    clip = clip or run.clip
    made = run.folder/f'long-{clip.name}'
    if not made.exists(): repeat_film(clip, made, run.frames/24)
    return made


class Busy:
    "Share of the time in which the card works, in percent, as nvidia-smi counts it; None where it cannot be asked."
    def __init__(self, run): self.run, self.share, self.proc = run, None, None

    def __enter__(self):
        if not self.run.card: return self
        import torch
        uuid = getattr(torch.cuda.get_device_properties(0), 'uuid', None)
        words = ['nvidia-smi', '--query-gpu=utilization.gpu', '--format=csv,noheader,nounits', '-lms', '100']
        words += ['-i', f'GPU-{uuid}'] if uuid else []
        with contextlib.suppress(OSError):
            self.proc = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return self

    def __exit__(self, *error):
        if self.proc is None: return
        self.proc.terminate()
        got = [int(line) for line in self.proc.communicate()[0].split('\n') if line.strip().isdigit()]
        if got: self.share = round(sum(got)/len(got), 1)


def ask(*words):
    "What a program prints; '' where it is missing or fails."
    try: return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except OSError: return ''


def script(path, env=None, cwd=None):
    "Start a Python program; its output is one text."
    return subprocess.Popen([sys.executable, str(path)], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
