"""What swapkit does on a CUDA card, without Jupyter: equality with the CPU, and times.

    python tests/gpu_check.py FILM OUT.json [--small]

It needs torch, swapkit and its requirements. `c2pa` may be missing: the mark is left out then, and the report says so.
Weights of the networks are random stand-ins: their pictures are no pictures, their times and equalities are right.
`--small` runs the same steps on a CPU with few frames: a trial of this program, no measurement."""

import argparse
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
import traceback
import types
import warnings
from functools import partial
from pathlib import Path

os.environ["SWAPKIT_STAND_INS"] = "all"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
if importlib.util.find_spec("c2pa") is None:
    error = type("C2paError", (Exception,), dict(ManifestNotFound=type("ManifestNotFound", (Exception,), {})))
    sys.modules["c2pa"] = types.SimpleNamespace(absent=True, C2paError=error)

import torch

from swapkit import jobs
from swapkit.analysis import Finder
from swapkit.apps.samples import person_file, person_source, sample_film
from swapkit.compositor import Compositor
from swapkit.options import SwapOptions
from swapkit.face.detect import Detector
from swapkit.face.landmarks import FaceMesh
from swapkit.face.track import choose_faces, track
from swapkit.messages import collect_messages
from swapkit.pipeline import analyze, swap_video
from swapkit.runtime import run_in_halves
from swapkit.types import cat
from swapkit.video.photo import read_photo
from swapkit.video.probe import video_info
from swapkit.video.read import read_frames

if getattr(sys.modules["c2pa"], "absent", False):
    jobs.publish = lambda made, out, *_, **__: os.replace(made, out)

report, CUDA = {}, torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"


def wait():
    if CUDA:
        torch.cuda.synchronize()


