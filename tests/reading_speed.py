"""PyAV and decord on the same films: speed in turns, and whether decord gives the right frames; as JSON.

    python tests/reading_speed.py results/decord.json FILM...
    python tests/reading_speed.py results/decord.json --speed FILM...     only the speed, the rest of the file stays

For the first pass at a reduced size: how far landmarks move when frames are read smaller, by the size of the face."""
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from av.video.reformatter import VideoReformatter

from swapkit.analysis import make_finder
from swapkit.errors import BadInput
from swapkit.messages import logger
from swapkit.types import Frames
from swapkit.video.containers import ffmpeg_exe
from swapkit.video.packets import decode_packets, demux_packets, open_media, prepare_stream
from swapkit.video.probe import video_info
from swapkit.video.read import decord_reader, pyav_reader, read_frame

import decord  # after cv2: its zlib breaks OpenCV's PNG reader

decord.logging.set_level(decord.logging.QUIET)

ROUNDS, LONG = 3, 960   # rounds of each measurement; the longer side of a reduced frame
BATCH = 16


def told(row):
    print(row, file=sys.stderr, flush=True)
    return row


def ratio_of(one, other, rounds=ROUNDS):
    """The median over some rounds of one/other in seconds on the clock, and in seconds of the CPU in all threads (which
    other work on the machine hardly changes). Each round has both in turn."""
    got = []
    for k in range(rounds):
        pair = {}
        for f in ((one, other) if k % 2 else (other, one)):
            gc.collect()  # PyAV's decoders are freed here
            begun = time.perf_counter(), time.process_time()
            f()
            pair[f] = [now-t for now, t in zip((time.perf_counter(), time.process_time()), begun)]
        got.append([a/b for a, b in zip(pair[one], pair[other])])
    return [round(statistics.median(g), 3) for g in zip(*got)]


def reduced(info):
    "W, H of a frame whose longer side is `LONG`; even, as scalers like it."
    k = min(LONG/max(info.width, info.height), 1)
    return tuple(2*round(s*k/2) for s in (info.width, info.height))


def through(get, n):
    for i in range(0, n, BATCH): get(list(range(i, min(i+BATCH, n))))


def in_any_order(get, numbers):
    for k in numbers: get([k])


def forward(info, numbers):
    "Some frames in one pass, with a reader that stays open."
    in_any_order(pyav_reader(info), numbers)


def small_pyav(info, size):
    "Read frames that swscale reduces while it converts."
    scale = VideoReformatter()
    with open_media(info.path) as c:
        v = prepare_stream(c.streams[info.stream])
        for f in decode_packets(demux_packets(c, v), v):
            scale.reformat(f, *size, format='rgb24', threads=1).to_ndarray()


def small_decord(info, size):
    "The same with decord."
    film = decord.VideoReader(str(info.path), width=size[0], height=size[1])
    for i in range(0, len(film), BATCH): film.get_batch(list(range(i, min(i+BATCH, len(film))))).asnumpy()


def speed(info):
    "Time of decord / time of PyAV, below 1 where decord is faster."
    n, size = len(info), reduced(info)
    some = np.linspace(0, n-1, 14).round().astype(int)[1:-1].tolist()
    mixed = [some[k] for k in (7, 2, 9, 0, 5, 11)]
    upright = not info.rotation and not info.mirrored
    row = dict(film=info.path.name, size=[info.height, info.width], frames=n)
    pairs = dict(
        whole=(lambda: through(decord_reader(info), n), lambda: through(pyav_reader(info), n)),
        twelve=(lambda: decord_reader(info)(some), lambda: forward(info, some)),
        random=(lambda: in_any_order(decord_reader(info), mixed), lambda: in_any_order(pyav_reader(info), mixed)),
        one=(lambda: decord_reader(info)([some[6]]), lambda: read_frame(info, some[6])),
    )
    if upright:
        pairs['reduced'] = lambda: small_decord(info, size), lambda: small_pyav(info, size)
        pairs['reduced_to_full'] = lambda: small_pyav(info, size), lambda: through(pyav_reader(info), n)
    if n >= 1000: pairs = {k: pairs[k] for k in ('twelve', 'random', 'one')}  # the others take minutes
    for name, (a, b) in pairs.items():
        row[name] = dict(zip(('clock', 'cpu'), ratio_of(a, b)))
    return told(row)