def ms(f, rounds=5, warm=2):
    "Median milliseconds of a call; the slowest of the warm-up calls beside it."
    cold, took = 0.0, []
    for k in range(warm + rounds):
        wait()
        t = time.perf_counter()
        f()
        wait()
        t = 1000 * (time.perf_counter() - t)
        if k < warm:
            cold = max(cold, t)
        else:
            took.append(t)
    return round(sorted(took)[len(took) // 2], 3), round(cold, 1)


def step(name):
    "Run a part of the report now; an error in it is kept as its result."

    def run(f):
        if any(w in name for w in a.leave_out):
            return
        t = time.perf_counter()
        try:
            report[name] = f()
        except Exception as e:
            report[name] = dict(error=f"{type(e).__name__}: {e}"[:600], where=traceback.format_exc()[-900:])
        report[name + " seconds"] = round(time.perf_counter() - t, 1)
        print(f"[{time.perf_counter() - START:.0f} s] {name}: {json.dumps(report[name])[:900]}", flush=True)
        Path(OUT).write_text(json.dumps(report, indent=1))

    return run


def levels(a, b):
    d = (a.cpu().float() - b.cpu().float()).abs()
    return dict(largest=float(d.max()), mean=round(float(d.mean()), 5), pixels_over_2=int((d.amax(1) > 2).sum()))


p = argparse.ArgumentParser()
p.add_argument("film")
p.add_argument("out")
p.add_argument("--small", action="store_true")
p.add_argument("--leave-out", nargs="*", default=[], help="words of the names of steps that are not run")
a = p.parse_args()
OUT, START, FILM = a.out, time.perf_counter(), a.film
N, ROUNDS, LIMIT = (
    (4, 1, 1e9) if a.small else (32, 5, 400)
)  # frames, repeats, seconds after which long parts are left out
warnings.simplefilter("ignore")
folder = Path(tempfile.mkdtemp())
cai, photo = person_source("cai"), person_file("cai")
NEURAL = dict(swapper="simswap_256", parser="bisenet_19", restore="gfpgan_1.4")


@step("machine")
def _():
    from swapkit.video.containers import ffmpeg_exe

    return dict(
        card=torch.cuda.get_device_name() if CUDA else "none",
        torch=torch.__version__,
        python=platform.python_version(),
        cores=os.cpu_count(),
        ffmpeg=os.popen(f"{ffmpeg_exe()} -version").readline().split(" Copyright")[0],
        c2pa=not hasattr(sys.modules["c2pa"], "absent"),
    )


@step("built-in compositor equals the CPU")
def _():
    frames, faces = sample_film(range(0, 3 * min(N, 8), 3))
    on = lambda d: Compositor(SwapOptions(parser="none"), d)(frames.to(d), faces.to(d), [cai.to(d)]).data
    return levels(on(DEVICE), on("cpu"))


@step("first pass equals the CPU")
def _():
    frames = next(iter(read_frames(video_info(FILM), min(N, 8))))
    find = lambda d: Finder("tiny_detect", "tiny_mesh", device=d).film(frames.to(d)).to("cpu")
    c, rows = find("cpu"), {}
    for tf32 in (True, False):
        torch.backends.cudnn.allow_tf32 = tf32
        g = find(DEVICE)
        sure = (c.scores > 0.55) & (c.landmark_confidence > 0.5) if len(g) == len(c) else slice(0)
        rows[f"TF32 {tf32}"] = dict(
            faces=[len(g), len(c)],
            landmarks=[round(float(x), 5) for x in (g.lms[sure] - c.lms[sure]).abs().flatten(1).amax(1)],
            boxes=round(float((g.boxes - c.boxes).abs().max()), 5) if len(g) == len(c) else None,
        )
    torch.backends.cudnn.allow_tf32 = True
    on_card = track(Finder("tiny_detect", "tiny_mesh", device=DEVICE)(frames.to(DEVICE)))
    return dict(**rows, tracked_on=str(on_card.device), ids=on_card.ids.unique().tolist())


@step("film and photo to the end")
def _():
    out = {}
    for name, look in (("built-in", {}), ("neural", NEURAL)):
        t = time.perf_counter()
        how = dict(device=DEVICE, end=N / 24, preset="ultrafast", **(look or dict(parser="none")))
        made = swap_video(FILM, photo, folder / f"{name}.mp4", **how)
        out[name] = dict(frames=len(video_info(made)), seconds=round(time.perf_counter() - t, 1))
    swap_video(person_file("ada"), photo, folder / "p.png", device=DEVICE, parser="none")
    swap_video(person_file("ada"), photo, folder / "c.png", device="cpu", parser="none")
    out["photo"] = levels(read_photo(folder / "p.png").data, read_photo(folder / "c.png").data)
    out["faces"] = len(analyze(FILM, folder / "f.faces", device=DEVICE, end=N / 24))
    return out


def one_face(n, device):
    "Frames of the film, the first of them again and again, with one face each."
    frames = next(iter(read_frames(video_info(FILM), min(n, 32)))).to(device)
    found = Detector("tiny_detect", device)(frames)
    found = found[choose_faces(track(found))]
    faces = FaceMesh("tiny_mesh", device)(frames, found)
    return frames[:n], faces[faces.frame < n]


@step("networks: 64 faces at once, half precision against single")
def _():
    n = 4 if a.small else 64
    frames, faces = one_face(min(n, 32), DEVICE)
    if n > len(frames):
        again = lambda b, key: type(b)(**{**vars(b), key: getattr(b, key) + len(frames)})
        frames, faces = cat([frames, again(frames, "idx")]), cat([faces, again(faces, "frame")])
    compositor = Compositor(SwapOptions(**NEURAL), DEVICE)
    whole = compositor(frames, faces, [cai.to(DEVICE)]).data
    one = torch.cat(
        [
            compositor(frames[i : i + 16], faces[(faces.frame >= i) & (faces.frame < i + 16)], [cai.to(DEVICE)]).data
            for i in range(0, len(frames), 16)
        ]
    )
    exact = Compositor(SwapOptions(**NEURAL, precision="fp32"), DEVICE)(
        frames[:8], faces[faces.frame < 8], [cai.to(DEVICE)]
    ).data
    return dict(
        faces=len(faces),
        at_once_against_16=levels(whole, one),
        against_fp32=levels(whole[:8], exact),
        memory_GB=round(torch.cuda.max_memory_allocated() / 1e9, 2) if CUDA else 0,
    )


@step("out of memory: the batch is halved")
def _():
    if not CUDA:
        return "no card"
    frames, faces = one_face(32, DEVICE)
    compositor = Compositor(SwapOptions(**NEURAL), DEVICE)
    stage = lambda f, fc, w: compositor(f, fc, [cai.to(DEVICE)], w)
    want = stage(frames, faces, faces.frame * 0)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    stage(frames[:8], faces[faces.frame < 8], faces.frame[faces.frame < 8] * 0)
    eight = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((eight * 1.5) / total)
        with collect_messages() as said:
            got = run_in_halves(stage, frames, faces, faces.frame * 0)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    return dict(said=[w for w in said if "GPU" in w], **levels(got.data, want.data))


@step("compositors, milliseconds a batch")
def _():
    out = {}
    for name, look in (("built-in", dict(parser="none")), ("neural", NEURAL)):
        compositor = Compositor(SwapOptions(**look), DEVICE)
        src = [cai.to(DEVICE)]
        for bs in (1, 4) if a.small else (1, 2, 8, 16, 32):
            frames, faces = one_face(bs, DEVICE)
            t, cold = ms(partial(compositor, frames, faces, src), ROUNDS)
            out[f"{name} {bs}"] = dict(ms=t, a_frame=round(t / bs, 2), first_ms=cold)
    return out


@step("first pass, milliseconds a batch; a number of faces not seen before")
def _():
    out, find = {}, Finder("tiny_detect", "tiny_mesh", device=DEVICE)
    frames, faces = one_face(N, DEVICE)
    for bench in (False, True):
        torch.backends.cudnn.benchmark = bench
        mesh = FaceMesh("tiny_mesh", DEVICE)
        new = {}
        for n in range(1, min(N, 14)):
            wait()
            t = time.perf_counter()
            mesh(frames, faces[:n])
            wait()
            new[n] = round(1000 * (time.perf_counter() - t), 1)
        out[f"mesh, first call with n faces, cudnn.benchmark={bench}"] = new
        out[f"mesh again, cudnn.benchmark={bench}"] = {
            n: ms(partial(mesh, frames, faces[:n]), 3, 1)[0] for n in (1, 4, 13) if n <= len(faces)
        }
    torch.backends.cudnn.benchmark = False
    out["film(): ms a batch"] = ms(lambda: find.film(frames), ROUNDS)[0]
    return out


@step("launches, waits and copies of a batch")
def _():
    if not CUDA:
        return "no card"
    from torch.profiler import ProfilerActivity, profile

    out = {}
    for name, look in (("built-in", dict(parser="none")), ("neural", NEURAL)):
        compositor = Compositor(SwapOptions(**look), DEVICE)
        frames, faces = one_face(16, DEVICE)
        src = [cai.to(DEVICE)]
        compositor(frames, faces, src)
        wait()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as prof:
            compositor(frames, faces, src)
            wait()
        n = {}
        for e in prof.key_averages():
            for k in (
                "cudaLaunchKernel",
                "cuLaunchKernel",
                "cudaStreamSynchronize",
                "cudaMemcpyAsync",
                "cudaDeviceSynchronize",
            ):
                if e.key.startswith(k):
                    n[k] = n.get(k, 0) + e.count
        busy = sum(e.self_device_time_total for e in prof.key_averages()) / 1000
        out[name] = dict(**n, card_ms=round(busy, 2))
    return out


@step("copies: bytes up and down")
def _():
    if not CUDA:
        return "no card"
    x = torch.randint(0, 255, (16, 3, 1080, 1920), dtype=torch.uint8)
    pinned = x.pin_memory()
    up = {
        k: ms(partial(t.to, DEVICE, non_blocking=True), ROUNDS)[0] for k, t in dict(ordinary=x, pinned=pinned).items()
    }
    g, host = x.to(DEVICE), torch.empty_like(x).pin_memory()
    down = dict(
        ordinary=ms(lambda: g.cpu(), ROUNDS)[0], pinned=ms(lambda: host.copy_(g, non_blocking=True), ROUNDS)[0]
    )
    from swapkit.video.color import to_yuv420

    return dict(
        MB=x.numel() / 1e6,
        up_ms=up,
        down_ms=down,
        pin_ms=ms(lambda: x.pin_memory(), 3)[0],
        to_yuv420_ms=ms(lambda: to_yuv420(g), ROUNDS)[0],
    )


@step("file to file, frames a second")
def _():
    n, out = (N if a.small else 900), {}
    from swapkit.apps.bench_tools import repeat_film

    film = folder / "long.mp4"
    repeat_film(FILM, film, n / 24)
    frames = len(video_info(film))
    t = time.perf_counter()
    sum(len(f) for f in read_frames(video_info(film), 16))
    out["reader alone"] = round(frames / (time.perf_counter() - t), 1)
    for name, bs, look in (
        ("built-in, first run", 32, dict(parser="none")),
        ("built-in again", 32, dict(parser="none")),
        ("neural", 32, NEURAL),
    ):
        at, t = {}, time.perf_counter()
        swap_video(
            film, photo, folder / "o.mp4", device=DEVICE, batch=bs, preset="veryfast", crf=18, overwrite=True,
            progress=lambda n, of, what, at=at: at.update({what: time.perf_counter()}), **look,
        )
        whole = time.perf_counter() - t
        out[name] = dict(
            first_pass=round(frames / (at["analyze"] - t), 1),
            second_pass=round(frames / (at["render"] - at["analyze"]), 1),
            whole=round(frames / whole, 1),
        )
        if time.perf_counter() - START > LIMIT - 20:
            break
    return dict(frames=frames, **out)


@step("ffmpeg: decode and encode at veryfast, 1, 2 and 4 films at once")
def _():
    from subprocess import DEVNULL, Popen
    from swapkit.video.containers import ffmpeg_exe

    film, out = folder / "long.mp4", {}
    frames = len(video_info(film))
    for k in (1, 2, 4):
        if time.perf_counter() - START > LIMIT:
            break
        t = time.perf_counter()
        jobs = [
            Popen(
                [
                    ffmpeg_exe(), "-v", "error", "-y", "-i", str(film), "-an", "-c:v", "libx264", "-preset", "veryfast",
                    "-crf", "18", str(folder / f"e{i}.mp4"),
                ],
                stdin=DEVNULL,
            )
            for i in range(k)
        ]
        assert not any(j.wait() for j in jobs)
        out[k] = round(k * frames / (time.perf_counter() - t), 1)
    return out


@step("torch.compile of GFPGAN")
def _():
    c = Compositor(SwapOptions(**NEURAL), DEVICE)
    net = c.restore.net.__closure__[0].cell_contents
    out = {}
    if a.small:
        return "not on a CPU"
    for bs, mode in ((32, "default"), (1, "reduce-overhead")):
        if time.perf_counter() - START > LIMIT - 90:
            break
        x = torch.rand(bs, 3, 512, 512, device=DEVICE) * 2 - 1
        with torch.inference_mode():
            torch._dynamo.reset()
            t = time.perf_counter()
            fast = torch.compile(net, dynamic=False, mode=mode)
            y = fast(x).clone()
            wait()
            took = time.perf_counter() - t
            out[f"batch {bs}, {mode}"] = dict(
                first_call_s=round(took, 1),
                eager_ms=ms(partial(net, x), ROUNDS)[0],
                compiled_ms=ms(partial(fast, x), ROUNDS)[0],
                largest_difference=round(float((y - net(x)).abs().max()), 5),
            )
    return out


report["seconds"] = round(time.perf_counter() - START, 1)
Path(OUT).write_text(json.dumps(report, indent=1))
bad = [k for k, v in report.items() if isinstance(v, dict) and "error" in v]
print(f"{report['seconds']} s; failed: {', '.join(bad) or 'nothing'}")
sys.exit(bool(bad))