def exact(info):
    "How far decord's frames are off, in a row and after jumps; and why our reader refuses the film, if it does."
    refused, film = '', decord.VideoReader(str(info.path))
    try: decord_reader(info)
    except BadInput as e:
        refused = str(e).partition(info.path.name)[2].partition(', which')[0].partition(': use')[0].strip(' :')
    if len(film) != len(info) or info.bits > 8: return dict(refused=refused, frames=len(info), decord_frames=len(film))
    def get(numbers):
        with decord.bridge.use_torch(): return film.get_batch(numbers).permute(0, 3, 1, 2)
    n, right, worst, total, most = len(info), pyav_reader(info), 0., 0., 0
    small = lambda x: torch.nn.functional.adaptive_avg_pool2d(x.float(), 48).flatten(1)
    looks = []
    for i in range(0, n, BATCH):
        at = list(range(i, min(i+BATCH, n)))
        a, b = right(at), get(at)
        looks.append(small(a))
        for x, y in zip(a, b):
            d = (x.short()-y.short()).abs()
            mean = float(d.float().mean())
            total, worst, most = total+mean, max(worst, mean), max(most, int(d.max()))
    looks = torch.cat(looks)
    jumps = np.random.default_rng(0).permutation(n)[:40].tolist()
    found = [int((looks-small(get([k]))).abs().mean(1).argmin()) for k in jumps]
    return dict(refused=refused, frames=n, decord_frames=len(film), mean_levels=round(total/n, 3),
                worst_frame=round(worst, 3), most=most,
                jumps=len(jumps), wrong_jumps=sum(a != b for a, b in zip(found, jumps)))


# --- films that are hard to number ------------------------------------------------------------------------------------

CHART = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4,format=yuv420p']


def hostile(folder):
    "Small films whose frames are easily counted wrongly."
    def make(name, *args):
        subprocess.run([ffmpeg_exe(), '-v', 'error', '-y', *map(str, args), str(folder/name)], check=True)
        return folder/name
    yield make('variable rate.mp4', *CHART, '-vf', "select='mod(n,3)',setpts=PTS+0.5/TB", '-fps_mode', 'vfr')
    yield make('variable rate.mkv', *CHART, '-vf', "select='gt(random(1),.5)'", '-fps_mode', 'vfr')
    full = make('plain.mp4', *CHART, '-g', 250)
    yield full
    yield make('edit list.mp4', '-ss', 1.2, '-i', full, '-c', 'copy')
    yield make('turned.mp4', '-display_rotation', 90, '-i', full, '-c', 'copy')
    params = 'keyint=10:min-keyint=10:bframes=3:b-adapt=0:open-gop=1:scenecut=0'
    for suffix in ('mkv', 'ts', 'mp4'):
        path = make(f'open groups.{suffix}', *CHART, '-c:v', 'libx264', '-x264-params', params)
        yield path
        if suffix != 'mp4':
            yield make(f'leading pictures.{suffix}', '-i', path, '-c', 'copy', '-bsf:v', r"noise=drop='lt(n\,9)'")
    yield make('hevc open groups.mp4', *CHART, '-c:v', 'libx265', '-x265-params', params+':log-level=none')
    yield make('groups.webm', *CHART, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', 8, '-g', 20)
    yield make('late.ts', *CHART, '-output_ts_offset', 5)
    yield make('old.avi', *CHART, '-c:v', 'mpeg4', '-bf', 2)
    yield make('ten bits.mp4', *CHART, '-pix_fmt', 'yuv420p10le')
    yield make('full range.mp4', *CHART, '-vf', 'scale=out_range=pc', '-color_range', 'pc', '-pix_fmt', 'yuvj420p')


# --- the first pass ---------------------------------------------------------------------------------------------------

def bins(rows):
    "Landmark differences by the size of the face in the film."
    out = []
    for low, high in ((0, 60), (60, 120), (120, 240), (240, 480), (480, 10**4)):
        here = [r for r in rows if low <= r['side'] < high]
        if not here: continue
        d = torch.cat([r['d'] for r in here])
        out.append(dict(face=f'{low} to {high} px' if high < 10**4 else f'over {low} px', faces=len(here),
                        mean_px=round(float(d.mean()), 3), p95_px=round(float(d.quantile(.95)), 3),
                        mean_part_of_face=round(float(torch.stack([r['d'].mean()/r['side'] for r in here]).mean()), 5)))
    return out


def landmark_errors(infos, kinds, every=12):
    "How far landmarks move when frames are read in another way; `kinds` is name → function from frames to frames."
    find, rows, lost = make_finder('auto', 'auto'), {k: [] for k in kinds}, dict.fromkeys(kinds, 0)
    for info in infos:
        for k in range(0, len(info), every):
            f = read_frame(info, k)
            a = find(f)
            for name, change in kinds.items():
                g, scale = change(info, f)
                b = find(g)
                for i in range(len(a)):
                    side = float(a.wh[i].max())
                    if not len(b): lost[name] += 1; continue
                    d = (b.lms[..., :2]*scale-a.lms[i, :, :2]).norm(dim=-1)
                    j = int(d.mean(1).argmin())
                    if d[j].mean() > .3*side: lost[name] += 1
                    else: rows[name].append(dict(side=side, d=d[j]))
    return {k: dict(lost=lost[k], rows=bins(r)) for k, r in rows.items()}


def as_frames(f, x):
    return Frames(torch.from_numpy(np.ascontiguousarray(x)).permute(2, 0, 1)[None], f.idx, f.pts)


def smaller(long):
    def change(info, f):
        h, w = f.size
        k = min(long/max(h, w), 1)
        W, H = 2*round(w*k/2), 2*round(h*k/2)
        x = f.data[0].permute(1, 2, 0).numpy()
        return as_frames(f, cv2.resize(x, (W, H), interpolation=cv2.INTER_AREA)), torch.tensor([w/W, h/H])
    return change


def noisy(info, f):
    "The same frame with noise of one level, as another encoding of it would have."
    torch.manual_seed(int(f.idx))
    x = (f.data.float()+torch.randn(f.data.shape)).round().clamp(0, 255).byte()
    return Frames(x, f.idx, f.pts), 1.


def first_pass_share(info):
    "Seconds of reading / seconds of finding faces, on the same frames."
    find = make_finder('auto', 'auto')
    get, parts = pyav_reader(info), [list(range(i, i+8)) for i in (0, 8, 16)]
    batches = [Frames(get(at), torch.tensor(at), info.pts[at]) for at in parts]
    def look():
        for f in batches: find.film(f)
    look()
    return told(dict(film=info.path.name, read_to_find=ratio_of(lambda: pyav_reader(info)(list(range(24))), look)[0]))


def machine():
    return dict(system=platform.platform(), cores=len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity')
                else os.cpu_count(), torch=torch.__version__, av=av.__version__, decord=decord.__version__)


def main(out, *films):
    logger.setLevel('ERROR')
    only_speed, films = '--speed' in films, [f for f in films if f != '--speed']
    infos = [video_info(f) for f in films]
    tall = [i for i in infos if max(i.height, i.width) >= 1000 and len(i) < 1000]
    got = json.loads(Path(out).read_text()) if only_speed else {}
    got |= dict(
        command='python tests/reading_speed.py results/decord.json FILM...',
        note=f'Each ratio is the median of {ROUNDS} rounds in turns, on a machine that had other work too, so that the '
             'seconds of the CPU count, not those of the clock. "whole"'
             ' to "reduced": decord / PyAV; below 1 decord needs less. "reduced" has a longer side of '
             f'{LONG}. "reduced_to_full": PyAV when swscale also reduces / PyAV at full size.'
             ' "read_to_find" is by the clock.',
        machine=machine(),
    )
    def save(**more):
        got.update(more)
        Path(out).write_text(json.dumps(got, indent=1)+'\n')
    with tempfile.TemporaryDirectory() as d:
        films = [] if only_speed else [*(i for i in infos if len(i) < 1000), *map(video_info, hostile(Path(d)))]
        if films: save(exactness=[told(dict(film=i.path.name, **exact(i))) for i in films])
    ways = dict(noise=noisy, **{f'longer side {n}': smaller(n) for n in (1280, 960, 640)})
    if films:
        landmarks = told(landmark_errors(tall, ways))
        save(first_pass=dict(share=[first_pass_share(i) for i in tall], landmarks=landmarks))
    rows = []
    for i in infos:
        rows.append(speed(i))
        save(speed=rows)


if __name__ == '__main__':
    with suppress(BrokenPipeError): main(*sys.argv[1:])
